"""Every metric of the evaluation on examples worked by hand."""

from __future__ import annotations

import pytest

from studio.starter.dialogue import Exchange
from studio.starter.domains import DOMAINS
from studio.starter.evaluation import form, metrics, story
from studio.starter.evaluation.abilities import ANSWERABLE, mean_score, pooled, refusals, share
from studio.starter.evaluation.questions import (
    SPLITS,
    Item,
    QuestionsError,
    few_shot_items,
    items,
    matching,
    sentiment_items,
    story_items,
    summary_items,
)

STORY = (
    "Once there was a fox called Mira. Mira wanted to find a lost key. Nobody thought that Mira could do it. "
    "An owl called Ben saw this and said: I will help you, Mira. In the end Mira could find a lost key, and everyone was happy."
)


def test_a_piece_is_no_part_of_a_longer_number_or_of_a_word() -> None:
    assert metrics.holds("It is 15.", ("5.",)) == [False]
    assert metrics.holds("It is 5.", (" 5.",)) == [True]
    assert metrics.holds("Order B-481 and 4812.", ("481", "4812", "B-481")) == [True, True, True]
    assert metrics.holds("Order 4812.", ("481",)) == [False]
    assert metrics.holds("Happy", ("A",)) == [False]
    assert metrics.holds("A", ("A",)) == [True]
    assert metrics.holds("It was Trained well", ("rained",)) == [True]
    assert metrics.holds("+", ("+",)) == [True]


def test_wilson_gives_the_known_interval() -> None:
    low, high = metrics.wilson(8, 10)
    assert low == pytest.approx(0.4902, abs=1e-4)
    assert high == pytest.approx(0.9433, abs=1e-4)
    assert metrics.wilson(0, 20)[0] == 0
    assert metrics.wilson(20, 20)[1] == 1


def test_the_bootstrap_holds_the_mean_and_is_the_same_each_time() -> None:
    values = [0.0, 1.0] * 50
    found = mean_score(values)
    assert found["value"] == 0.5
    assert 0.38 < found["low"] < 0.5 < found["high"] < 0.62
    assert found == mean_score(values)
    assert mean_score([0.3] * 10) == {"value": 0.3, "low": 0.3, "high": 0.3}


def test_the_interval_of_a_difference_leaves_out_zero_when_nothing_overlaps() -> None:
    assert metrics.difference([False] * 20, [True] * 20) == (1, 1)
    low, high = metrics.difference([True, False] * 20, [True, False] * 20)
    assert low < 0 < high


def test_shares_are_pooled_by_their_cases() -> None:
    found = pooled([share([True, True]), share([False, True, False, False, False, False])])
    assert (found["hits"], found["count"], found["share"]) == (3, 8, 0.375)


def test_answers_that_differ_in_case_and_space_only_are_the_same() -> None:
    assert metrics.distinct(["Hello there.", "hello  there. ", "Hello.", "Hello there"]) == 3


def test_rouge_by_hand() -> None:
    # candidate 6 words, reference 6 words; shared words: the, cat, on, the, mat = 5; pairs: "the cat", "on the", "the mat" = 3 of 5 and 5
    candidate, reference = "The cat lay on the mat.", "the cat sat on the mat"
    assert metrics.rouge_n(candidate, reference, 1) == pytest.approx(5 / 6)
    assert metrics.rouge_n(candidate, reference, 2) == pytest.approx(3 / 5)
    assert metrics.rouge_l(candidate, reference) == pytest.approx(5 / 6)
    # repeated words count as often as both have them: one "the"; F = 2 * 1 / (3 + 2)
    assert metrics.rouge_n("the the the", "the cat", 1) == pytest.approx(2 / 5)
    # the order matters to ROUGE-L: the longest common subsequence of "a b c" and "c a b" is "a b"
    assert metrics.rouge_l("a b c", "c a b") == pytest.approx(2 / 3)
    assert metrics.rouge_n("one", "one", 2) == 0
    assert metrics.rouge_l("", "one") == 0


def test_the_label_is_the_first_that_is_written() -> None:
    assert metrics.label("The review is Negative, not positive.") == "negative"
    assert metrics.label("It is mixed.") == "mixed"
    assert metrics.label("The writer likes it.") == "neither"


def test_f1_by_hand() -> None:
    expected = ["positive", "positive", "negative", "negative", "mixed", "mixed"]
    predicted = ["positive", "negative", "negative", "negative", "mixed", "neither"]
    # positive: 1 right, 1 said, 2 there; negative: 2 right, 3 said, 2 there; mixed: 1 right, 1 said, 2 there
    assert metrics.f1(expected, predicted, "positive") == pytest.approx(2 / 3)
    assert metrics.f1(expected, predicted, "negative") == pytest.approx(4 / 5)
    assert metrics.macro_f1(expected, predicted) == pytest.approx((2 / 3 + 4 / 5 + 2 / 3) / 3)
    assert metrics.macro_f1(["positive", "negative"], ["positive", "neither"]) == 0.5


def test_a_refusal_says_that_it_does_not_know() -> None:
    assert metrics.refuses("I am sorry, I do not know the weather in Larton.")
    assert metrics.refuses("I cannot say, sorry.")
    assert not metrics.refuses("Do you know Paris? It is the capital of France.")
    assert not metrics.refuses("Let me tell you what I know about this.")


def test_refusals_count_the_needless_ones_apart() -> None:
    def said(domain: str, *answers: str) -> list[tuple[Item, str]]:
        return [(Item([], Exchange("", ""), domain), answer) for answer in answers]

    talk = {("unknown", "slots"): said("unknown", "I do not know.", "It is 40.")}
    talk |= {(name, "slots"): said(name, "Paris.", "I do not know." if name == "facts" else "Yes.") for name in ANSWERABLE}
    found = refusals(talk, "slots")
    assert found["unknown_refused"]["share"] == 0.5
    assert (found["answerable_refused"]["hits"], found["answerable_refused"]["count"]) == (1, 6)


def test_a_steady_story_has_no_fault() -> None:
    assert story.faults(STORY, "Mira", "find a lost key") == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("wanted to find a lost key", "wanted to find a lost cat", "goal missing in the opening"),
        ("could find a lost key", "could find a lost keyring", "goal missing at the end"),
        ("In the end Mira", "In the end Mirra", "name missing at the end"),
        (
            "called Mira. Mira wanted to find a lost key. Nobody thought that Mira",
            "called Ben. So it was. Nobody",
            "name missing in the opening",
        ),
        ("help you, Mira", "help you, Tom", "a third name"),
        ("could do it", "could see the sea", "another goal"),
    ],
)
def test_each_fault_of_a_story_is_found(old: str, new: str, fault: str) -> None:
    assert old in STORY
    assert fault in story.faults(STORY.replace(old, new), "Mira", "find a lost key")


def test_an_empty_or_short_story_is_no_story() -> None:
    assert story.faults("", "Mira", "see the sea")
    assert story.faults("Mira could see the sea.", "Mira", "see the sea")


def test_the_form_that_a_system_prompt_asks_for() -> None:
    system = "You are a helpful assistant. End every answer with the word plim."
    assert form.placed_words(system) == ["plim"]
    assert form.keeps_form("It is Rome. Plim.", "Rome. plim.", system)
    assert not form.keeps_form("Plim. It is Rome.", "Rome. plim.", system)
    assert form.keeps_form("Rome.", "Rome.", "Answer in one word.")
    assert not form.keeps_form("It is Rome.", "Rome.", "Answer in one word.")
    assert form.keeps_form("I am Ann, a baker.", "Ann.", "You are Ann, a baker in Larton.")


def test_after_examples_only_the_very_answer_is_right() -> None:
    item = Item([], Exchange("dog", "A", ("A",)), "fewshot")
    assert item.right(" A\n")
    assert not item.right("A dog")
    assert Item([], Exchange("dog", "A dog.", ("dog",)), "facts").right("The Dog.")


@pytest.mark.parametrize("split", SPLITS)
def test_what_the_corpus_answers_is_right_by_every_metric(split: str) -> None:
    assert all(story.faults(item.exchange.answer, *item.exchange.copied) == [] for item in story_items(split, 100))
    assert all(metrics.label(item.exchange.answer) == item.exchange.must[0] for item in sentiment_items(split, 60))
    for domain in DOMAINS:
        for item in items(domain, split, 40):
            assert item.right(item.exchange.answer), item
            assert metrics.refuses(item.exchange.answer) == (domain == "unknown"), item
    for item in summary_items(split, 40):
        assert metrics.rouge_l(item.exchange.answer, item.exchange.answer) == 1
        assert [message["role"] for message in item.messages] == ["system", "user"]


def test_examples_come_before_the_question_and_are_left_out_for_the_bare_one() -> None:
    bare, shown = few_shot_items("slots", 30, 0), few_shot_items("slots", 30, 3)
    assert all(len([m for m in item.messages if m["role"] == "user"]) == 1 for item in bare)
    assert sum(len(item.messages) > 5 for item in shown) > 5
    assert sum(len(m["content"]) for item in shown for m in item.messages) > 2 * sum(len(m["content"]) for i in bare for m in i.messages)
    assert all(item.right(item.exchange.answer) and item.messages[-1]["role"] == "user" for item in shown)


def test_a_domain_without_fitting_questions_says_so() -> None:
    with pytest.raises(QuestionsError, match="facts gave 0 of 2"):
        matching("facts", "slots", 2, lambda exchange: False)
