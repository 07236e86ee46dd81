"""What a model sees of a conversation that is longer than its context."""

from __future__ import annotations

import pytest

from studio.errors import ModelError
from studio.inference.prompts import fit
from tests.tiny import make_tokenizer


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


LONG = [turn("system", "good shop")]
for number in range(20):
    LONG += [turn("user", f"where is order {number}"), turn("assistant", f"thank you {number}")]
LONG.append(turn("user", "the last question"))


def test_a_short_conversation_is_whole():
    prompt = fit(make_tokenizer(), LONG, 20, 4096)
    assert (prompt.dropped_messages, prompt.max_new_tokens) == (0, 20)


def test_the_oldest_turns_go_and_the_system_message_stays():
    tokenizer = make_tokenizer()
    prompt = fit(tokenizer, LONG, 20, 160)
    text = tokenizer.decode(prompt.ids)
    assert len(prompt.ids) + 20 <= 160
    assert text.startswith("<|system|>good shop<|end|><|user|>")
    assert text.endswith("<|user|>the last question<|end|><|assistant|>")
    assert "order 0<" not in text
    assert prompt.dropped_messages > 0
    assert prompt.dropped_messages % 2 == 0
    kept = text.count("<|user|>") + text.count("<|assistant|>") - 1
    assert kept + prompt.dropped_messages == len(LONG) - 1


def test_a_last_message_that_does_not_fit_is_refused():
    with pytest.raises(ModelError, match="last message is too long"):
        fit(make_tokenizer(), [turn("user", "hello " * 500)], 20, 256)


def test_an_answer_may_be_shorter_than_asked_for_when_room_is_short():
    prompt = fit(make_tokenizer(), [turn("user", "hello")], 1000, 64)
    assert prompt.max_new_tokens == 64 - len(prompt.ids)


def test_a_template_that_refuses_says_so():
    strict = make_tokenizer("{{ raise_exception('roles must alternate') }}")
    with pytest.raises(ModelError, match="roles must alternate"):
        fit(strict, [turn("user", "hello")], 10, 100)


def test_no_message_is_refused():
    with pytest.raises(ModelError, match="no message"):
        fit(make_tokenizer(), [], 10, 100)
