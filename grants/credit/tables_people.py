"""Tables of savings banks and of satisfaction. Pure: figures in, tables out."""

from collections.abc import Callable, Mapping, Sequence

from flask_babel import gettext as _

from grants.credit import figure_words as words
from grants.credit.models import LinkageKind, SavingsBankReport
from grants.credit.queries.savings_banks import Joined
from grants.credit.satisfaction import Said, part_means, tallies, tally
from grants.credit.small_cells import shown_share
from grants.credit.tables import HIDDEN, Column, Kind, Table, Value, or_hidden, value_name
from grants.people.protection import is_small

PART_NAMES: dict[str, Callable[[], str]] = {
    "information": lambda: _("Information"),
    "treatment": lambda: _("Treatment"),
    "time_taken": lambda: _("Time it took"),
    "requirements": lambda: _("Requirements"),
}
OUTCOME_NAMES: dict[str, Callable[[], str]] = {"approved": lambda: _("Approved"), "declined": lambda: _("Declined")}
VALUES: dict[str, Callable[[Said], str]] = {
    "sex": lambda said: said.sex,
    "canton": lambda said: said.canton,
    "group": lambda said: said.group,
    "outcome": lambda said: said.outcome,
}


def savings_banks_table(
    reports: Sequence[SavingsBankReport], joined: Sequence[Joined], names: Mapping[str, str], *, protected: bool
) -> Table:
    """One row a savings bank that reported or that anybody of the programme joined, by name."""
    columns = [Column(_("Savings bank"), Kind.TEXT), Column(_("Figures of"), Kind.DAY), Column(_("Members")),
               Column(_("Women")), Column(_("In human mobility")), Column(_("Savings (USD)"), Kind.USD),
               Column(_("Loans")), Column(_("Principal owed (USD)"), Kind.USD),
               Column(_("Memberships logged here")), Column(_("Accounts logged here"))]  # fmt: skip
    by_id = {one.institution_id: one for one in reports}
    people = {(one.institution_id, one.kind): one.people for one in joined}
    wanted = by_id.keys() | {key for key, _kind in people}
    rows = []
    for key in (int(found) for found in names if int(found) in wanted):
        known: list[Value] = [people.get((key, kind), 0)
                              for kind in (LinkageKind.MEMBERSHIP, LinkageKind.SAVINGS_ACCOUNT)]  # fmt: skip
        if protected:
            known = [HIDDEN if isinstance(count, int) and is_small(count) else count for count in known]
        rows.append([names[str(key)], *_said_itself(by_id.get(key), protected=protected), *known])
    return Table("savings_banks", _("Savings banks"), columns, rows, str(words.DEFINITIONS["savings_banks"]))


def _said_itself(one: SavingsBankReport | None, *, protected: bool) -> list[Value]:
    if one is None:
        return [None] * 7
    women, mobile = one.women, one.in_mobility
    if not protected:
        return [one.as_of, one.members, women, mobile, one.savings_usd, one.loans, one.loans_usd]
    few = is_small(one.members)
    loans = not few and not is_small(one.loans)
    return [
        one.as_of,
        HIDDEN if few else one.members,
        women if shown_share(women, one.members) else HIDDEN,
        mobile if mobile is None or shown_share(mobile, one.members) else HIDDEN,
        HIDDEN if few else one.savings_usd,
        one.loans if loans else HIDDEN,
        one.loans_usd if loans else HIDDEN,
    ]


def _satisfaction_columns(first: str) -> list[Column]:
    return [Column(first, Kind.TEXT), Column(_("People asked")), Column(_("Did not want to answer")),
            Column(_("Answers")), Column(_("Satisfied")), Column(_("Share satisfied"), Kind.SHARE)]  # fmt: skip


def satisfaction_table(answers: Sequence[Said], *, protected: bool) -> Table:
    """Indicator 2.3d: everybody asked."""
    found = tally(answers, protected=protected)
    row: list[Value] = [_("Everybody"), or_hidden(found.asked), or_hidden(found.refused), or_hidden(found.answered),
                        or_hidden(found.satisfied), HIDDEN if found.answered is None else found.share]  # fmt: skip
    title, columns = _("Satisfaction with getting credit (2.3d)"), _satisfaction_columns(_("People"))
    return Table("satisfaction", title, columns, [row], str(words.DEFINITIONS["satisfaction"]))


def satisfied_by_table(
    dimension: str, answers: Sequence[Said], names: Mapping[str, Mapping[str, str]], *, protected: bool
) -> Table:
    """Satisfaction by value of a dimension."""
    name = str(words.DIMENSION_NAMES[dimension])
    columns, title = _satisfaction_columns(name), _("Satisfaction by %(dimension)s", dimension=name.lower())
    found = tallies(answers, VALUES[dimension], protected=protected)
    if found is None:
        note = _("Too few people: this breakdown is protected.")
        return Table(f"satisfaction_{dimension}", title, columns, [], "", note)
    rows = [
        [_name(dimension, value, names), or_hidden(one.asked), or_hidden(one.refused), or_hidden(one.answered),
         or_hidden(one.satisfied), one.share]
        for value, one in found.items()
    ]  # fmt: skip
    return Table(f"satisfaction_{dimension}", title, columns, rows)


def parts_table(answers: Sequence[Said], *, protected: bool) -> Table:
    """The mean grade of each part of the process. Protected: of five or more answers."""
    columns = [Column(_("Part of the process"), Kind.TEXT), Column(_("Answers")),
               Column(_("Mean of 1 to 5"), Kind.NUMBER)]  # fmt: skip
    means, rows = part_means(answers), []
    for part, name in PART_NAMES.items():
        count, mean = means.get(part, (0, None))
        few = protected and is_small(count)
        rows.append([name(), *([HIDDEN, HIDDEN] if few else [count, None if mean is None else round(mean, 2)])])
    return Table("satisfaction_parts", _("Parts of the process"), columns, rows)


def _name(dimension: str, value: str, names: Mapping[str, Mapping[str, str]]) -> str:
    return OUTCOME_NAMES[value]() if dimension == "outcome" else value_name(dimension, value, names)
