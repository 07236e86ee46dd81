"""Agreement is Krippendorff's, does not depend on which answer is called the first, and says so when it cannot be measured."""

from __future__ import annotations

import numpy as np
import pytest

from studio.feedback.answers import Answer
from studio.feedback.statistics.agreement import agreement, consistency
from studio.feedback.statistics.votes import Vote, couples_of
from tests.studio.feedback.statistics.votes_for_tests import item, pair, rankings


def by_hand(pairs: list[tuple[float, float]]) -> float:
    """Alpha for two people, from the definition: one minus mean disagreement within units over that between any two values."""
    mirrored = pairs + [(1 - a, 1 - b) for a, b in pairs]
    values = np.array(mirrored).ravel()
    observed = np.mean([(a - b) ** 2 for a, b in mirrored])
    n = len(values)
    expected = sum((a - b) ** 2 for a in values for b in values) / (n * (n - 1))
    return float(1 - observed / expected)


def test_alpha_and_raw_agreement_are_those_of_the_definition() -> None:
    rng = np.random.default_rng(0)
    said = [(int(rng.integers(-1, 2)), int(rng.integers(-1, 2))) for _ in range(40)]
    votes = [pair(item(task, "ab"), person, one) for task, both in enumerate(said) for person, one in zip("pq", both, strict=True)]
    found = agreement(couples_of(votes))
    assert found.alpha == pytest.approx(by_hand([((1 - a) / 2, (1 - b) / 2) for a, b in said]))
    assert found.raw == pytest.approx(np.mean([a == b for a, b in said]))
    assert found.alpha_low is not None
    assert found.alpha_high is not None
    assert found.alpha_low < found.alpha < found.alpha_high
    assert "72.6 ± 1.5 %" in found.sentence
    assert "77.3 ± 1.3 %" in found.sentence


def test_which_answer_is_called_the_first_means_nothing() -> None:
    rng = np.random.default_rng(1)
    strong = [(task, person, -1 if rng.random() < 0.9 else 1) for task in range(50) for person in "pqr"]
    straight = agreement(couples_of([pair(item(task, "ab"), person, one) for task, person, one in strong]))
    turned = agreement(
        couples_of(
            [pair(item(task, "ab"), person, one) if task % 2 else pair(item(task, "ba"), person, -one) for task, person, one in strong]
        )
    )
    assert straight.alpha == pytest.approx(turned.alpha)
    assert straight.alpha is not None
    assert straight.alpha > 0.5  # they do agree, though nearly always on the same place


def test_the_interval_knows_that_couples_of_one_ranking_go_together() -> None:
    votes = rankings(dict.fromkeys("abcd", 0.0), count=40, size=4, people=3, shared=1.2)
    whole = agreement(couples_of(votes))
    apart = couples_of(votes)
    apart.prompt[:] = apart.unit
    single = agreement(apart)
    assert whole.units == single.units == 240
    assert whole.alpha_high - whole.alpha_low > 1.2 * (single.alpha_high - single.alpha_low)


def test_too_little_overlap_is_said_and_not_computed() -> None:
    votes = [pair(item(task, "ab"), "p", 1) for task in range(30)] + [pair(item(task, "ab"), "q", 1) for task in range(4)]
    found = agreement(couples_of(votes))
    assert found.alpha is None
    assert found.raw is None
    assert "Not enough overlap: 4 items judged by two or more people, and 5 are needed" in found.sentence
    assert agreement(couples_of([])).sentence.startswith("Not enough overlap: 0 items")


def test_everything_called_equal_is_no_agreement() -> None:
    votes = [pair(item(task, "ab"), person, 0) for task in range(9) for person in "pq"]
    found = agreement(couples_of(votes))
    assert found.alpha is None
    assert "Everybody called all answers of the 9 shared items equal" in found.sentence


def test_full_agreement_is_one() -> None:
    found = agreement(couples_of([pair(item(task, "ab"), person, 1 if task % 2 else -1) for task in range(9) for person in "pq"]))
    assert (found.alpha, found.raw) == (1.0, 1.0)


def test_consistency_compares_a_person_with_themselves() -> None:
    one, other = item(1, "abc"), item(2, "ab")
    votes = [
        Vote(one, "p", Answer(ranks=[1, 2, 3])),
        Vote(one, "p", Answer(ranks=[1, 3, 2]), repeat=1),
        pair(other, "p", -1),
        pair(other, "q", 1, repeat=1),  # nothing of q's to compare it with
    ]
    found = consistency(votes)
    assert found.share == pytest.approx(2 / 3)
    assert (found.couples, found.items) == (3, 1)
    assert "67 %" in found.sentence
    assert "Nobody has judged the same item twice yet" in consistency(votes[:1]).sentence
