"""Sections on who was selected: the quotas and what they cost, the proof, the waiting list, departures."""

from flask_babel import gettext as _

from grants.selection.annex.blocks import Block, facts, number, section, table, text, whole
from grants.selection.exports.contents import Contents, hundredths
from grants.selection.exports.quotas import PROTECTED, Count, QuotaFacts
from grants.selection.exports.tally import Tally


def about_the_quotas(contents: Contents) -> Block:
    quotas, title = contents.quotas(in_public=True), _("Quotas, and what they cost")
    if not quotas:
        return section(title, text(_("This run had no quotas: points alone decided, and the lottery between equals.")))
    head = [_("Group"), _("Minimum"), _("Maximum"), _("Ranked"), _("Selected"), _("Bonus"),
            _("Gained a place"), _("Lost a place"),
            _("Cost")]  # fmt: skip
    rule = text(_("The places go to the set of people with the highest sum of points among all sets that keep every "
                  "quota. Quotas stand in the order declared in the call. Gained, lost and cost (points of all "
                  "selected together) say what changed when a quota was added to those before it. A bonus is the "
                  "number of points that its quota is worth at the cut line."))  # fmt: skip
    given_way = [text(_gave_way(quota)) for quota in quotas if quota.possible]
    hidden = text(_("Groups of 1 to 4 people are shown as <5, and others as %(mark)s where they would give them away.",
                    mark=PROTECTED))  # fmt: skip
    return section(title, rule, table(head, [_row(quota) for quota in quotas]), *given_way, hidden)


def _row(quota: QuotaFacts) -> list[str]:
    return [
        quota.words, number(quota.minimum, 0), number(quota.maximum, 0), _count(quota.eligible), _count(quota.chosen),
        number(hundredths(quota.bonus)), _count(quota.entered), _count(quota.left), number(hundredths(quota.cost)),
    ]  # fmt: skip


def _count(count: Count) -> str:
    return whole(count) if isinstance(count, int) else count


def _gave_way(quota: QuotaFacts) -> str:
    possible = " / ".join(whole(limit) for limit in quota.possible)
    return str(_("The quota of %(group)s could not be kept; the nearest possible was %(possible)s.",
                 group=quota.words, possible=possible))  # fmt: skip


def about_the_certificate(contents: Contents) -> Block:
    title, result = _("Proof that no better selection exists"), contents.result
    if result is None:
        return section(title, text(_("This run was made before such proofs were stored.")))
    proof = result.certificate
    lines = [
        (_("Points of all selected together"), number(hundredths(proof["objective"]))),
        (_("Bound that no allowed selection can exceed"), number(hundredths(proof["bound"]))),
        (_("Difference"), number(hundredths(proof["gap"]))),
        (_("Cut line"), number(hundredths(proof["cut"]))),
        (_("Checked when the run was made"), _("yes") if proof["checked"] else _("no")),
        (_("Hash of the result (SHA-256)"), result.hash),
    ]
    how = text(_("To check it: add to everybody's points the bonuses of their groups; whoever is above the cut line "
                 "is in, whoever is below is out, and on the line the lottery decides. The bound is places × cut line, "
                 "plus what points and bonuses together exceed it by, less each bonus × its quota. Where it equals the "
                 "points of the selected, no allowed selection has more. The command “grants selection replay "
                 "%(number)s” computes the run again and compares byte by byte.",
                 number=contents.selection.id))  # fmt: skip
    return section(title, facts(*lines), how)


def about_what_follows(contents: Contents, tally: Tally) -> Block:
    return section(
        _("Waiting list, substitution and departures"),
        text(_("When a place falls free, the same problem is solved again: points, quotas and lottery as they were, "
               "those who have a place keep it, those who gave theirs up are left out. Whoever then gets the place "
               "need not be the next by points: the quotas hold to the end.")),
        text(_("Departures from the order, each with its reason in the act: %(number)s.",
               number=whole(tally.departures))),
    )  # fmt: skip
