"""A conversation in the Chat tab, as plain values: one list of messages for each model that answers.

`Talk` is what the page keeps; the functions here change it and know nothing of gradio. A message is a dict with `role`, `content` and, for
answers, `model`, `tokens`, `seconds`, `finish_reason`, or `probabilities` where a classifier answered.
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
YIELD_TOKENS = 10
YIELD_SECONDS = 0.25


def new_talk() -> Talk:
    """An empty conversation; `sides` holds one list of messages a model, `saved` the id under which it is stored."""
    return {"sides": [[], []], "saved": None, "title": ""}


def ask(talk: Talk, text: str) -> Talk:
    """The talk with what a person said now, on both sides."""
    said = {"role": "user", "content": text}
    return {**talk, "sides": [[*side, dict(said)] for side in talk["sides"]]}


def without_last_answer(talk: Talk) -> Talk:
    """The talk back at the last thing that the person said, so that it can be answered again."""
    sides = []
    for side in talk["sides"]:
        kept = list(side)
        while kept and kept[-1]["role"] == "assistant":
            kept.pop()
        sides.append(kept)
    return {**talk, "sides": sides}


def without_empty_answers(talk: Talk) -> Talk:
    """The talk without answers that were begun and hold nothing, as an error leaves them."""
    return {**talk, "sides": [[m for m in side if m["role"] != "assistant" or m["content"]] for side in talk["sides"]]}


def edit(talk: Talk, side: int, index: int, text: str) -> tuple[Talk, bool]:
    """The talk with another text at `index`, and whether it must be answered again.

    What a person said changes on both sides and all after it goes; an answer changes in place.
    """
    if talk["sides"][side][index]["role"] == "user":
        changed = [[*s[:index], {"role": "user", "content": text}] if len(s) > index else s for s in talk["sides"]]
        return {**talk, "sides": changed}, True
    sides = [list(s) for s in talk["sides"]]
    sides[side][index] = {"role": "assistant", "content": text, "model": sides[side][index].get("model"), "edited": True}
    return {**talk, "sides": sides}, False


def spoken(messages: list[Message], system: str = "") -> list[dict[str, str]]:
    """The messages as a model takes them: roles and texts, the system prompt in front."""
    plain = [{"role": m["role"], "content": m["content"]} for m in messages if m["role"] != "system"]
    return [{"role": "system", "content": system.strip()}, *plain] if system.strip() else plain


def last_question(talk: Talk) -> str:
    """What the person said last, or nothing."""
    return next((m["content"] for m in reversed(talk["sides"][0]) if m["role"] == "user"), "")


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
        said: Message = {"role": "assistant", "content": "", "model": model}
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
            said["finish_reason"] = chunk.finish_reason
        elif chunk.tokens - shown >= YIELD_TOKENS or time.monotonic() - at > YIELD_SECONDS:
            shown, at = chunk.tokens, time.monotonic()
            yield talk, side
