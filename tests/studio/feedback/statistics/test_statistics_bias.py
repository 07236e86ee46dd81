"""Leanings to one side are found where they are and not where they are not; each person's work is summed up."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, kendalltau

from studio.feedback.answers import Answer
from studio.feedback.statistics import bias
from studio.feedback.statistics.people import annotators, gold_accuracy, tau_against_rest
from studio.feedback.statistics.shares import mean_of, share_of
from studio.feedback.statistics.votes import Vote, couples_of
from tests.studio.feedback.statistics.votes_for_tests import item, pair, rankings


def lefty(n: int, left: float, seed: int = 0, person: str = "p", **more: float) -> list[Vote]:
    """Pairs of equal answers, shown in random order, of which the left one is picked with probability `left`."""
    rng, votes = np.random.default_rng(seed), []
    for task in range(n):
        shown = (0, 1) if rng.random() < 0.5 else (1, 0)
        picked = shown[0] if rng.random() < left else shown[1]
        votes.append(pair(item(task, "ab"), person, -1 if picked == 0 else 1, shown=shown, **more))
    return votes


def test_a_preference_for_the_left_is_found_with_its_binomial_p() -> None:
    votes = [*lefty(200, 0.65), pair(item(900, "ab"), "p", 0, shown=(0, 1)), pair(item(901, "ab"), "p", 1)]
    found = bias.position(couples_of(votes))
    left = sum((vote.answer.strength or 0) * (1 if vote.shown == (1, 0) else -1) > 0 for vote in votes if vote.shown)
    assert found.share == left / 200  # the tie, and the vote without an order, are left out
    assert found.p == pytest.approx(binomtest(left, 200).pvalue)
    assert found.warning
    assert "the left answer was preferred" in found.sentence
    assert not bias.position(couples_of(lefty(200, 0.5))).warning


def test_a_leaning_on_few_judgements_is_neither_a_warning_nor_no_sign() -> None:
    """Seven of seven to the left: p is 0.016, and the interval does not hold an even split."""
    found = bias.position(couples_of(lefty(7, 1.0)))
    assert (found.share, found.warning) == (1.0, False)
    assert "may sway people" in found.sentence
    assert "no sign" in bias.position(couples_of(lefty(200, 0.5))).sentence


def test_the_place_in_rankings_counts_once_for_each_ranking() -> None:
    fair = bias.position(couples_of(rankings(dict.fromkeys("abcd", 0.0), count=200, size=4)))
    assert fair.n <= 200
    assert not fair.warning
    first = [Vote(item(task, "abc"), "p", Answer(ranks=[3, 2, 1]), (2, 1, 0)) for task in range(30)]
    found = bias.position(couples_of(first))
    assert (found.share, found.n, found.warning) == (1.0, 30, True)
    assert "answers shown earlier were placed higher" in found.sentence


def test_without_an_order_on_the_screen_nothing_is_said_of_places() -> None:
    found = bias.position(couples_of([pair(item(task, "ab"), "p", 1) for task in range(9)]))
    assert (found.share, found.n, found.warning) == (None, 0, False)


def test_a_preference_for_length_is_found_and_not_called_a_bias_at_once() -> None:
    rng = np.random.default_rng(0)
    votes = [pair(item(task, "ab", [300, 100]), "p", -1 if rng.random() < 0.8 else 1) for task in range(100)]
    found = bias.length(couples_of(votes))
    assert found.warning
    assert found.p < 0.001
    assert found.low < 0.8 < found.high
    assert "compare the standings with length taken out" in found.sentence


def test_many_votes_on_few_prompts_prove_little_about_length() -> None:
    votes = [pair(item(task, "ab", [300, 100]), f"p{n}", -1 if task < 4 else 1) for task in range(6) for n in range(30)]
    found = bias.length(couples_of(votes))
    assert found.n == 180
    assert found.high - found.low > 0.5
    assert not found.warning


@pytest.mark.parametrize(
    ("seconds", "characters", "hasty"), [(0.9, 10, True), (1.1, 10, False), (3.9, 800, True), (4.1, 800, False), (11, 90_000, False)]
)
def test_too_fast_is_faster_than_the_answers_can_be_skimmed(seconds: float, characters: int, hasty: bool) -> None:
    assert pair(item(1, "ab", [characters // 2, characters // 2]), "p", 1, seconds=seconds).too_fast is hasty


def test_haste_is_counted_where_times_are_known() -> None:
    votes = [*lefty(30, 0.5, seconds=0.4), *lefty(30, 0.5, person="q", seconds=9.0), *lefty(10, 0.5, person="r")]
    found = bias.speed(votes)
    assert (found.share, found.n, found.warning, found.p) == (0.5, 60, True, None)


def test_each_person_is_summed_up_and_flagged_for_what_is_odd() -> None:
    good, odd = [], []
    for task in range(40):
        gold = [1, 2] if task < 6 else None
        one = item(task, "ab", gold=gold)
        right = -1 if task < 6 or task % 2 else 1
        good += [pair(one, name, right, shown=(0, 1) if task % 3 else (1, 0), seconds=12.0) for name in ("ada", "bea")]
        shown = (0, 1) if task % 4 < 2 else (1, 0)
        odd.append(pair(one, "cyd", -1 if shown[0] == 0 else 1, shown=shown, seconds=0.5))
    odd += [pair(vote.item, "cyd", -(vote.answer.strength or 0), shown=(1, 0), seconds=0.5, repeat=1) for vote in odd[10:20]]
    votes = good + odd
    first = [vote for vote in votes if vote.item.gold is None and not vote.repeat]
    cyd, ada, _ = annotators(votes, couples_of(first))
    assert (cyd.person, cyd.judgements, cyd.left_share, cyd.too_fast_share, cyd.consistency, cyd.repeats) == ("cyd", 50, 1.0, 1.0, 0.0, 10)
    assert (cyd.gold, cyd.gold_items) == (gold_accuracy(odd)[0], 6)
    said = " ".join(cyd.warnings)
    assert all(
        words in said for words in ("shown first in 100 %", "faster than", "comes back in only 0 %", "6 gold items", "unlike the others")
    )
    assert (ada.gold, ada.per_hour, ada.median_seconds, ada.warnings) == (1.0, 300.0, 12.0, [])
    assert ada.tau is not None
    assert ada.tau > 0.3


def test_tau_is_kendalls() -> None:
    rng = np.random.default_rng(0)
    for _ in range(10):
        mine, others = rng.integers(1, 5, 5).tolist(), rng.permutation(5).tolist()
        one = item(1, "abcde")
        votes = [Vote(one, "p", Answer(ranks=mine)), Vote(one, "q", Answer(ranks=[rank + 1 for rank in others]))]
        assert tau_against_rest(couples_of(votes))["p"][0] == pytest.approx(kendalltau(mine, others).statistic)


def test_intervals_of_means_and_shares_know_clusters() -> None:
    mean, low, high = mean_of([1.0, 1.0, 3.0, 3.0], ["a", "a", "b", "b"])
    assert mean == 2.0
    assert low < -5 < 9 < high  # two prompts say next to nothing
    assert mean_of([4.0, 5.0], ["a", "a"]) == (4.5, None, None)
    alone, together = share_of([1, 0] * 50, range(100)), share_of([1, 0] * 50, [i % 2 for i in range(100)])
    assert together.high - together.low > 3 * (alone.high - alone.low)
    assert share_of([True] * 40, [1] * 40).low < 0.3  # forty votes of one prompt are one prompt
    assert share_of([], []) is None
