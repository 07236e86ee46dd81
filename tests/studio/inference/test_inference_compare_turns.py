"""Whole conversations: every turn is answered with the model's own answers before it, stopped and failed ones keep what there is."""

from __future__ import annotations

import threading

import pytest

from studio.errors import ModelError
from studio.inference import trajectories
from studio.inference.compare import compare, get_comparison
from studio.inference.sampling import Sampling
from studio.inference.trajectories import converse, script_of


def said(*texts: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text} for text in texts]


LONG = [{"role": "system", "content": "be good"}, *said("hello"), {"role": "assistant", "content": "not this"}, *said("where is my parcel")]
SHORT = Sampling(max_new_tokens=6, seed=5)


def test_every_turn_is_answered_with_the_models_own_answers(models, engine):
    counted = []
    given = list(
        compare(models, engine, ["first", "second"], [LONG, said("hello")], SHORT, turns=True, progress=lambda *at: counted.append(at))
    )
    assert counted[-1] == (6, 6)
    stored = get_comparison(models, given[0].comparison_id)
    assert stored.prompts == [LONG[:2], said("hello")]
    assert (stored.turns, stored.later) == (True, [said("where is my parcel"), []])
    whole = next(c for c in stored.candidates if c.model == "first" and c.prompt_index == 0)
    assert whole.messages is not None
    assert [m["role"] for m in whole.messages] == ["assistant", "user", "assistant"]
    answers = [m["content"] for m in whole.messages if m["role"] == "assistant"]
    assert whole.text == "\n\n".join(answers)
    assert "not this" not in whole.text
    assert [turn["finish_reason"] in ("stop", "length") for turn in whole.provenance["turns"]] == [True, True]
    assert whole.tokens == sum(turn["tokens"] for turn in whole.provenance["turns"])
    single = next(c for c in stored.candidates if c.model == "first" and c.prompt_index == 1)
    assert [m["role"] for m in single.messages or []] == ["assistant"]


def test_the_second_answer_follows_from_the_first(models, engine):
    greedy = SHORT.model_copy(update={"temperature": 0})
    given = list(converse(engine, "first", [script_of(LONG)], greedy, 2, threading.Event()))
    assert [t.sample for t in given] == [0, 1]
    assert given[0].text == given[1].text
    (again,) = engine.generate("first", [LONG[:2] + given[0].messages[:2]], greedy)
    assert again.text == given[0].messages[2]["content"]


def test_groups_do_not_change_what_is_said(models, engine, monkeypatch):
    scripts = [script_of(LONG), script_of(said("the shop", "opens at nine", "thank you"))]
    given = {(t.prompt_index, t.sample): t for t in converse(engine, "first", scripts, SHORT, 2, threading.Event())}
    assert given.keys() == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert [len(given[key].turns) for key in sorted(given)] == [2, 2, 3, 3]
    again = {(t.prompt_index, t.sample): t for t in converse(engine, "first", scripts, SHORT, 2, threading.Event())}
    assert {key: t.text for key, t in again.items()} == {key: t.text for key, t in given.items()}
    monkeypatch.setattr(trajectories, "GROUP", 1)
    assert len(list(converse(engine, "first", scripts, SHORT, 2, threading.Event()))) == 4


def test_a_stop_between_turns_keeps_what_was_said(models, engine):
    stop = threading.Event()
    broken = list(converse(engine, "first", [script_of(LONG)], SHORT, 1, stop, lambda _: stop.set()))
    assert [(t.finish_reason, len(t.turns), [m["role"] for m in t.messages]) for t in broken] == [("cancelled", 1, ["assistant"])]
    assert list(converse(engine, "first", [script_of(LONG)], SHORT, 1, stop)) == []


def test_a_turn_that_is_too_long_ends_its_conversation_with_the_reason(models, engine):
    given = list(converse(engine, "first", [script_of(said("hello", "parcel " * 400, "thank you"))], SHORT, 1, threading.Event()))
    assert [(t.finish_reason, len(t.turns), len(t.messages)) for t in given] == [("error", 2, 1)]
    assert "too long" in given[0].error


def test_nobody_speaking_is_said(models, engine):
    with pytest.raises(ModelError, match="no turn of the person"):
        compare(models, engine, ["first"], [[{"role": "system", "content": "be good"}]], SHORT, turns=True)
