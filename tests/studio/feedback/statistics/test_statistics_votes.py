"""The table of couples says what the answers say, in every mode."""

from __future__ import annotations

import numpy as np

from studio.feedback.answers import Answer
from studio.feedback.statistics.summary import majority, standing_couples
from studio.feedback.statistics.votes import COVARIATES, Vote, couples_of, features_of
from tests.studio.feedback.statistics.votes_for_tests import item, pair

MODELS = ("a", "b", "c", "d", "e")


def any_answer(rng: np.random.Generator, size: int) -> Answer:
    if size == 2 and rng.random() < 0.5:
        return Answer(strength=int(rng.integers(-3, 4)))
    if rng.random() < 0.3:
        return Answer(best=int(rng.integers(size)))
    if rng.random() < 0.1:
        return Answer(ratings=[{"helpful": 3}] * size)
    return Answer(ranks=rng.integers(1, size + 1, size).tolist())


def test_the_table_holds_the_outcomes_of_every_vote() -> None:
    rng = np.random.default_rng(0)
    votes = []
    for number in range(200):
        size = int(rng.integers(2, 6))
        one = item(number // 2, rng.permutation(MODELS)[:size].tolist(), rng.integers(1, 9, size).tolist())
        votes.append(Vote(one, f"p{number % 2}", any_answer(rng, size), tuple(rng.permutation(size).tolist()) if number % 3 else None))
    couples = couples_of(votes)
    rows = iter(range(len(couples)))
    for number, vote in enumerate(votes):
        position = {candidate: at for at, candidate in enumerate(vote.shown)} if vote.shown else None
        for outcome in vote.outcomes:
            row, (i, j) = next(rows), (outcome.first, outcome.second)
            assert (couples.vote[row], couples.task[row], couples.result[row]) == (number, vote.item.task, outcome.result)
            assert couples.models[couples.first[row]] == vote.item.models[i]
            assert couples.models[couples.second[row]] == vote.item.models[j]
            assert couples.people[couples.person[row]] == vote.person
            assert couples.earlier[row] == (np.sign(position[j] - position[i]) if position else 0)
            assert couples.longer[row] == np.sign(vote.item.features[i][0] - vote.item.features[j][0])
            a, b = vote.item.features[i][0], vote.item.features[j][0]
            assert couples.covariates[row].tolist() == [(a - b) / (a + b), *[0.0] * (len(COVARIATES) - 1)]
    assert next(rows, None) is None
    units = {(int(task), int(unit)) for task, unit in zip(couples.task, couples.unit, strict=True)}
    assert len({unit for _, unit in units}) == len(units)


def test_what_stands_on_the_face_of_an_answer_is_counted() -> None:
    text = "# Plan\n\nDo **this** and **that**:\n- one\n  * two\n3. three\nnot #a heading, nor - a list"
    assert features_of(text) == (len(text), 3, 1, 2)


def test_the_majority_and_the_decision() -> None:
    split, clear, even = item(1, "ab"), item(2, "ab"), item(3, "ab")
    votes = [pair(split, "p", -1), pair(split, "q", -2), pair(split, "r", 1), pair(clear, "p", 2), pair(even, "p", 1), pair(even, "q", -1)]
    found = majority(couples_of(votes))
    assert dict(zip(found.task.tolist(), found.result.tolist(), strict=True)) == {1: 1.0, 2: 0.0}
    decided = standing_couples(votes, [pair(split, "lead", 0, adjudication=True), pair(even, "lead", 3, adjudication=True)], "adjudicated")
    assert dict(zip(decided.task.tolist(), decided.result.tolist(), strict=True)) == {1: 0.5, 2: 0.0, 3: 0.0}
