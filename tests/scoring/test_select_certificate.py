"""A certificate proves what is true, and nothing else."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scoring import Candidate, Quota, Relaxed, Selection, check_certificate, select
from tests.scoring.test_select import LOTTERY, ODD, ODD_QUOTAS, SIX, person

QUOTAS = [Quota("women", minimum=2), Quota("rural", minimum=1)]
FOUND = select(SIX, 3, QUOTAS, LOTTERY)


def holds(selection: Selection[str]) -> bool:
    return check_certificate(SIX, 3, QUOTAS, selection)


def test_the_bound_can_be_added_up_by_hand() -> None:
    bonuses, cut = FOUND.bonuses, FOUND.cut

    # Three seats at the cut, less the bonuses for two women and one rural person, and what each is above the cut.
    above = {one.key: max(0, one.points + sum(bonuses[group] for group in one.groups) - cut) for one in SIX}
    assert above == {"Ana": 9000 + bonuses["women"] - cut, "Beto": 8000 - cut, "Carlos": 0, "Eva": 0, "Fe": 0, "Gil": 0}
    assert 3 * cut - 2 * bonuses["women"] - bonuses["rural"] + sum(above.values()) == 23_000 == FOUND.objective
    assert holds(FOUND)


@pytest.mark.parametrize(
    "changed",
    [
        replace(FOUND, chosen=("Ana", "Carlos", "Fe"), waiting=("Beto", "Eva", "Gil"), objective=22_500),
        replace(FOUND, chosen=("Ana", "Carlos", "Fe"), waiting=("Beto", "Eva", "Gil")),
        replace(FOUND, chosen=("Ana", "Beto", "Carlos"), waiting=("Eva", "Fe", "Gil"), objective=24_500, bound=24_500),
        replace(FOUND, chosen=("Ana", "Beto", "Ana")),
        replace(FOUND, chosen=("Ana", "Beto", "Zoe")),
        replace(FOUND, chosen=("Ana", "Fe"), waiting=("Eva", "Beto", "Carlos", "Gil"), objective=15_000, bound=15_000),
        replace(FOUND, waiting=("Carlos", "Eva")),
        replace(FOUND, cut=FOUND.cut + 1),
        replace(FOUND, bonuses={"women": 0, "rural": 0}),
        replace(FOUND, bonuses={"women": FOUND.bonuses["women"]}),
        replace(FOUND, bound=23_500),
        replace(FOUND, gap=10),
        replace(FOUND, relaxed=(Relaxed("rural", "minimum", 1, 0),)),
        replace(FOUND, fixed=frozenset({"Gil"})),
        replace(FOUND, fixed=frozenset(FOUND.chosen)),
    ],
)
def test_a_selection_changed_afterwards_is_not_proven(changed: Selection[str]) -> None:
    assert not holds(changed)


@pytest.mark.parametrize(
    "changed",
    [
        replace(FOUND, chosen=FOUND.chosen[::-1]),
        replace(FOUND, waiting=FOUND.waiting[::-1]),
        replace(FOUND, exceptions=frozenset({"Carlos"})),
        replace(FOUND, settled=frozenset({"Ana"})),
        replace(FOUND, steps=FOUND.steps[:1]),
        replace(FOUND, steps=FOUND.steps[::-1]),
        replace(FOUND, steps=(replace(FOUND.steps[0], cost=FOUND.steps[0].cost + 1), FOUND.steps[1])),
        replace(FOUND, steps=tuple(replace(step, entered=(), left=(), cost=0) for step in FOUND.steps)),
        replace(FOUND, cut=str(FOUND.cut)),
        replace(FOUND, cut=None),
        replace(FOUND, bonuses=None),
        replace(FOUND, proof="yes"),
        replace(FOUND, gap=1, proof="yes"),
        replace(FOUND, chosen=None),
        None,
    ],
)
def test_a_story_that_its_numbers_do_not_tell_is_not_proven(changed: Any) -> None:
    assert holds(FOUND)
    assert not holds(changed)


def test_equals_on_the_line_are_named_and_nobody_else() -> None:
    people = [person("a", 90), person("b", 80), person("c", 80), person("d", 70)]
    found = select(people, 2, [], list("dcba"))

    assert found.settled == {"b", "c"}
    assert check_certificate(people, 2, [], found)
    for settled in (frozenset(), frozenset("b"), frozenset("bcd")):
        assert not check_certificate(people, 2, [], replace(found, settled=settled))


def test_a_candidate_who_stands_there_twice_proves_nothing() -> None:
    assert not check_certificate([*SIX, SIX[0]], 3, QUOTAS, FOUND)


def test_a_selection_without_steps_is_proven_all_the_same() -> None:
    assert check_certificate(SIX, 3, QUOTAS, select(SIX, 3, QUOTAS, LOTTERY, steps=False))


def test_a_selection_is_not_proven_for_other_people_or_quotas() -> None:
    raised = [replace(one, points=9500) if one.key == "Carlos" else one for one in SIX]

    assert not check_certificate(raised, 3, QUOTAS, FOUND)
    assert not check_certificate(SIX[1:], 3, QUOTAS, FOUND)
    assert not check_certificate(SIX, 4, QUOTAS, FOUND)
    assert not check_certificate(SIX, 3, [Quota("women", minimum=3), QUOTAS[1]], FOUND)


def test_a_gap_is_not_closed_by_a_proof_that_leaves_cases_out() -> None:
    found = select(ODD, 3, ODD_QUOTAS, list("654321"))
    assert found.proof is not None
    assert hasattr(found.proof, "more")

    assert check_certificate(ODD, 3, ODD_QUOTAS, found)
    assert not check_certificate(ODD, 3, ODD_QUOTAS, replace(found, proof=found.proof.more))
    assert not check_certificate(ODD, 3, ODD_QUOTAS, replace(found, proof=found.proof.fewer))
    assert not check_certificate(ODD, 3, ODD_QUOTAS, replace(found, proof=None))


# Two of five are women, one of them rural; both rural people but her are men.
FIVE = [
    person("a", 90, "men"),
    person("b", 80, "men", "rural"),
    person("c", 70, "men", "rural"),
    person("d", 60, "women"),
    person("e", 50, "women", "rural"),
]
STRICT = [Quota("women", minimum=3), Quota("rural", minimum=2), Quota("men", maximum=0)]


def test_each_limit_that_gave_way_has_a_proof_of_its_own() -> None:
    found = select(FIVE, 3, STRICT, list("abcde"))

    # Only two women; with them one seat is left, for a rural man, who is a man.
    assert found.chosen == ("b", "d", "e")
    assert found.relaxed == (Relaxed("women", "minimum", 3, 2), Relaxed("men", "maximum", 0, 1))
    assert all(one.proof is not None for one in found.relaxed)
    assert check_certificate(FIVE, 3, STRICT, found)


def test_a_limit_that_gave_way_needlessly_is_not_proven() -> None:
    free = select(FIVE, 3, [], list("abcde"))
    women, men = select(FIVE, 3, STRICT, list("abcde")).relaxed
    eased = replace(free, bonuses={"women": 0, "rural": 0, "men": 0})

    # The free choice would be right if no woman and three men had to be enough.
    for relaxed in (
        (replace(women, possible=0), replace(men, possible=3)),
        (replace(women, possible=0, proof=None), replace(men, possible=3)),
        (replace(women, possible=0, asked=4), replace(men, possible=3)),
        (replace(women, group="islanders", possible=0), replace(men, possible=3)),
    ):
        assert not check_certificate(FIVE, 3, STRICT, replace(eased, relaxed=relaxed))


def test_a_proof_that_was_not_found_is_not_called_certified() -> None:
    found = select(FIVE, 3, STRICT, list("abcde"))

    assert found.is_certified
    assert not replace(found, bound=found.bound + 1).is_certified
    assert not replace(found, relaxed=(Relaxed("women", "minimum", 3, 2),)).is_certified


@pytest.mark.parametrize("places", [0, 1, 5, 9])
def test_every_size_is_proven(places: int) -> None:
    found = select(FIVE, places, STRICT, list("edcba"))

    assert found.is_certified
    assert check_certificate(FIVE, places, STRICT, found)


def test_points_of_one_person_at_the_top_of_the_scale_stay_exact() -> None:
    people = [Candidate(key, 10**7 - key, frozenset({"odd"} if key % 2 else set())) for key in range(50)]

    found = select(people, 10, [Quota("odd", maximum=3)], list(range(50)))

    # The three best odd ones, 1, 3 and 5, and the seven best even ones, 0 to 12.
    assert sorted(found.chosen) == [0, 1, 2, 3, 4, 5, 6, 8, 10, 12]
    assert found.objective == found.bound == 10 * 10**7 - (1 + 3 + 5 + 42)


def test_what_the_documentation_says_is_so() -> None:
    text = (Path(__file__).parents[2] / "docs" / "scoring-selection.md").read_text(encoding="utf-8")
    here: dict[str, Any] = {}

    lines = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL)).splitlines()
    exec("\n".join(lines), here)  # noqa: S102 -- our own page
    said = [line.split("#") for line in lines if "  # " in line]

    assert [eval(code, here) for code, _ in said] == [eval(value) for _, value in said]  # noqa: S307 -- our own page
    assert len(said) == 4
    assert (here["found"].cut, here["found"].bonuses) == (7501, {"women": 500, "rural": 1001})
