"""Questions to a model that is being trained: a person asks, the trainer answers between two steps.

Each question is a file `asks/<id>.ask.json`, each answer `asks/<id>.answer.json`, so it works across processes. The answer is
rewritten while it grows. Nothing here imports torch; the trainer's side is in `studio/runs/callbacks.py`.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel

from studio.errors import NotFoundError, RunError
from studio.runs.folder import RunFolder, read_json, write_atomically


@dataclass(frozen=True)
class Answer:
    """What the live model said so far; `step` is the training step whose weights answered, `error` is empty when all is well."""

    text: str = ""
    done: bool = False
    step: int = 0
    error: str = ""


@dataclass(frozen=True)
class Ask:
    """A question that waits: messages in order, sampling settings as plain values."""

    id: str
    messages: list[dict[str, str]]
    sampling: dict[str, Any]


def ask(folder: RunFolder, messages: Sequence[Mapping[str, str]], sampling: BaseModel | Mapping[str, Any] | None = None) -> str:
    """Put a question to a run that is training or paused; returns the id to look its answer up with.

    Raises `RunError` when the run is not at work, so that nobody waits for an answer that cannot come.
    """
    if not folder.live:
        raise RunError(
            f"The run {folder.name} is not training now, so its live weights cannot answer.",
            "Chat with the finished model in the Chat tab, or resume the run.",
        )
    settings = sampling.model_dump() if isinstance(sampling, BaseModel) else dict(sampling or {})
    ask_id = f"{time.time_ns():020d}-{uuid.uuid4().hex[:6]}"
    folder.asks_path.mkdir(exist_ok=True)
    text = json.dumps({"messages": [dict(message) for message in messages], "sampling": settings})
    write_atomically(folder.asks_path / f"{ask_id}.ask.json", text)
    return ask_id


def answer(folder: RunFolder, ask_id: str) -> Answer:
    """The answer so far; empty and not done while the question waits for the end of a step. Raises `NotFoundError` for an unknown id."""
    values = read_json(folder.asks_path / f"{ask_id}.answer.json")
    if values:
        return Answer(**values)
    if not (folder.asks_path / f"{ask_id}.ask.json").exists():
        values = read_json(folder.asks_path / f"{ask_id}.answer.json")  # answered between the two looks
        if not values:
            raise NotFoundError(f"The run {folder.name} was never asked {ask_id}.", "Ask again.")
        return Answer(**values)
    return Answer()


def pending(folder: RunFolder) -> list[Ask]:
    """The questions that wait, oldest first."""
    if not folder.asks_path.is_dir():
        return []
    asks = []
    for path in sorted(folder.asks_path.glob("*.ask.json")):
        values = read_json(path)
        asks.append(Ask(path.name.removesuffix(".ask.json"), values["messages"], values["sampling"]))
    return asks


def write_answer(folder: RunFolder, ask_id: str, given: Answer) -> None:
    """Store what the model said so far; a finished answer takes the question off the list."""
    write_atomically(folder.asks_path / f"{ask_id}.answer.json", json.dumps(asdict(given)))
    if given.done:
        (folder.asks_path / f"{ask_id}.ask.json").unlink(missing_ok=True)


def refuse_all(folder: RunFolder, reason: str) -> None:
    """Answer every waiting question with `reason`, as a run does that ends."""
    for waiting in pending(folder):
        write_answer(folder, waiting.id, Answer(done=True, error=reason))
