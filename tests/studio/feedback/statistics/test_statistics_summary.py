"""The whole report: who is better in words, groups that never met, length taken out, ratings, and votes that were really given."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from studio.feedback.answers import Answer
from studio.feedback.statistics import words
from studio.feedback.statistics.plackett_luce import rankings_of, strengths
from studio.feedback.statistics.results import Report
from studio.feedback.statistics.summary import Counts, summarise
from studio.feedback.statistics.votes import Item, Vote, features_of
from tests.studio.feedback.statistics.votes_for_tests import item, pair, rankings

REAL = Path(os.environ.get("LUTHIER_REAL_DATA", Path(__file__).parents[5] / "shared" / "data")) / "pref_pandalm_3annotators.jsonl"
KNOWN = {"best": 1.5, "good": 0.5, "fair": -0.5, "poor": -1.5}


def report(votes: list[Vote], rule: str = "all") -> Report:
    return summarise(votes, Counts([1], "", rule, [], len({vote.item.task for vote in votes}), 0))


def test_the_order_comes_out_with_intervals_and_plain_words() -> None:
    found = report(rankings(KNOWN, count=150, size=4))
    assert [one.model for one in found.standings] == list(KNOWN)
    for one in found.standings:
        assert one.low < KNOWN[one.model] < one.high
        assert one.win_low < one.win_rate < one.win_high
    first = found.verdicts[0]
    assert (first.a, first.b, first.games) == ("best", "good", 150)
    assert first.sentence.startswith("best beats good with more than 99.9 % confidence: it wins 7")
    assert f"About {first.more} more judgements of the two for ±5 points" in first.sentence
    assert found.matrix.models == list(KNOWN)
    assert found.matrix.wins[0][0] is None
    assert found.matrix.games[0][1] == 150
    assert found.matrix.wins[0][1] + found.matrix.wins[1][0] == pytest.approx(1)
    assert found.whole_rankings is not None
    assert "gives the same order: best, good, fair, poor" in found.whole_rankings.sentence
    assert found.disconnected == ""
    assert Report.model_validate(json.loads(found.model_dump_json())) == found


def test_two_alike_are_not_told_apart() -> None:
    found = report([pair(item(task, "ab"), "p", -1 if task % 2 else 1) for task in range(30)])
    assert "cannot be told apart yet" in found.verdicts[0].sentence
    assert "50 % [33, 67]" in found.verdicts[0].sentence


def test_groups_that_never_met_are_named() -> None:
    votes = [pair(item(task, "ab" if task % 2 else "cd"), "p", -1) for task in range(20)]
    found = report(votes)
    assert "These 2 groups were never compared with each other: a and b; c and d." in found.disconnected
    never = next(verdict for verdict in found.verdicts if {verdict.a, verdict.b} == {"a", "c"})
    assert (never.win_rate, never.confidence) == (None, None)
    assert "were never compared, neither directly nor through other models" in never.sentence
    assert "About 390 more judgements" in never.sentence
    assert [verdict.win_rate is None for verdict in found.verdicts] == [False, False, True, True, True, True]
    assert [one.model for one in found.standings] == ["a", "b", "c", "d"]
    assert found.matrix.wins[found.matrix.models.index("a")][found.matrix.models.index("c")] is None


def test_five_wins_put_the_winner_first() -> None:
    found = report([pair(item(task, "ba"), "p", 3) for task in range(5)])
    assert found.standings[0].model == "a"
    assert "90 % [45, 99]" in found.verdicts[0].sentence


def test_what_length_does_is_taken_out() -> None:
    rng, votes = np.random.default_rng(0), []
    for task in range(400):  # equal models; "long" writes twice as much, and people like that
        lengths = [int(rng.uniform(200, 600)), int(rng.uniform(100, 300))]
        eta = 3 * (lengths[0] - lengths[1]) / sum(lengths)
        votes.append(pair(item(task, ["long", "short"], lengths), "p", -1 if rng.random() < 1 / (1 + np.exp(-eta)) else 1))
    found = report(votes)
    assert found.standings[0].model == "long"
    assert found.standings[0].low > 0.2
    assert found.controlled is not None
    assert min(one.low for one in found.controlled) < 0 < max(one.high for one in found.controlled)
    assert abs(found.controlled[0].strength) < 0.2
    assert [effect.covariate for effect in found.effects] == ["length"]
    assert "2." in found.effects[0].sentence
    assert "times as long wins" in found.effects[0].sentence
    assert "people prefer the one that is longer" in found.effects[0].sentence


def test_length_that_goes_with_the_model_is_not_taken_out() -> None:
    found = report([pair(item(task, "ab", [300 + task % 3, 100]), "p", -1 if task % 4 else 1) for task in range(100)])
    assert (found.controlled, found.effects) == (None, [])
    assert "each model keeps to a length of its own" in found.controlled_sentence


def test_few_prompts_and_crowded_ones_are_pointed_out() -> None:
    votes = [pair(item(task, "ab"), f"p{n}", -1 if task < 4 else 1) for task in range(8) for n in range(20)]
    found = report(votes)
    assert "All of this is from 8 prompts: others may come out differently." in found.standings_sentence
    assert "on new prompts fewer do" in found.verdicts[0].sentence
    assert "fewer do" not in report(rankings(KNOWN, count=40, size=4)).verdicts[0].sentence


def test_repeats_and_gold_items_do_not_decide_who_is_better() -> None:
    votes = [pair(item(task, "ab"), "p", -1) for task in range(6)]
    extra = [pair(vote.item, "p", 1, repeat=1) for vote in votes] + [pair(item(90, "ab", gold=[2, 1]), "p", 1)]
    assert report(votes + extra).standings == report(votes).standings
    assert report(votes + extra).consistency.share == 0.0
    assert report(votes + extra).annotators[0].gold == 1.0


def test_decisions_count_only_where_they_are_asked_for() -> None:
    votes = [pair(item(task, "ab"), person, -1) for task in range(10) for person in "pqr"]
    decisions = [pair(item(task, "ab"), "lead", 1, adjudication=True) for task in range(10)]
    assert report(votes + decisions) == report(votes)
    decided = report(votes + decisions, "adjudicated")
    assert decided.standings[0].model == "b"
    assert decided.standings[0].games == 10
    assert decided.judgements == 30


def test_ratings_and_marks_are_summed_up_for_each_model() -> None:
    votes = []
    for task in range(10):
        answer = Answer(ratings=[{"helpful": 6, "honest": 5}, {"helpful": 2 + task % 2, "honest": 5}], acceptable=[True, task < 3 or None])
        votes.append(Vote(item(task, ["a", "b"]), "p", answer))
    found = report(votes)
    assert [(one.model, one.criterion, one.mean) for one in found.ratings[:2]] == [("a", "helpful", 6.0), ("b", "helpful", 2.5)]
    assert "b is rated 2.5 [2.1, 2.9] of 7 for helpful (10 ratings)." in [one.sentence for one in found.ratings]
    assert [(one.model, one.share, one.n) for one in found.acceptable] == [("a", 1.0, 10), ("b", 1.0, 3)]
    assert 0.7 < found.acceptable[0].low < 0.8
    assert found.standings == []


def test_without_votes_everything_is_empty_and_said() -> None:
    found = report([])
    assert (found.sentence, found.standings_sentence) == ("No judgements yet.", "No two models have been compared yet.")
    assert (found.standings, found.verdicts, found.controlled, found.agreement.alpha) == ([], [], None, None)


def test_plackett_luce_finds_the_strengths_and_leaves_ties_out() -> None:
    names = list(KNOWN)
    found = rankings_of(rankings(KNOWN, count=800, size=4), names)
    assert strengths(found, 4) == pytest.approx(list(KNOWN.values()), abs=0.2)
    assert rankings_of([Vote(item(1, "abc"), "p", Answer(ranks=[1, 1, 3]))], list("abc")) == []


def test_ten_thousand_rankings_are_summed_up_while_a_page_waits() -> None:
    drawn = rankings({f"m{index}": index / 3 for index in range(6)}, count=1000, size=4)
    votes = [replace(vote, person=f"person {n}") for n in range(10) for vote in drawn]
    report(votes[:100])
    start = time.process_time()
    report(votes)
    assert time.process_time() - start < 2


def test_words_say_figures_alike() -> None:
    assert words.percent_interval(0.64, 0.55, 0.72) == "64 % [55, 72]"
    assert words.percent_interval(0.9991, 0.998, 0.9998) == "99.9 % [99.8, 100.0]"
    assert [words.percent(share) for share in (0, 0.001, 0.5, 0.999, 1)] == ["0 %", "0.1 %", "50 %", "99.9 %", "100 %"]
    assert [words.about(number) for number in (1, 7, 42, 381, 1234)] == [1, 7, 42, 390, 1300]
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.counted(1, "person", "people") == "1 person"
    assert [words.confidence_of(share) for share in (0.93, 0.996, 0.99999)] == ["93 %", "99.6 %", "more than 99.9 %"]


def check_order_and_agreement(votes: list[Vote], order: list[str], alpha: tuple[float, float]) -> Report:
    """By all votes and by majority the models stand in `order`; alpha is in the range."""
    for rule in ("all", "majority"):
        assert [one.model for one in report(votes, rule).standings] == order
    found = report(votes)
    assert alpha[0] < found.agreement.alpha < alpha[1]
    return found


def test_drawn_votes_of_three_people_give_their_order_back() -> None:
    votes = [
        pair(item(vote.item.task, vote.item.models), vote.person, (ranks := vote.answer.ranks)[0] - ranks[1])
        for vote in rankings({**KNOWN, "fifth": -2.5}, count=700, size=2, people=3, shared=2.0)
    ]
    found = check_order_and_agreement(votes, [*KNOWN, "fifth"], (0.3, 0.7))
    assert found.agreement.items == 700


def test_real_votes_of_three_people_give_the_published_figures() -> None:
    """PandaLM's test set as its authors describe it: majorities of 105 ties, 422 and 472 wins, Cohen's kappas of 0.85 to 0.88. The order of
    its five models is what the majorities on each two of them say."""
    if not REAL.is_file():
        return
    votes = []
    for task, row in enumerate(json.loads(line) for line in REAL.read_text(encoding="utf-8").splitlines()):
        texts = [str(row["response_a"]), str(row["response_b"])]
        one = Item(task, row["prompt"] + row["input"], tuple(row["models"].split("_")), tuple(features_of(text) for text in texts))
        votes += [pair(one, f"annotator {n}", {0: 0, 1: -1, 2: 1}[said]) for n, said in enumerate(row["votes"])]
    order = ["llama-7b", "pythia-6.9b", "bloom-7b", "opt-7b", "cerebras-gpt-6.7B"]
    found = check_order_and_agreement(votes, order, (0.85, 0.90))
    assert found.agreement.units == 999
    assert 0.9 < found.agreement.raw < 0.94
    by_majority = report(votes, "majority")
    assert sum(one.games for one in by_majority.standings) == 2 * (105 + 422 + 472)
    assert all(by_majority.matrix.wins[at][at + 1] > 0.5 for at in range(4))
    sure = [verdict for verdict in found.verdicts if verdict.confidence > 0.95]
    assert {verdict.b for verdict in sure if verdict.a == "llama-7b"} == set(order[1:])
    assert {verdict.a for verdict in sure if verdict.b == "cerebras-gpt-6.7B"} == set(order[:-1])
    middle = next(verdict for verdict in found.verdicts if (verdict.a, verdict.b) == ("pythia-6.9b", "bloom-7b"))
    assert "cannot be told apart yet" in middle.sentence
    assert all(one.strength > other.strength for one, other in pairwise(found.standings))
