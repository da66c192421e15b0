"""Assignments against brute force over every choice, against paper, and against their own promises."""

import math
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring import Infeasible, assign, cross_panel_se
from tests.bench.scoring_assignment import measure


@st.composite
def small_cases(draw):
    applications = [f"a{n}" for n in range(draw(st.integers(1, 4)))]
    evaluators = [f"e{n}" for n in range(draw(st.integers(1, 4)))]
    pairs = list(product(applications, evaluators))
    loads = st.tuples(st.integers(0, 2), st.integers(0, 4)).map(lambda ends: (ends[0], ends[0] + ends[1]))
    return (
        {key: draw(st.integers(0, 2)) for key in applications},
        {key: draw(loads) for key in evaluators},
        {pair: draw(st.integers(-5, 9)) for pair in pairs},
        set(draw(st.lists(st.sampled_from(pairs), max_size=4))),
    )


def best_by_hand(demand, capacity, affinity, forbidden):
    """The largest affinity over every way to give each application its readers; None when no way fits."""
    ways = []
    for key, reviews in demand.items():
        ways.append([[(key, who) for who in group] for group in combinations(capacity, reviews)])
    worth = []
    for plan in product(*ways):
        pairs = [pair for group in plan for pair in group]
        loads = {who: sum(1 for _key, reader in pairs if reader == who) for who in capacity}
        if not forbidden & set(pairs) and all(lo <= loads[who] <= hi for who, (lo, hi) in capacity.items()):
            worth.append(sum(affinity[pair] for pair in pairs))
    return max(worth, default=None)


@settings(max_examples=80, deadline=None)
@given(small_cases())
def test_the_objective_is_the_best_of_every_choice(case):
    best = best_by_hand(*case)

    if best is None:
        with pytest.raises(Infeasible) as refusal:
            assign(*case)
        assert refusal.value.limits
    else:
        plan = assign(*case)
        assert plan.linking_cost >= 0
        assert plan.objective + plan.linking_cost == best


@settings(max_examples=40, deadline=None)
@given(small_cases(), st.integers(0, 100))
def test_demand_loads_and_forbidden_pairs_are_kept(case, number):
    demand, capacity, affinity, forbidden = case
    if best_by_hand(*case) is None:
        return

    plan = assign(*case, seed=str(number))

    assert len(set(plan.pairs)) == len(plan.pairs)
    assert {key: sum(1 for a, _e in plan.pairs if a == key) for key in demand} == demand
    assert all(lo <= plan.loads[who] <= hi for who, (lo, hi) in capacity.items())
    assert not forbidden & set(plan.pairs)
    assert plan.objective == sum(affinity[pair] for pair in plan.pairs)


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 3))
def test_the_order_of_the_input_changes_nothing(random, reviews):
    demand = dict.fromkeys(range(12), reviews)
    capacity = {f"e{n}": (0, 9) for n in range(6)}
    panels = {who: int(who[1]) % 2 for who in capacity}
    affinity = {pair: random.randint(0, 2) for pair in product(demand, capacity)}
    forbidden = [(n, f"e{n % 6}") for n in range(0, 12, 3)]
    shuffled = [random.sample(list(each.items()), len(each)) for each in (demand, capacity, affinity, panels)]

    first = assign(demand, capacity, affinity, forbidden, panels, 0.25, "acta")
    second = assign(*map(dict, shuffled[:3]), forbidden[::-1], dict(shuffled[3]), 0.25, "acta")

    assert second == first


def test_another_seed_breaks_ties_otherwise_at_the_same_worth():
    demand, capacity = dict.fromkeys(range(20), 2), dict.fromkeys("abcdef", (6, 7))

    plans = [assign(demand, capacity, {}, set(), seed=seed) for seed in ("one", "two")]

    assert plans[0].objective == plans[1].objective == 0
    assert plans[0].pairs != plans[1].pairs


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 4), st.integers(2, 3), st.integers(0, 50))
def test_a_share_is_read_by_two_panels_and_the_rest_by_one(panels, reviews, seed):
    capacity = dict.fromkeys(range(4 * panels), (1, 40))
    panel_of = {who: who % panels for who in capacity}
    rng = np.random.default_rng(seed)
    affinity = {(f"a{n}", who): int(rng.integers(0, 10)) for n in range(40) for who in capacity}

    plan = assign({f"a{n}": reviews for n in range(40)}, capacity, affinity, set(), panel_of, 0.2, str(seed))

    read_by = {key: {panel_of[who] for a, who in plan.pairs if a == key} for key in (f"a{n}" for n in range(40))}
    assert len(plan.bridges) == 8
    assert {key for key, found in read_by.items() if len(found) > 1} == set(plan.bridges)
    assert max(map(len, read_by.values())) == 2
    assert plan.panel_components == (frozenset(range(panels)),)
    assert math.isfinite(plan.cross_panel_se)
    assert all(1 <= load <= 40 for load in plan.loads.values())


def test_bridge_slots_are_spread_over_the_pairs_of_panels_and_their_readers():
    capacity = dict.fromkeys([f"{panel}{n}" for panel in "xyz" for n in range(4)], (0, 60))
    panels = {who: who[0] for who in capacity}

    plan = assign(dict.fromkeys(range(60), 2), capacity, {}, set(), panels, 0.2, "s")

    pairs = [tuple(sorted(panels[who] for a, who in plan.pairs if a == key)) for key in plan.bridges]
    assert {pair: pairs.count(pair) for pair in set(pairs)} == {("x", "y"): 4, ("y", "z"): 4, ("x", "z"): 4}


def test_one_application_read_by_both_panels_compares_them_with_a_variance_of_two():
    # Two readings of one application: the difference of the panels has the variance 1 + 1.
    plan = assign({"a": 2}, {"x": (1, 1), "y": (1, 1)}, {}, set(), {"x": 1, "y": 2}, 1)

    assert plan.cross_panel_se == pytest.approx(math.sqrt(2))
    assert plan.bridges == ("a",)
    assert plan.is_comparable


def test_two_readers_of_one_panel_and_one_of_the_other_weigh_two_thirds():
    # n = (2, 1), k = 3: information of the difference 2 - 4/3 = 2/3, its variance 3/2.
    capacity = dict.fromkeys("wxyz", (0, 1))

    plan = assign({"a": 3}, capacity, {}, set(), {"w": 1, "x": 1, "y": 2, "z": 2}, 1)

    assert plan.cross_panel_se == pytest.approx(math.sqrt(1.5))


def test_panels_without_a_bridge_are_not_comparable():
    plan = assign({1: 2, 2: 2}, dict.fromkeys("abcd", (1, 1)), {}, set(), {"a": 1, "b": 1, "c": 2, "d": 2})

    assert plan.components == (frozenset("ab"), frozenset("cd"))
    assert plan.panel_components == (frozenset({1}), frozenset({2}))
    assert plan.cross_panel_se == math.inf
    assert not plan.is_comparable


def test_one_panel_has_nothing_to_bridge_and_is_comparable():
    plan = assign({1: 2, 2: 2, 3: 2}, dict.fromkeys("abc", (2, 2)), {}, set(), dict.fromkeys("abc", "norte"), 0.5)

    assert plan.bridges == ()
    assert plan.cross_panel_se == 0
    assert plan.is_comparable


def test_a_panel_of_one_reads_as_the_second_panel_of_bridges():
    panels = {"a": 1, "b": 1, "c": 1, "solo": 2}

    plan = assign(dict.fromkeys(range(8), 2), {**dict.fromkeys("abc", (0, 8)), "solo": (2, 2)}, {}, set(), panels, 0.25)

    assert plan.loads["solo"] == 2
    assert {key for key, who in plan.pairs if who == "solo"} == set(plan.bridges)


def test_homes_that_leave_a_panel_short_are_solved_together():
    # Each panel has two readers; x and y refuse different halves, so affinity alone would fill the first panel.
    capacity = dict.fromkeys(["x1", "x2", "y1", "y2"], (2, 2))
    panels = {who: who[0] for who in capacity}
    affinity = {(key, who): 9 for key in "abcd" for who in ("x1", "x2")}

    plan = assign(dict.fromkeys("abcd", 2), capacity, affinity, {("a", "y1"), ("b", "y2")}, panels)

    assert [key for key, who in plan.pairs if who == "x1"] == ["a", "b"]
    assert plan.objective == 36


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (
            ({"A": 2}, {"x": (0, 9), "y": (0, 9)}, {}, {("A", "y")}),
            "application A: only 1 evaluator is allowed, 2 are needed",
        ),
        (
            ({"A": 2}, {"x": (0, 9)}, {}, {("A", "x")}),
            "application A: only 0 evaluators are allowed, 2 are",
        ),
        ((dict.fromkeys(range(30), 2), dict.fromkeys("abcd", (0, 10)), {}, set()), "capacity 40 < demand 60"),
        (
            (dict.fromkeys(range(9), 1), {"X": (12, 20), "y": (0, 9)}, {}, set()),
            "evaluator X: minimum load 12 needs 3 more",
        ),
        ((dict.fromkeys(range(4), 1), {"x": (3, 4), "y": (3, 4)}, {}, set()), "minimum loads 6 > demand 4"),
        (({"A": 3}, {}, {}, set()), "there is no evaluator, 3 reviews are needed"),
        (
            ({"a": 2, "b": 2}, {"w": (0, 2), "x": (0, 2)}, {}, {("a", "x")}, {"w": 1, "x": 2}),
            "application a: only 1 evaluator is allowed",
        ),
        (({"a": 2}, {"w": (0, 2), "x": (0, 2)}, {}, set(), {"w": 1, "x": 2}), "application a: no panel has 2 allowed"),
    ],
)
def test_what_cannot_be_is_named_with_its_number(case, message):
    with pytest.raises(Infeasible) as refusal:
        assign(*case)

    assert str(refusal.value).startswith(message)


def test_the_smallest_set_of_limits_is_named_where_counting_finds_none():
    # Four applications may only go to x, who reads two at most: one limit (x) or two (applications) must give way.
    forbidden = {(key, who) for key in "abcd" for who in "yz"}

    with pytest.raises(Infeasible) as refusal:
        assign(dict.fromkeys("abcdef", 1), {"x": (0, 2), "y": (0, 9), "z": (0, 9)}, {}, forbidden)

    assert str(refusal.value) == "evaluator x: maximum load 2 must grow by 2"


def test_many_applications_name_those_that_find_nobody() -> None:
    # 200 of 800 applications may only go to the first ten, who read 15 each: 150 fit, 50 do not.
    forbidden = {(key, who) for key in range(200) for who in range(10, 40)}

    with pytest.raises(Infeasible) as refusal:
        assign(
            dict.fromkeys(range(800), 1),
            dict.fromkeys(range(40), (0, 25)) | dict.fromkeys(range(10), (0, 15)),
            {},
            forbidden,
        )

    assert {limit.kind for limit in refusal.value.limits} == {"review"}
    assert sum(limit.needed - limit.given for limit in refusal.value.limits) == 50


def test_loads_that_fit_no_split_by_panel_say_so():
    # Three applications of two reviews; every load must be exact, and three is odd for each panel of two.
    capacity = dict.fromkeys(["x1", "x2"], (1, 1)) | {"y1": (1, 1), "y2": (3, 3)}

    with pytest.raises(Infeasible, match="widen the loads"):
        assign(dict.fromkeys("abc", 2), capacity, {}, set(), {who: who[0] for who in capacity})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"demand": {"a": -1}}, "application a: reviews must be a whole number from 0, not -1"),
        ({"demand": {"a": 1.5}}, "application a: reviews must be a whole number"),
        ({"capacity": {"x": (3, 2)}}, "evaluator x: the minimum load 3 is above the maximum 2"),
        ({"capacity": {"x": (0, math.inf)}}, "evaluator x: loads must be whole numbers from 0"),
        ({"capacity": {"x": 3}}, "evaluator x: loads are a pair"),
        ({"capacity": {"x": (0, 1, 2)}}, "evaluator x: loads are a pair"),
        ({"capacity": {"x": None}}, "evaluator x: loads are a pair"),
        ({"capacity": {"x": "03"}}, "evaluator x: loads are a pair"),
        ({"forbidden": {("a", "X")}}, "there is no evaluator X"),
        ({"forbidden": {("A", "x")}}, "there is no application A"),
        ({"forbidden": {"ax"}}, "forbidden are pairs"),
        ({"affinity": {("a", "x"): math.nan}}, "affinities must be whole numbers"),
        ({"affinity": {("a", "x"): 2**70}}, "affinities must be whole numbers"),
        ({"affinity": {("a", "x"): "9"}}, "affinities must be whole numbers"),
        ({"bridge": 1.2}, "bridge must be a share from 0 to 1, not 1.2"),
        ({"bridge": math.nan}, "bridge must be a share from 0 to 1"),
        ({"panels": {"y": 1}}, "evaluator x has no panel"),
    ],
)
def test_bad_input_gets_a_sentence(changed, message):
    given_input = {"demand": {"a": 1}, "capacity": {"x": (0, 2)}, "affinity": {}, "forbidden": set()}

    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        assign(**{**given_input, **changed})


def test_nothing_to_read_gives_an_empty_assignment():
    assert assign({}, {}, {}, set()).pairs == ()
    assert assign({"a": 0}, {"x": (0, 3)}, {("a", "x"): 4}, set()).loads == {"x": 0}


def test_pairs_nobody_named_are_not_made_up():
    plan = assign({"a": 1}, {"x": (0, 1)}, {("b", "x"): 3, ("a", "y"): 3})

    assert plan.pairs == (("a", "x"),)


def test_a_favourite_that_all_prefer_is_shared_at_the_best_total():
    # All want x first, and y next by a margin of their own: x keeps those who lose most without it.
    affinity = {(n, "x"): 50 for n in range(40)} | {(n, "y"): n for n in range(40)}

    plan = assign(dict.fromkeys(range(40), 1), {"x": (0, 10), "y": (0, 30)}, affinity, set())

    assert sorted(key for key, who in plan.pairs if who == "x") == list(range(10))


def test_the_program_alone_finds_the_same_objective():
    result = measure(applications=300, evaluators=20, reviews=3)

    assert result.agree


def test_readers_of_panels_are_linked_where_loads_allow_it():
    readers = [f"e{panel}{number}" for panel in range(3) for number in range(4)]
    panels = {who: who[1] for who in readers}

    plan = assign(dict.fromkeys(range(15), 2), dict.fromkeys(readers, (1, 6)), {}, set(), panels, 0.2, "s")

    assert plan.components == (frozenset(readers),)
    assert plan.panel_components == (frozenset("012"),)
    assert all(1 <= load <= 6 for load in plan.loads.values())


def test_linking_gives_up_the_least_affinity_and_says_how_much():
    # The best plan, 12 × 9, splits the readers in two. Any exchange takes two reviews from where they are worth 9.
    affinity = {(n, who): 9 if (n < 3) == (who in "wx") else 0 for n in range(6) for who in "wxyz"}

    plan = assign(dict.fromkeys(range(6), 2), dict.fromkeys("wxyz", (3, 3)), affinity)

    assert plan.components == (frozenset("wxyz"),)
    assert (plan.objective, plan.linking_cost) == (90, 18)
    assert set(plan.loads.values()) == {3}


def test_linking_keeps_forbidden_pairs_and_takes_the_cheapest_exchange_left():
    # As above, but z alone may read of the others' applications, and 0 is worth 4 to z.
    affinity = {(n, who): 9 if (n < 3) == (who in "wx") else 0 for n in range(6) for who in "wxyz"} | {(0, "z"): 4}
    forbidden = {(n, "y") for n in range(3)} | {(n, "x") for n in range(3, 6)}

    plan = assign(dict.fromkeys(range(6), 2), dict.fromkeys("wxyz", (3, 3)), affinity, forbidden)

    assert plan.is_comparable
    assert not forbidden & set(plan.pairs)
    assert (0, "z") in plan.pairs
    assert (plan.objective, plan.linking_cost) == (94, 14)


def test_no_share_of_bridges_still_links_the_panels():
    panels = {"w": 1, "x": 1, "y": 2, "z": 2}

    plan = assign(dict.fromkeys(range(12), 2), dict.fromkeys("wxyz", (6, 6)), {}, panels=panels)

    # Every load is exact, so each panel has an even number of reviews: two bridges, each worth half the variance of 2.
    assert len(plan.bridges) == 2
    assert plan.is_comparable
    assert plan.cross_panel_se == pytest.approx(1)


def test_linking_within_panels_makes_no_further_bridge():
    # Each panel falls into {first two} and {last two} by affinity; one bridge cannot link all of them.
    readers = [f"{panel}{number}" for panel in "pq" for number in range(4)]
    affinity = {
        (n, who): 5 for n in range(24) for who in readers if f"{'pq'[n // 12]}{n % 2}" == f"{who[0]}{int(who[1]) // 2}"
    }

    plan = assign(
        dict.fromkeys(range(24), 2),
        dict.fromkeys(readers, (5, 7)),
        affinity,
        set(),
        {who: who[0] for who in readers},
        0.01,
    )

    assert plan.is_comparable
    assert len(plan.bridges) == 1


def test_readings_in_a_tree_have_none_to_exchange():
    # Four nodes of readers and two of applications need five reviews to hang together; there are four.
    plan = assign({"a": 2, "b": 2}, dict.fromkeys("wxyz", (1, 1)), {})

    assert len(plan.components) == 2
    assert plan.linking_cost == 0


def test_a_minimum_names_the_load_that_is_left_beside_the_others():
    # a1 can only go to e0, e1 and e3; a0 then goes to e3 and e4 for their minimums: nothing is left for e2.
    capacity = {"e0": (0, 1), "e1": (0, 5), "e2": (2, 4), "e3": (2, 7), "e4": (1, 5)}

    with pytest.raises(Infeasible) as refusal:
        assign({"a0": 2, "a1": 3}, capacity, {}, {("a1", "e2"), ("a1", "e4")})

    assert str(refusal.value) == "evaluator e2: minimum load 2 needs 2 more"
    told = {limit.key: limit.given for limit in refusal.value.limits}
    assign({"a0": 2, "a1": 3}, capacity | {"e2": (told["e2"], 4)}, {}, {("a1", "e2"), ("a1", "e4")})


def test_a_reader_without_a_panel_is_named():
    with pytest.raises(ValueError, match="evaluator y has no panel"):
        cross_panel_se({"a": ["x", "y"]}, {"x": 1})


@settings(max_examples=60, deadline=None)
@given(st.integers(3, 9), st.integers(3, 6), st.integers(1, 2), st.randoms(use_true_random=False))
def test_readers_hang_together_wherever_there_are_reviews_enough(applications, evaluators, reviews, random):
    pairs = product(range(applications), range(evaluators))
    affinity = {(a, e): random.randint(0, 3) + 9 * (a % 2 == e % 2) for a, e in pairs}

    plan = assign(dict.fromkeys(range(applications), reviews), dict.fromkeys(range(evaluators), (0, 6)), affinity)

    # With as many reviews as nodes less one, apart means that one part has a circle: it can give a review away.
    nodes = applications + sum(load > 0 for load in plan.loads.values())
    assert plan.is_comparable or len(plan.pairs) < nodes - 1
