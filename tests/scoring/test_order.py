"""Ranking, lotteries and the choice: nothing depends on the order of the input."""

import hashlib
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring import choose, lottery_order, rank, rfc3797_order, tie_key

# RFC 3797, section 6: key, MD5 of each draw, and the numbers drawn.
RFC_KEY = "9319./2.5.8.10.12./9.18.26.34.41.45./"
RFC_FIRST_TEN = [17, 7, 2, 16, 25, 23, 8, 24, 19, 13]

points = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=4), st.integers(0, 6), max_size=15)


def test_rfc_3797_example_is_drawn_as_published() -> None:
    assert rfc3797_order(RFC_KEY, 25, 10) == RFC_FIRST_TEN


@pytest.mark.parametrize(
    ("draw", "published", "left", "remainder"),
    [
        (0, "990DD0A5692A029A98B5E01AA28F3459", 25, 16),
        (1, "3691E55CB63FCC37914430B2F70B5EC6", 24, 6),
        (2, "FE814EDF564C190AC1D25753979990FA", 23, 1),
        (3, "1863CCACEB568C31D7DDBDF1D4E91387", 22, 13),
    ],
)
def test_draws_have_the_published_md5_and_remainder(draw: int, published: str, left: int, remainder: int) -> None:
    edge = bytes([0, draw])
    digest = hashlib.md5(edge + RFC_KEY.encode() + edge, usedforsecurity=False).hexdigest()

    assert digest.upper() == published
    assert int(published, 16) % left == remainder


def test_eleventh_draw_is_that_of_another_implementation() -> None:
    # votelib, the test of its RFC3797Selector with the seeds of the RFC.
    assert rfc3797_order(RFC_KEY, 25, 11) == [*RFC_FIRST_TEN, 22]


@given(st.text("0123456789./", max_size=40), st.integers(0, 60))
def test_rfc_3797_draws_everybody_once(key: str, n: int) -> None:
    drawn = rfc3797_order(key, n)

    assert sorted(drawn) == list(range(1, n + 1))
    assert rfc3797_order(key, n, n // 2) == drawn[: n // 2]


@pytest.mark.parametrize(("n", "count"), [(3, 4), (3, -1), (70_000, 1)])
def test_impossible_draw_is_refused(n: int, count: int) -> None:
    with pytest.raises(ValueError, match="draw between"):
        rfc3797_order("1.", n, count)


@given(st.sets(st.text(min_size=1, max_size=6).filter(lambda text: text.isprintable())), st.randoms())
def test_lottery_does_not_depend_on_the_order_of_the_input(keys: set[str], random: object) -> None:
    shuffled = list(keys)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert lottery_order("seed", shuffled) == lottery_order("seed", sorted(keys))


def test_lottery_order_is_that_of_the_hashes() -> None:
    expected = sorted(["SC|A", "SC|B", "SC|C"], key=lambda key: hashlib.sha256(b"s|" + key.encode()).hexdigest())

    assert lottery_order("s", ["SC|A", "SC|B", "SC|C"]) == expected
    assert tie_key("s", "SC|A") == hashlib.sha256(b"s|SC|A").hexdigest()


def test_same_key_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        lottery_order("s", ["a", "a"])


@given(points)
def test_place_is_one_more_than_the_number_of_better_ones(scores: dict[str, int]) -> None:
    for row in rank(scores):
        assert row.place == 1 + sum(other > row.points for other in scores.values())


@given(points, st.integers(0, 20), st.randoms())
def test_choice_does_not_depend_on_the_order_of_the_input(scores: dict[str, int], places: int, random: object) -> None:
    lottery = lottery_order("seed", scores)
    shuffled = list(scores.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert choose(dict(shuffled), places, lottery) == choose(scores, places, lottery)


@given(points, st.integers(0, 20))
def test_nobody_waiting_has_more_points_than_somebody_chosen(scores: dict[str, int], places: int) -> None:
    choice = choose(scores, places, lottery_order("seed", scores))

    assert len(choice.chosen) == min(places, len(scores))
    assert set(choice.chosen) | set(choice.waiting) == set(scores)
    assert all(scores[inside] >= scores[outside] for inside in choice.chosen for outside in choice.waiting)


@given(points.filter(bool), st.integers(1, 20), st.data())
def test_more_points_never_lose_a_place(scores: dict[str, int], places: int, data: st.DataObject) -> None:
    lottery = lottery_order("seed", scores)
    raised = data.draw(st.sampled_from(sorted(scores)))
    before = choose(scores, places, lottery)
    after = choose({**scores, raised: scores[raised] + 1}, places, lottery)

    assert raised not in before.chosen or raised in after.chosen


def test_tie_at_the_cut_is_settled_by_the_lottery_and_said() -> None:
    choice = choose({"a": 90, "b": 80, "c": 80, "d": 80, "e": 10}, 2, ["e", "d", "c", "b", "a"])

    assert choice.chosen == ("a", "d")
    assert choice.waiting == ("c", "b", "e")
    assert choice.cut == 80
    assert choice.tied_at_cut == choice.settled == {"b", "c", "d"}


def test_tie_among_the_chosen_settles_nothing_but_one_among_those_waiting_does() -> None:
    choice = choose({"a": 90, "b": 90, "c": 50, "d": 40, "e": 40}, 2, ["e", "d", "c", "b", "a"])

    assert choice.chosen == ("b", "a")
    assert choice.waiting == ("c", "e", "d")
    assert choice.tied_at_cut == frozenset()
    assert choice.settled == {"d", "e"}


def test_no_places_and_nobody() -> None:
    assert choose({"a": 1}, 0, ["a"]).waiting == ("a",)
    assert choose({}, 3, []).cut is None


def test_missing_from_the_lottery_is_refused() -> None:
    with pytest.raises(ValueError, match="not in the lottery: b"):
        choose({"a": 1, "b": 1}, 1, ["a"])
    with pytest.raises(ValueError, match="negative"):
        choose({}, -1, [])
    with pytest.raises(ValueError, match="twice"):
        choose({"a": 1}, 1, ["a", "b", "a"])


@pytest.mark.parametrize("wrong", [float("nan"), 66.0, "66", None, True, Decimal(66)])
def test_points_and_places_of_a_choice_are_whole_numbers(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"points of b: .* is not a whole number"):
        choose({"a": 1, "b": wrong}, 1, ["a", "b"])
    with pytest.raises(ValueError, match=r"places: .* is not a whole number"):
        choose({"a": 1}, wrong, ["a"])
    assert choose({"a": np.int64(1)}, np.int64(1), ["a"]) == choose({"a": 1}, 1, ["a"])


@pytest.mark.parametrize("wrong", [25.0, "25", None, True])
def test_draw_from_what_is_no_whole_number_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="is not a whole number"):
        rfc3797_order(RFC_KEY, wrong)


@pytest.mark.parametrize("key", [9319, None, b"9319.", "ñ"])
def test_key_of_a_draw_is_text(key: Any) -> None:
    with pytest.raises(ValueError, match="ASCII text"):
        rfc3797_order(key, 25)


def test_keys_with_the_same_text_do_not_stand_in_the_order_of_the_input() -> None:
    assert rank({1: 5, "1": 5}) == rank({"1": 5, 1: 5})
