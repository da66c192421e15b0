"""The demo's credits and referrals through the queries of the figures, against the source report.

Source: Migration MPTF – Ecuador: Final report, March 2024; the numbers of lines are those of its text.
"""

from collections import Counter
from datetime import date

from sqlalchemy import select

from grants.core.db import db
from grants.credit.funnel import Step, funnel, grouped
from grants.credit.queries.funnel import cases_until, trained_people
from grants.credit.queries.portfolio import Narrowed, credits_until, institution_names
from grants.credit.queries.satisfaction import answers_until
from grants.credit.satisfaction import newest, tally
from grants.people.models import Person
from grants.reports.shares import shares

END = date(2024, 3, 31)
ALL = Narrowed()


def test_the_94_credits_have_the_published_sex_and_nationality(demo):
    """Lines 304 to 306: 94; 73 women and 21 men; 31 EC, 15 CO, 48 VE."""
    people = {one.person_id for one in credits_until(END, ALL)}
    rows = db.session.execute(select(Person.sex, Person.nationality).where(Person.id.in_(people))).all()

    assert len(credits_until(END, ALL)) == len(people) == 94
    assert Counter(row.sex.value for row in rows) == {"female": 73, "male": 21}
    assert Counter(row.nationality for row in rows) == {"EC": 31, "CO": 15, "VE": 48}


def test_the_funnel_counts_the_published_people(demo):
    """493 trained (line 303), 210 referred (line 218) in 117 and 93 (Imbabura, Sucumbíos), 94 with a credit."""
    cases = cases_until(END, ALL)
    found = funnel(cases, trained_people(END, ALL))
    by_province = grouped(cases, lambda one: one.canton[:2])
    by_sex = grouped(cases, lambda one: one.sex)

    assert (found.trained, found.count(Step.REFERRED), found.count(Step.DISBURSED)) == (493, 210, 94)
    assert found.of_trained == 210
    assert {key: one.count(Step.REFERRED) for key, one in by_province.items()} == {"10": 117, "21": 93}
    assert {key: one.count(Step.DISBURSED) for key, one in by_sex.items()} == {"female": 73, "male": 21}


def test_nine_institutions_have_linkages(demo):
    """Lines 345 to 353."""
    assert len(grouped(cases_until(END, ALL), lambda one: str(one.institution_id))) == 9
    assert len(institution_names()) == 9


def test_satisfaction_is_computed_with_its_n_and_not_the_published_96(demo):
    """Line 308 measured the training. The demo's answers are invented: only their number is checked for sense."""
    found = tally(newest(answers_until(END, ALL)), protected=False)
    (share,) = shares(date(2026, 11, 30), protected=False)

    assert found.asked == found.answered + found.refused
    assert found.answered > 50
    assert share.target == 60
    assert share.published.figure == 96
    assert "training" in share.published.contradiction("en")
    assert share.tally.answered >= found.answered
