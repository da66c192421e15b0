"""All figures about credit on one day and for one period, as their reader may see them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from grants.credit.funnel import STEPS, Case, cohorts, conversion, funnel, grouped, spans
from grants.credit.measures import Measures, measures, protected
from grants.credit.models import SavingsBankReport
from grants.credit.portfolio import ONE_DAY, Credit, Portfolio, losses, portfolio, punctuality
from grants.credit.queries import funnel as cases_queries
from grants.credit.queries import portfolio as credit_queries
from grants.credit.queries import satisfaction as answer_queries
from grants.credit.queries import savings_banks
from grants.credit.queries.portfolio import Narrowed
from grants.credit.queries.savings_banks import Joined
from grants.credit.satisfaction import Said, newest
from grants.credit.small_cells import columns_to_show, steps_shown
from grants.credit.standing import Standing
from grants.credit.tables import (
    Table,
    ages_table,
    conversion_table,
    funnel_table,
    groups_table,
    institutions_table,
    measures_table,
    spans_table,
)
from grants.credit.tables_people import parts_table, satisfaction_table, satisfied_by_table, savings_banks_table


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader asked for. `protected`: they may open neither the records nor the linkages."""

    day: date
    since: date
    people_day: date  # of the tables about people: for a protected reader always the same, lest two days be compared
    narrowed: Narrowed
    protected: bool


@dataclass(frozen=True, slots=True)
class Report:
    """Everything on the page, in its order."""

    asked: Asked
    measures: Measures
    portfolio: Sequence[Table]
    funnel: Sequence[Table]
    savings_banks: Sequence[Table]
    satisfaction: Sequence[Table]

    @property
    def tables(self) -> list[Table]:
        return [*self.portfolio, *self.funnel, *self.savings_banks, *self.satisfaction]


def report(asked: Asked) -> Report:
    """Computed now from the records, by a fixed number of statements."""
    names = {"institution": {str(key): name for key, name in credit_queries.institution_names().items()},
             "canton": credit_queries.canton_names()}  # fmt: skip
    found = credit_queries.credits_until(asked.day, asked.narrowed)
    closing = portfolio(found, asked.day)
    figures = _measures(found, closing, asked)
    cases = cases_queries.cases_until(asked.people_day, asked.narrowed)
    answers = newest(answer_queries.answers_until(asked.people_day, asked.narrowed))
    return Report(
        asked,
        figures,
        [measures_table(figures), ages_table(closing, figures, protected=asked.protected),
         institutions_table(closing, figures, names["institution"], protected=asked.protected)],
        _funnel(cases, names, asked),
        _savings_banks(asked, names["institution"]),
        _satisfaction(answers, names, asked),
    )  # fmt: skip


def credits_behind(code: str, asked: Asked) -> Portfolio:
    """The credits behind a figure of the portfolio on the day, those late for longest first."""
    closing = portfolio(credit_queries.credits_until(asked.day, asked.narrowed), asked.day)
    kept = [one for one in closing.active if BEHIND[code](one[1])]
    return Portfolio(asked.day, sorted(kept, key=lambda one: (-one[1].days_late, one[0].folio)))


BEHIND: dict[str, Callable[[Standing], bool]] = {
    "gross": lambda stood: True,
    "known": lambda stood: stood.is_known,
    "unknown": lambda stood: not stood.is_known,
    "par30": lambda stood: stood.is_known and (stood.days_late > 30 or stood.restructured_on is not None),
    "par30_late": lambda stood: stood.is_known and stood.days_late > 30,
    "par90": lambda stood: stood.is_known and (stood.days_late > 90 or stood.restructured_on is not None),
    "par90_late": lambda stood: stood.is_known and stood.days_late > 90,
    "late": lambda stood: stood.is_known and stood.days_late > 0,
}


def _measures(found: Sequence[Credit], closing: Portfolio, asked: Asked) -> Measures:
    lost = losses(found, opening=portfolio(found, asked.since - ONE_DAY), closing=closing)
    paid = punctuality(found, since=asked.since, until=asked.day)
    all_of = measures(closing, lost, paid)
    return protected(all_of, paid) if asked.protected else all_of


def _funnel(cases: Sequence[Case], names: dict[str, dict[str, str]], asked: Asked) -> list[Table]:
    trained = (
        cases_queries.trained_people(asked.people_day, asked.narrowed) if not asked.narrowed.institution_id else set()
    )
    whole, hide = funnel(cases, trained), asked.protected
    steps = steps_shown(whole) if hide else STEPS
    groups = {
        "institution": grouped(cases, lambda one: str(one.institution_id)),
        "sex": grouped(cases, lambda one: one.sex),
        "group": grouped(cases, lambda one: one.group),
        "canton": grouped(cases, lambda one: one.canton),
        "month": cohorts(cases),
    }
    return [
        funnel_table(whole, with_trained=not asked.narrowed.institution_id, protected=hide),
        conversion_table(conversion(cases), withheld=len(steps) < len(STEPS), protected=hide),
        spans_table(spans(cases, asked.people_day), protected=hide),
        *(
            groups_table(name, found, names, columns_to_show(found, steps) if hide else STEPS)
            for name, found in groups.items()
        ),
    ]


def _savings_banks(asked: Asked, names: dict[str, str]) -> list[Table]:
    reports, joined = savings_banks.newest_reports(asked.people_day), savings_banks.joined_people(asked.people_day)
    chosen = asked.narrowed.institution_id
    if chosen:
        reports, joined = _of(chosen, reports, joined)
    return [savings_banks_table(reports, joined, names, protected=asked.protected)]


def _of(
    institution_id: int, reports: Sequence[SavingsBankReport], joined: Sequence[Joined]
) -> tuple[list[SavingsBankReport], list[Joined]]:
    return (
        [one for one in reports if one.institution_id == institution_id],
        [one for one in joined if one.institution_id == institution_id],
    )


def _satisfaction(answers: Sequence[Said], names: dict[str, dict[str, str]], asked: Asked) -> list[Table]:
    hide = asked.protected
    return [
        satisfaction_table(answers, protected=hide),
        parts_table(answers, protected=hide),
        *(satisfied_by_table(dimension, answers, names, protected=hide)
          for dimension in ("sex", "canton", "group", "outcome")),
    ]  # fmt: skip
