"""Counting, and the table made of it."""

from datetime import date

from grants.people.protection import Mark
from grants.reports.framework import Frame, Published
from grants.reports.results import Cell, result
from grants.reports.tally import Line, Reached, lines, matching


def people(count: int, year: int, start: int = 0, **traits: str) -> list[Reached]:
    return [Reached(start + n, f"P-{year}-{start + n:04d}", date(year, 6, 1), traits) for n in range(count)]


def frame(**published: Published) -> Frame:
    places = {(None, *place.split("_", 1)): figure for place, figure in published.items()}
    return Frame("1.2a", "Personas", "People", 0, 50, places)


def test_declared_values_come_first_and_always():
    found = lines(people(2, 2023, sex="male") + people(1, 2022, sex="robot"), "sex", ["female", "male"])

    assert found == [Line("female", {}, 0), Line("male", {2023: 2}, 2), Line("robot", {2022: 1}, 1)]


def test_matching_gives_the_people_of_one_figure_by_folio():
    reached = people(2, 2023, sex="male") + people(3, 2022, sex="male") + people(1, 2022, 9, sex="female")

    assert len(matching(reached)) == 6
    assert [one.folio for one in matching(reached, year=2022, dimension="sex", value="female")] == ["P-2022-0009"]
    assert len(matching(reached, dimension="sex", value="male")) == 5


def test_reader_of_records_sees_everything():
    reached = people(48, 2023, sex="female") + people(2, 2023, 100, sex="male")

    found = result(frame(sex_male=Published(3, "line 1", "es", "en")), reached, protected=False)

    sex = next(part for part in found.breakdowns if part.dimension == "sex")
    assert [(row.value, row.cumulative.count) for row in sex.rows] == [("female", 48), ("male", 2), ("other", 0)]
    assert sex.rows[1].cumulative.differs
    assert [published.figure for published in sex.contradictions] == [3]
    assert found.achieved == 100.0


def test_protected_cell_hides_its_published_figure_too():
    reached = people(48, 2023, sex="female") + people(2, 2023, 100, sex="male")

    found = result(frame(sex_male=Published(3, "line 1", "es", "en")), reached, protected=True)

    sex = next(part for part in found.breakdowns if part.dimension == "sex")
    assert [row.cumulative for row in sex.rows] == [Cell(None, Mark.PROTECTED), Cell(None, Mark.SMALL), Cell(0)]
    assert sex.contradictions == []


def test_years_stay_out_of_a_breakdown_with_a_small_crossing():
    reached = people(6, 2022, sex="female") + people(9, 2023, 20, sex="female") + people(3, 2022, 40, sex="male")
    reached += people(30, 2023, 60, sex="male")

    found = result(frame(), reached, protected=True)

    sex = next(part for part in found.breakdowns if part.dimension == "sex")
    assert (found.years, sex.years) == ((2022, 2023), ())
    assert [row.cumulative.count for row in sex.rows] == [15, 33, 0]


def test_small_year_takes_the_other_years_with_it():
    found = result(frame(), people(3, 2022, sex="female") + people(90, 2023, 10, sex="female"), protected=True)

    assert [cell.mark for cell in found.total.years.values()] == [Mark.SMALL, Mark.PROTECTED]
    assert found.total.cumulative.count == 93
    assert all(part.years == () for part in found.breakdowns)


def test_fewer_than_five_people_show_nothing_at_all():
    found = result(frame(), people(4, 2023, sex="female"), protected=True)

    assert found.total.cumulative == Cell(None, Mark.SMALL)
    assert (found.years, found.breakdowns, found.achieved) == ((), (), None)


def test_linked_breakdowns_are_not_shown_beside_each_other():
    reached = people(20, 2023, sex="female", province="10", canton="1001", province_sex="10_female")

    shown = {part.dimension for part in result(frame(), reached, protected=True).breakdowns}

    assert "canton" in shown
    assert shown.isdisjoint({"province", "province_sex"})


def test_nobody_reached_is_zero_of_the_target():
    found = result(frame(), [], protected=True)

    assert (found.total.cumulative.count, found.achieved, found.years) == (0, 0.0, ())
