"""A conversation in the Chat tab, as plain values: one list of messages for each model that answers.

`Talk` is what the page keeps; the functions here change it and know nothing of gradio. A message is a dict with `role`, `content` and, for
answers, `model`, `tokens`, `seconds`, `finish_reason` and what is needed to produce them again (`system`, `sampling`,
`dropped_messages`), or `probabilities` where a classifier answered. `edited` marks an answer that a person changed, `original` is what the
model wrote where the person's text was kept as the better answer. What people say of answers (`given`) stands in `app/chat_feedback.py`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from studio.models import registry

if TYPE_CHECKING:
    from studio.inference.engine import Engine
    from studio.inference.sampling import Sampling
    from studio.workspace import Workspace

Message = dict[str, Any]
Talk = dict[str, Any]
KEPT = (
    "role", "content", "model", "tokens", "seconds", "finish_reason", "system", "sampling", "dropped_messages", "edited", "original",
    "probabilities",
)  # fmt: skip
"""What is stored of a message when its conversation is saved."""
YIELD_TOKENS = 10
YIELD_SECONDS = 0.25


def new_talk() -> Talk:
    """An empty conversation; `sides` holds one list of messages a model, `saved` the id under which it is stored.

    `pair` and `note` are of `app/chat_feedback.py`: whether the last answers of two models can be compared, and what was judged last.
    """
    return {"sides": [[], []], "saved": None, "title": "", "pair": None, "note": None}


def ask(talk: Talk, text: str) -> Talk:
    """The talk with what a person said now, on both sides."""
    said = {"role": "user", "content": text}
    return {**talk, "sides": [[*side, dict(said)] for side in talk["sides"]], "note": None}


def without_last_answer(talk: Talk) -> Talk:
    """The talk back at the last thing that the person said, so that it can be answered again."""
    sides = []
    for side in talk["sides"]:
        kept = list(side)
        while kept and kept[-1]["role"] == "assistant":
            kept.pop()
        sides.append(kept)
    return {**talk, "sides": sides, "note": None}


def without_empty_answers(talk: Talk) -> Talk:
    """The talk without answers that were begun and hold nothing, as an error leaves them."""
    return {**talk, "sides": [[m for m in side if m["role"] != "assistant" or m["content"]] for side in talk["sides"]]}


def edit(talk: Talk, side: int, index: int, text: str) -> tuple[Talk, bool]:
    """The talk with another text at `index`, and whether it must be answered again.

    What a person said changes on both sides and all after it goes; an answer changes in place.
    """
    if talk["sides"][side][index]["role"] == "user":
        changed = [[*s[:index], {"role": "user", "content": text}] if len(s) > index else s for s in talk["sides"]]
        return {**talk, "sides": changed, "note": None}, True
    sides = [list(s) for s in talk["sides"]]
    sides[side][index] = {"role": "assistant", "content": text, "model": sides[side][index].get("model"), "edited": True}
    return {**talk, "sides": sides, "note": None}, False


def spoken(messages: list[Message], system: str = "") -> list[dict[str, str]]:
    """The messages as a model takes them: roles and texts, the system prompt in front."""
    plain = [{"role": m["role"], "content": m["content"]} for m in messages if m["role"] != "system"]
    return [{"role": "system", "content": system.strip()}, *plain] if system.strip() else plain


def better(talk: Talk, side: int, index: int, text: str) -> Talk:
    """The talk with a person's better text in the place of an answer; the model's own text again takes it back."""
    sides = [list(s) for s in talk["sides"]]
    was = sides[side][index]
    own = was.get("original", was["content"])
    plain = {name: value for name, value in was.items() if name not in ("original", "edited", "given")}
    mine = {"original": own, "edited": True} if text != own else {}
    sides[side][index] = {**plain, "content": text, **mine}
    return {**talk, "sides": sides}


def stored(messages: list[Message], system: str = "") -> list[Message]:
    """The messages as they are saved: what was said and how it was made, the system prompt in front."""
    kept = [{name: m[name] for name in KEPT if m.get(name) is not None} for m in messages if m["role"] != "system"]
    return [{"role": "system", "content": system.strip()}, *kept] if system.strip() else kept


def answer(
    ws: Workspace, engine: Engine, talk: Talk, models: list[str], system: str, sampling: Sampling, stop: threading.Event
) -> Iterator[tuple[Talk, int]]:
    """The talk as its answers grow, and which side is being written.

    One model after the other, so that each has the device to itself. A second model that has not answered so far sees the first one's
    conversation as its own.
    """
    talk = {**talk, "sides": [list(side) for side in talk["sides"]]}
    if len(models) > 1 and len(talk["sides"][0]) != len(talk["sides"][1]):
        talk["sides"][1] = [dict(message) for message in talk["sides"][0]]
    for side, model in enumerate(models):
        asked = spoken(talk["sides"][side], system)
        said: Message = {"role": "assistant", "content": "", "model": model, "system": system.strip()}
        talk["sides"][side].append(said)
        yield talk, side
        if registry.get_model(ws, model).kind == "classifier":
            probabilities = engine.classify(model, [asked[-1]["content"]])[0]
            said.update(content=max(probabilities, key=lambda label: probabilities[label]), probabilities=dict(probabilities))
        else:
            yield from _stream(engine, talk, side, model, asked, sampling, stop)
        yield talk, side
        if stop.is_set():
            return


def _stream(
    engine: Engine, talk: Talk, side: int, model: str, asked: list[dict[str, str]], sampling: Sampling, stop: threading.Event
) -> Iterator[tuple[Talk, int]]:
    """Grow the last message of `side`, and give the talk about every ten tokens."""
    said, shown, at = talk["sides"][side][-1], 0, time.monotonic()
    for chunk in engine.chat(model, asked, sampling, stop):
        said["content"] += chunk.text
        said.update(tokens=chunk.tokens, seconds=chunk.seconds)
        if chunk.done:
            drawn = {**sampling.model_dump(), "seed": chunk.seed}
            said.update(finish_reason=chunk.finish_reason, sampling=drawn, dropped_messages=chunk.dropped_messages)
        elif chunk.tokens - shown >= YIELD_TOKENS or time.monotonic() - at > YIELD_SECONDS:
            shown, at = chunk.tokens, time.monotonic()
            yield talk, side
