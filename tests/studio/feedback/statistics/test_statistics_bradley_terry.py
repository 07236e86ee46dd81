"""The fit agrees with an independent one, its intervals cover what they claim, and what follows from it is right."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from studio.feedback.statistics import bradley_terry
from studio.feedback.statistics.bradley_terry import PRIOR_SD, Games, fit, judgements_needed, pair, pair_values, strength_interval, win_rate
from tests.stress.coverage import Design, coverage

TRUE = np.array([1.0, 0.3, -0.2, -1.1])


def record(wins: int, losses: int, clusters: int | None = None) -> Games:
    n = wins + losses
    result = np.array([1.0] * wins + [0.0] * losses)
    cluster = np.arange(n) % (clusters or n)
    return Games(2, np.zeros(n, np.int64), np.ones(n, np.int64), result, cluster)


def drawn(n: int, seed: int = 0, covariates: int = 0) -> tuple[Games, np.ndarray]:
    """Games with a tenth of ties, and their design matrix."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 4, n)
    second = (first + rng.integers(1, 4, n)) % 4
    looks = rng.normal(size=(n, covariates))
    eta = TRUE[first] - TRUE[second] + looks.sum(axis=1) / 2
    result = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    result[rng.random(n) < 0.1] = 0.5
    design = np.zeros((n, 4 + covariates))
    design[np.arange(n), first], design[np.arange(n), second], design[:, 4:] = 1, -1, looks
    return Games(4, first, second, result, np.arange(n) // 5, looks if covariates else None), design


@pytest.mark.parametrize("covariates", [0, 2])
def test_strengths_and_effects_equal_penalised_logistic_regression(covariates: int) -> None:
    games, design = drawn(600, covariates=covariates)
    found = fit(games)
    penalty = 1 / (600 * PRIOR_SD**2)  # a ridge of 1/sd² on the sum is this on the mean
    theirs = sm.GLM(games.result, design, family=sm.families.Binomial()).fit_regularized(alpha=penalty, L1_wt=0.0)
    assert np.concatenate([found.strengths, found.effects]) == pytest.approx(theirs.params, abs=1e-3)
    assert found.strengths.sum() == pytest.approx(0, abs=1e-6)


def test_errors_of_many_clusters_equal_cluster_robust_regression() -> None:
    games, design = drawn(10_000)
    found = fit(games, prior_sd=100)
    contrasts = design[:, 1:] - 0  # the first model as the reference
    theirs = sm.GLM(games.result, contrasts, family=sm.families.Binomial()).fit(cov_type="cluster", cov_kwds={"groups": games.cluster})
    for model in (1, 2, 3):
        difference, error = found.difference(model, 0)
        assert difference == pytest.approx(theirs.params[model - 1], abs=1e-3)
        assert error == pytest.approx(theirs.bse[model - 1], rel=0.02)


def test_five_wins_without_a_loss_put_the_winner_first_with_a_finite_interval() -> None:
    found = fit(record(5, 0))
    share, confidence = pair(found, 0, 1)
    assert found.strengths[0] > found.strengths[1]
    assert share.value == pytest.approx(0.90, abs=0.005)
    assert (share.low, share.high) == pytest.approx((0.45, 0.99), abs=0.005)
    assert 0.9 < confidence < 0.99
    assert win_rate(found, 0).value == pytest.approx(share.value)


def test_votes_on_few_prompts_count_for_less_than_votes_on_many() -> None:
    rng = np.random.default_rng(3)
    prompts = np.repeat(np.arange(30), 10)
    better = np.repeat(rng.random(30) < 0.6, 10).astype(float)  # all ten people say the same of a prompt
    zeros = np.zeros(300, np.int64)
    together = pair(fit(Games(2, zeros, zeros + 1, better, prompts)), 0, 1)[0]
    apart = pair(fit(Games(2, zeros, zeros + 1, better, np.arange(300))), 0, 1)[0]
    assert together.value == pytest.approx(apart.value)
    assert together.high - together.low > 2.5 * (apart.high - apart.low)


def test_intervals_cover_what_they_claim_where_pairs_of_a_ranking_go_together() -> None:
    shares = coverage(Design("40 rankings", 40), simulations=150, seed=1)
    assert all(0.93 <= shares[name] <= 0.975 for name in ("difference", "strength", "win rate"))
    assert shares["unclustered"] < 0.92


def test_as_many_judgements_as_are_asked_for_bring_the_interval_to_five_points() -> None:
    few = fit(record(36, 24))
    more = judgements_needed(few, 0, 1)
    assert more is not None
    n = 60 + more
    share, _ = pair(fit(record(round(0.6 * n), n - round(0.6 * n))), 0, 1)
    assert (share.high - share.low) / 2 == pytest.approx(0.05, abs=0.004)
    assert judgements_needed(fit(record(600, 400)), 0, 1) is None


def test_models_without_a_path_of_games_are_in_groups_of_their_own() -> None:
    first, second = np.array([0, 0, 3, 2]), np.array([1, 1, 2, 3])
    found = fit(Games(5, first, second, np.array([1.0, 0.5, 0.0, 0.0]), np.arange(4)))
    assert found.groups == [[0, 1], [2, 3], [4]]
    assert found.together(0, 1)
    assert not found.together(1, 2)
    assert strength_interval(found, 0).value == pytest.approx(-strength_interval(found, 1).value)
    assert found.games[2, 3] == 2


def test_the_value_of_a_pair_is_the_drop_of_variance_that_one_comparison_brings() -> None:
    games, _ = drawn(60)
    played = (games.first + games.second != 1) & (games.first + games.second != 5)  # neither 0 and 1 nor 2 and 3 met
    found = fit(Games(4, games.first[played], games.second[played], games.result[played], games.cluster[played]))
    values = pair_values(found, ["a", "b", "c", "d"])

    def mean_variance(covariance: np.ndarray) -> float:
        return float(np.mean([covariance[i, i] + covariance[j, j] - 2 * covariance[i, j] for i in range(4) for j in range(i)]))

    direction = np.array([1.0, -1.0, 0.0, 0.0])
    p = float(bradley_terry.expit(found.strengths[0] - found.strengths[1]))
    after = np.linalg.inv(np.linalg.inv(found.curvature) + p * (1 - p) * np.outer(direction, direction))
    assert values["a", "b"] == pytest.approx(mean_variance(found.curvature) - mean_variance(after))
    assert sorted(values) == [("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")]
    assert max(values, key=lambda couple: values[couple]) in {("a", "b"), ("c", "d")}
