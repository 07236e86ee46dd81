"""What a cut leaves of a row, counted and in the trainer's columns alike; pairs have the tokens of the rendering."""

from __future__ import annotations

import pytest

from studio.data.rendering import prompt_ids, render
from studio.methods.encoding import (
    FEWEST_PROMPT,
    IGNORED,
    AnswersShape,
    EncodedAnswers,
    LabelEncoder,
    PairEncoder,
    SequenceEncoder,
    SequenceShape,
)
from tests.tiny import make_tokenizer

QUESTION = [{"role": "system", "content": "the shop opens at nine"}, {"role": "user", "content": "where is my order"}]
PAIR = {
    "prompt": QUESTION,
    "chosen": [{"role": "assistant", "content": "thank you the order is good"}],
    "rejected": [{"role": "assistant", "content": "awful"}],
}


def test_a_pair_is_the_prompt_that_chat_gives_and_two_answers_with_their_end() -> None:
    tokenizer = make_tokenizer()
    (row,) = PairEncoder().encode(tokenizer, [PAIR], "preference", [])
    assert isinstance(row, EncodedAnswers)
    assert row.prompt == prompt_ids(tokenizer, QUESTION)
    assert tokenizer.decode(row.answers["chosen"]) == "thank you the order is good<|end|>"
    assert tokenizer.decode(row.answers["rejected"]) == "awful<|end|>"
    assert row.prompt + row.answers["chosen"] == render(tokenizer, PAIR, "preference").input_ids


def test_what_the_template_writes_behind_an_answer_is_not_learned() -> None:
    template = "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>\\n' }}{% endfor %}"
    tokenizer = make_tokenizer(template + "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}")
    (row,) = PairEncoder().encode(tokenizer, [PAIR], "preference", [])
    assert isinstance(row, EncodedAnswers)
    assert tokenizer.decode(row.answers["rejected"]) == "awful<|end|>"


def test_the_prompt_gives_way_from_its_beginning_for_both_answers_alike() -> None:
    row = EncodedAnswers(list(range(100)), {"chosen": [7] * 30, "rejected": [8] * 10})
    assert row.shape.longest == 130
    whole = row.shape.fit(200)
    assert whole is not None
    assert (whole.lengths, whole.trained) == ((130, 110), 40)
    cut = row.shape.fit(80)
    assert cut is not None
    assert cut.lengths == (80, 60)
    assert row.columns(80) == {"prompt_ids": list(range(50, 100)), "chosen_ids": [7] * 30, "rejected_ids": [8] * 10}
    assert row.columns(200)["prompt_ids"] == list(range(100))


@pytest.mark.parametrize("max_length", [30, 29 + FEWEST_PROMPT, 8])
def test_a_pair_whose_answer_leaves_no_room_for_the_prompt_is_left_out(max_length: int) -> None:
    assert AnswersShape(100, (30, 10)).fit(max_length) is None
    assert AnswersShape(100, (30, 10)).fit(30 + FEWEST_PROMPT) is not None


def test_an_empty_answer_is_left_out() -> None:
    assert AnswersShape(20, (5, 0)).fit(100) is None


def test_a_sequence_is_cut_at_its_end() -> None:
    shape = SequenceShape(bytes([0, 0, 1, 1]))
    fit = shape.fit(3)
    assert fit is not None
    assert (fit.lengths, fit.trained) == ((3,), 1)
    assert shape.fit(2) is None
    (row,) = SequenceEncoder().encode(make_tokenizer(), [{"messages": [*QUESTION, *PAIR["rejected"]]}], "chat", [])
    columns = row.columns(row.shape.longest - 1)
    assert columns["labels"][-1] != IGNORED
    assert len(columns["labels"]) == row.shape.longest - 1


def test_a_label_that_no_row_to_train_on_has_is_left_out() -> None:
    rows = [{"text": "the film is great", "label": "good"}, {"text": "the film is", "label": "odd"}]
    known, unknown = LabelEncoder().encode(make_tokenizer(), rows, "labelled", ["bad", "good"])
    assert known.columns(2)["labels"] == 1
    assert known.shape.fit(2) is not None
    assert unknown.shape.fit(100) is None


def test_equal_encoders_are_equal_so_that_counts_are_kept() -> None:
    assert PairEncoder() == PairEncoder()
    assert SequenceEncoder("everything") != SequenceEncoder()
    assert hash(SequenceEncoder("everything")) == hash(SequenceEncoder("everything"))
