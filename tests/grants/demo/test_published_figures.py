"""The demo's results against the source report, by line of its text. Nothing here is read from the product's data.

Source: Migration MPTF – Ecuador: Final report, March 2024; the numbers of lines are those of its text.
"""

import pytest
from sqlalchemy import text

from grants.core.db import db
from grants.reports import queries

END = "2024-03-31"  # of the reported programme; later rows are there to try things out


@pytest.fixture
def figures(demo):
    """code → (dimension, value, year or None) → computed figure."""
    found = {}
    for one in queries.results(protected=False):
        cells = {("", "", year): cell for year, cell in one.total.years.items()} | {
            ("", "", None): one.total.cumulative
        }
        for part in one.breakdowns:
            for row in part.rows:
                cells |= {(part.dimension, row.value, year): cell for year, cell in row.years.items()}
                cells[(part.dimension, row.value, None)] = row.cumulative
        found[one.frame.code] = {place: cell.count for place, cell in cells.items()}
    return found


PUBLISHED = [
    # 1.2a: line 285; by province line 97
    ("1.2a", "", "", 2023, 251),
    ("1.2a", "", "", None, 251),
    ("1.2a", "sex", "female", None, 246),
    ("1.2a", "sex", "male", None, 2),
    ("1.2a", "sex", "other", None, 3),
    ("1.2a", "nationality", "EC", None, 20),
    ("1.2a", "nationality", "CO", None, 45),
    ("1.2a", "nationality", "VE", None, 186),
    ("1.2a", "province", "10", None, 125),
    ("1.2a", "province", "21", None, 126),
    # 1.2b: line 286
    ("1.2b", "", "", 2023, 129),
    ("1.2b", "", "", None, 129),
    ("1.2b", "sex", "female", None, 127),
    ("1.2b", "sex", "male", None, 1),
    ("1.2b", "sex", "other", None, 1),
    # 1.3a: lines 288 to 293, 111; devices line 429
    ("1.3a", "", "", 2022, 101),
    ("1.3a", "", "", 2023, 104),
    ("1.3a", "", "", None, 205),
    ("1.3a", "province", "10", None, 101),
    ("1.3a", "province", "21", None, 104),
    ("1.3a", "province_sex", "10_female", None, 92),
    ("1.3a", "province_sex", "10_male", None, 9),
    ("1.3a", "province_sex", "21_female", None, 90),
    ("1.3a", "province_sex", "21_male", None, 14),
    ("1.3a", "province_mobility", "10_mobility", None, 72),
    ("1.3a", "province_mobility", "10_host", None, 29),
    ("1.3a", "province_mobility", "21_mobility", None, 94),
    ("1.3a", "province_mobility", "21_host", None, 10),
    ("1.3a", "province_disability", "10_yes", None, 1),
    ("1.3a", "province_disability", "10_no", None, 100),
    ("1.3a", "province_disability", "21_yes", None, 2),
    ("1.3a", "province_disability", "21_no", None, 102),
    ("1.3a", "device", "yes", None, 201),
    ("1.3a", "province_device", "10_yes", None, 101),
    ("1.3a", "province_device", "21_yes", None, 100),
    ("1.3a", "grade", "passed", None, 204),
    ("1.3a", "province_grade", "10_passed", None, 100),
    ("1.3a", "province_grade", "21_passed", None, 104),
    # 2.3a: line 303
    ("2.3a", "", "", 2022, 201),
    ("2.3a", "", "", 2023, 292),
    ("2.3a", "", "", None, 493),
    ("2.3a", "sex", "female", None, 404),
    ("2.3a", "sex", "male", None, 89),
    ("2.3a", "province", "10", None, 235),
    ("2.3a", "province", "21", None, 258),
    ("2.3a", "province_sex", "10_female", 2022, 174),
    ("2.3a", "province_sex", "10_male", 2022, 27),
    ("2.3a", "province_sex", "21_female", 2023, 210),
    ("2.3a", "province_sex", "21_male", 2023, 48),
    ("2.3a", "province_sex", "10_female", 2023, 20),
    ("2.3a", "province_sex", "10_male", 2023, 14),
    # 2.3b: lines 304 to 306
    ("2.3b", "", "", 2022, 94),
    ("2.3b", "", "", None, 94),
    ("2.3b", "sex", "female", None, 73),
    ("2.3b", "sex", "male", None, 21),
    ("2.3b", "nationality", "EC", None, 31),
    ("2.3b", "nationality", "CO", None, 15),
    ("2.3b", "nationality", "VE", None, 48),
]


def test_every_published_figure_is_computed_from_records(figures):
    computed = [figures[code][dimension, value, year] for code, dimension, value, year, _figure in PUBLISHED]

    assert computed == [figure for *_place, figure in PUBLISHED]


def test_targets_and_shares_are_the_published_ones(demo):
    """Targets: lines 285 to 304. Shares: 251/200, 129/50, 205/200, 493/200, 94/60 on paper."""
    found = {one.frame.code: (one.frame.baseline, one.frame.target, one.achieved) for one in
             queries.results(protected=False)}  # fmt: skip

    assert found == {
        "1.2a": (0, 200, 125.5), "1.2b": (0, 50, 258.0), "1.3a": (0, 200, 102.5), "2.3a": (0, 200, 246.5),
        "2.3b": (0, 60, 156.7),
    }  # fmt: skip


def test_no_figure_differs_from_the_published_one(demo):
    cells = [
        cell
        for one in queries.results(protected=False)
        for row in (one.total, *(row for part in one.breakdowns for row in part.rows))
        for cell in row.cells
    ]

    assert sum(cell.published is not None for cell in cells) >= 50
    assert [cell for cell in cells if cell.differs] == []


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        # Line 103: 129 of the 251 plans; line 218: 210 referred, 117 and 93; institutions lines 345 to 353.
        ("SELECT count(DISTINCT person_id) FROM referral WHERE referred_at < :end", 210),
        ("SELECT count(*) FROM referral r JOIN person p ON p.id = r.person_id WHERE p.canton_code = '1001'"
         " AND r.referred_at < :end", 117),
        ("SELECT count(*) FROM referral r JOIN person p ON p.id = r.person_id WHERE p.canton_code = '2101'"
         " AND r.referred_at < :end", 93),
        ("SELECT count(*) FROM linkage WHERE disbursed_on < :end", 94),
        ("SELECT count(DISTINCT person_id) FROM linkage WHERE disbursed_on IS NOT NULL", 94),
        ("SELECT count(DISTINCT institution_id) FROM linkage", 9),
        ("SELECT count(*) FROM institution WHERE kind = 'savings_bank'", 4),
        ("SELECT count(*) FROM institution WHERE kind <> 'savings_bank'", 5),
        ("SELECT count(*) FROM completion WHERE grade >= 60", 204),
        ("SELECT count(*) FROM completion WHERE grade IS NOT NULL", 205),
        ("SELECT count(*) FROM application WHERE state = 'submitted' AND submitted_at < :end", 251 + 201),
        ("SELECT count(*) FROM award a JOIN selection s ON s.id = a.selection_id JOIN call c ON c.id = s.call_id"
         " WHERE c.kind = 'seed_capital' AND a.value_usd = 700 AND a.awarded_at < :end", 129),
        ("SELECT count(*) FROM waiting_list_entry w JOIN selection s ON s.id = w.selection_id"
         " WHERE s.created_at < :end", 251 - 129),
        ("SELECT count(*) FROM delivery WHERE state = 'confirmed'", 129 + 201),
        ("SELECT count(*) FROM signal", 129 + 201),
        ("SELECT count(*) FROM receipt", 129 + 201),
        ("SELECT count(*) FROM score_sheet WHERE state = 'submitted' AND submitted_at < :end", 251 * 3 * 2),
        ("SELECT count(*) FROM person", 251 + 493),
    ],
)  # fmt: skip
def test_tables_hold_what_the_report_counts(demo, question, answer):
    values = {"end": END} if ":end" in question else {}

    assert db.session.scalar(text(question), values) == answer


def test_everybody_awarded_was_trained(demo):
    """Line 103: the top 129 plans are of the 251 trained."""
    reached = queries.people_reached(["1.2a", "1.2b"])

    assert {one.person_id for one in reached["1.2b"]} < {one.person_id for one in reached["1.2a"]}
