"""How sure a ranking is: identities, calibration against the truth, and edges."""

import numpy as np
import pytest

from scoring import Ratings, calibrate, posterior_draws, rank_uncertainty
from tests.scoring.test_calibration import dense, some_ratings


@pytest.fixture(autouse=True)
def no_silent_arithmetic():
    with np.errstate(all="raise", under="ignore"):
        yield


def test_shares_add_up_and_follow_the_measure():
    ratings, *_truth = some_ratings(1)
    found = calibrate(ratings)

    sure = rank_uncertainty(found, places=10, seed=4)

    assert sum(sure.p_top.values()) == pytest.approx(10)
    assert sum(sure.expected_rank.values()) == pytest.approx(40 * 41 / 2, rel=1e-6)
    assert sure.pcer[0] == pytest.approx(100 * (sure.expected_rank[0] - 0.5) / 40)
    best, worst = max(found.measure, key=found.measure.get), min(found.measure, key=found.measure.get)
    assert sure.p_top[best] > 0.9
    assert sure.p_top[worst] < 0.1
    assert sure.expected_rank[best] < sure.expected_rank[worst]
    chosen = sorted(found.measure, key=found.measure.get)[-10:]
    assert sure.accuracy == pytest.approx(np.mean([sure.p_top[key] for key in chosen]))


def test_same_seed_and_any_order_give_the_same_answer():
    ratings, *_truth = some_ratings(2)
    turn = np.random.default_rng(0).permutation(len(ratings))
    columns = [[column[row] for row in turn] for column in (ratings.application, ratings.evaluator, ratings.points)]

    one = rank_uncertainty(calibrate(ratings), places=12, draws=300, seed=9)
    other = rank_uncertainty(calibrate(Ratings(*columns)), places=12, draws=300, seed=9)

    assert one.p_top == other.p_top
    assert one.interval(0.9) == other.interval(0.9)
    assert rank_uncertainty(calibrate(ratings), places=12, draws=300, seed=10).p_top != one.p_top


def test_draws_have_the_moments_of_the_model():
    """With enough applications the variances are held: draws then have the predictions' own errors."""
    ratings, *_truth = some_ratings(5, applications=520, evaluators=10, reviews=2)
    found = calibrate(ratings)

    keys, blocks = posterior_draws(found, 4000, seed=1)
    draws = np.concatenate(list(blocks), axis=1)

    contrast = draws[0] - draws[1]
    assert np.abs(draws.mean(axis=1) - [found.measure[key] for key in keys]).max() < 0.6
    _criterion, effects, errors, _severity = dense(ratings, found.variance)
    # Against the average application the drawn error is that of the dense computation.
    centred = draws - draws.mean(axis=0)
    assert np.std(centred, axis=1).mean() == pytest.approx(np.mean(errors), rel=0.03)
    assert contrast.mean() == pytest.approx(effects[0] - effects[1], abs=0.6)


def test_shares_mean_what_they_say():
    """Of applications with a share near p, about p are among the true best; intervals hold the true rank."""
    said, hits, inside = [], [], []
    for seed in range(12):
        ratings, quality, _severe = some_ratings(seed, applications=80, evaluators=10)
        sure = rank_uncertainty(calibrate(ratings), places=30, draws=400, seed=seed)
        rank = np.argsort(np.argsort(-quality)) + 1
        ends = sure.interval(0.95)
        said += [sure.p_top[key] for key in range(80)]
        hits += [rank[key] <= 30 for key in range(80)]
        inside += [ends[key][0] <= rank[key] <= ends[key][1] for key in range(80)]
    said, hits = np.array(said), np.array(hits)
    for low in (0.0, 0.25, 0.5, 0.75):
        here = (said >= low) & (said <= low + 0.25)
        assert hits[here].mean() == pytest.approx(said[here].mean(), abs=0.08)
    assert 0.92 < np.mean(inside) < 0.99


def test_equal_applications_share_the_places():
    ratings, *_truth = some_ratings(0)
    found = calibrate(Ratings(ratings.application, ratings.evaluator, [70] * len(ratings)))

    sure = rank_uncertainty(found, places=10, draws=50)

    assert set(sure.p_top.values()) == {0.25}
    assert set(sure.expected_rank.values()) == {20.5}


def test_fine_bins_agree_with_sorting(monkeypatch):
    ratings, *_truth = some_ratings(6, applications=600, evaluators=20)
    found = calibrate(ratings)
    sorted_ranks = rank_uncertainty(found, places=200, draws=200, seed=3)

    monkeypatch.setattr("scoring.tally.EXACT", 100)
    counted = rank_uncertainty(found, places=200, draws=200, seed=3)

    # The same draws: only whom a bin holds at the last place is shared out.
    gap = [counted.p_top[key] - sorted_ranks.p_top[key] for key in found.measure]
    assert np.max(np.abs(gap)) < 0.02
    assert sum(counted.p_top.values()) == pytest.approx(200)
    assert counted.accuracy == pytest.approx(sorted_ranks.accuracy, abs=0.02)


def test_stages_are_added_with_their_weights():
    plan, *_truth = some_ratings(8)
    pitch, *_truth = some_ratings(9)
    parts = [(0.6, calibrate(plan)), (0.4, calibrate(pitch))]

    keys, blocks = posterior_draws(parts, 2000, seed=2)
    draws = np.concatenate(list(blocks), axis=1)

    expected = [0.6 * parts[0][1].measure[key] + 0.4 * parts[1][1].measure[key] for key in keys]
    assert draws.mean(axis=1) == pytest.approx(expected, abs=1.0)
    assert rank_uncertainty(parts, places=10, draws=100).places == 10


@pytest.mark.parametrize(("places", "share"), [(0, 0.0), (40, 1.0), (99, 1.0)])
def test_no_place_and_places_for_all(places, share):
    ratings, *_truth = some_ratings(1)

    sure = rank_uncertainty(calibrate(ratings), places=places, draws=20)

    assert set(sure.p_top.values()) == {share}
    assert sure.accuracy == share


@pytest.mark.parametrize(("places", "draws"), [(-1, 10), (5, 0)])
def test_impossible_wishes_are_refused(places, draws):
    ratings, *_truth = some_ratings(1)

    with pytest.raises(ValueError, match="places cannot be negative"):
        rank_uncertainty(calibrate(ratings), places=places, draws=draws)


@pytest.mark.parametrize("level", [0, 1, -0.5, 2])
def test_interval_needs_a_level(level):
    ratings, *_truth = some_ratings(1)
    sure = rank_uncertainty(calibrate(ratings), places=5, draws=20)

    with pytest.raises(ValueError, match="level must lie between"):
        sure.interval(level)
