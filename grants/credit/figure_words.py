"""What the figures about credit are called, and what each of them is."""

from flask_babel import lazy_gettext as _

from grants.credit.funnel import Step

STEP_NAMES = {
    Step.REFERRED: _("Referred to an institution"),
    Step.ACKNOWLEDGED: _("Seen by the institution"),
    Step.APPLIED: _("Applied for credit"),
    Step.APPROVED: _("Credit approved"),
    Step.DISBURSED: _("Credit disbursed"),
    Step.SECOND: _("Second credit disbursed"),
}
MEASURE_NAMES = {
    "coverage": _("Coverage, by credits"),
    "coverage_usd": _("Coverage, by principal"),
    "par30": _("Portfolio at risk, over 30 days (PAR30)"),
    "par30_late": _("PAR30 without those only restructured"),
    "par90": _("Portfolio at risk, over 90 days (PAR90)"),
    "par90_late": _("PAR90 without those only restructured"),
    "arrears": _("Arrears"),
    "late_credits": _("Late credits"),
    "late_people": _("Late people"),
    "write_off": _("Write-off ratio of the period"),
    "on_time": _("Repayment on time in the period"),
}
DEFINITIONS = {
    "gross": _(
        "Principal owed of all credits not written off at the end of the day. No interest. Credits without a "
        "recent report count as last reported."
    ),
    "coverage": _(
        "Credits of which anything was reported within 45 days of the day, of all that are owed. The others "
        "are unknown, not current."
    ),
    "coverage_usd": _("Principal owed of credits reported within 45 days of the day, of all principal owed."),
    "par30": _(
        "The whole principal owed of credits with an instalment's principal unpaid for more than 30 days, and"
        " of all restructured credits, over the principal owed. Known credits only. The bounds say where the "
        "figure would lie if all unknown credits were fine, or all at risk."
    ),
    "par30_late": _("As PAR30, without the restructured credits that are not late for more than 30 days."),
    "par90": _("As PAR30, with more than 90 days. Restructured credits are in it as well."),
    "par90_late": _("As PAR90, without the restructured credits that are not late for more than 90 days."),
    "arrears": _(
        "Principal that has fallen due and is not paid, over the principal owed. Known credits only. Some "
        "systems call this PAR; it is smaller."
    ),
    "late_credits": _("Known credits with anything due and unpaid for a day or more, of all known credits."),
    "late_people": _("People with a late credit, of people with a known credit. A person counts once."),
    "write_off": _(
        "Written off in the period, over the mean of the gross portfolio the day before the period and on its"
        " last day. Recoveries are not subtracted."
    ),
    "on_time": _(
        "Principal that fell due in the period and was paid on its due day or before, over the principal that"
        " fell due and of which the day of payment is known. What was paid in advance counts in the period in"
        " which it falls due. No standard wording was found; this one is ours."
    ),
    "funnel": _(
        "Different people. Each counts in every step up to the furthest one reached. A second credit does not"
        " count when it pays off another."
    ),
    "conversion": _(
        "Credit linkages. Approved over decided, and decided over sent: approved over sent alone would fall "
        "while cases are open."
    ),
    "spans": _(
        "Days between two steps of credit linkages. Nine in ten took so many days at most. Open cases have "
        "waited so long and are in no median."
    ),
    "savings_banks": _(
        "What each savings bank said last about itself, and the different people whose membership or account "
        "is logged here."
    ),
    "satisfaction": _(
        "People who answered 4 or 5 of 5 to: how satisfied are you with the whole process of getting credit? "
        "Asked 7 to 60 days after the decision, approved or not, and never by the institution's liaison."
    ),
    "ages": _(
        "Principal owed by the days since the oldest unpaid instalment fell due. Unknown: no report within 45 days."
    ),
    "institutions": _("The portfolio by institution, on the day. Coverage by principal; PAR over known credits."),
}
SPAN_NAMES = {
    "disbursed": _("Referred to first disbursement"),
    "acknowledged": _("Referred to seen by the institution"),
    "decided": _("Applied to decision"),
    "paid_out": _("Approved to disbursement"),
}
AGE_NAMES = {
    "unknown": _("Unknown"),
    "current": _("Not late"),
    "30": _("1 to 30 days"),
    "90": _("31 to 90 days"),
    "over": _("Over 90 days"),
}
DIMENSION_NAMES = {
    "institution": _("Institution"),
    "sex": _("Sex"),
    "group": _("Population group"),
    "canton": _("Canton"),
    "outcome": _("Outcome"),
    "month": _("Month of the referral"),
}
BEHIND_NAMES = {
    "gross": _("All credits that are owed"),
    "known": _("Credits with a recent report"),
    "unknown": _("Credits without a recent report"),
    "par30": _("Credits in PAR30"),
    "par30_late": _("Credits late for more than 30 days"),
    "par90": _("Credits in PAR90"),
    "par90_late": _("Credits late for more than 90 days"),
    "late": _("Late credits"),
}
