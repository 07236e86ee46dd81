"""A model of the workspace writes training rows: paraphrases of what there is, and new examples. A person decides on each.

The instruction is a template that a person sees and may change; what the model answers becomes a draft
(`studio/data/augment/drafts.py`), never a row by itself. To write in another way, add a class and a branch in `_requests`.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationError

from studio.data import store
from studio.data.augment import drafts
from studio.data.schema import Message, Row, is_conversational
from studio.errors import DataError
from studio.inference.engine import Engine
from studio.inference.sampling import Sampling
from studio.settings import Settings, setting
from studio.workspace import Workspace

EXAMPLES_SHOWN = 3


class Paraphrase(Settings):
    """Other words for the prompts or texts that there are."""

    title: ClassVar[str] = "Paraphrases by a model"
    summary: ClassVar[str] = "A model says prompts or texts in other words; the answer or label stays."

    kind: Literal["paraphrase"] = "paraphrase"
    instruction: str = setting(
        "Say this in other words. Keep its meaning, all names and all numbers. Write only the new text.\n\n{text}",
        "Instruction", "What the model is asked; {text} stands for the text.", basic=True, lines=True, min_length=1,
    )  # fmt: skip
    rows: int = setting(20, "Rows", "How many training rows are paraphrased.", basic=True, ge=1, le=5000)
    seed: int = setting(42, "Seed", "Equal seeds draw the same rows.", ge=0, le=2**31 - 1)
    sampling: Sampling = Field(default_factory=Sampling)


class NewExamples(Settings):
    """New prompts or texts after the pattern of those that there are."""

    title: ClassVar[str] = "New examples by a model"
    summary: ClassVar[str] = (
        "A model sees a few rows and writes another; for labelled rows of the same label, otherwise with its own answer."
    )

    kind: Literal["examples"] = "examples"
    instruction: str = setting(
        "Here are examples.\n\n{examples}\n\nWrite one more of the same kind. Write only the new text.",
        "Instruction", "What the model is asked; {examples} stands for a few rows, {label} for their label.", basic=True, lines=True,
        min_length=1,
    )  # fmt: skip
    label: str = setting("", "Label", "Labelled rows: write examples of this label only; empty takes the labels in turn.", basic=True)
    rows: int = setting(20, "Rows", "How many examples are asked for.", basic=True, ge=1, le=5000)
    seed: int = setting(42, "Seed", "Equal seeds show the same rows.", ge=0, le=2**31 - 1)
    sampling: Sampling = Field(default_factory=Sampling)


WRITERS: dict[str, type[Paraphrase] | type[NewExamples]] = {"paraphrase": Paraphrase, "examples": NewExamples}


def task_of(values: dict[str, Any]) -> Paraphrase | NewExamples:
    """A model's task from its settings, `kind` among them; raises `DataError` that names the wrong one."""
    try:
        return WRITERS[str(values.get("kind"))].model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise DataError(f"{first['loc'][-1]}: {first['msg']}.", "Correct this setting and try again.") from error


@dataclass(frozen=True)
class Written:
    """What came of it: drafts kept, and answers dropped because they were empty or said what was there already."""

    kept: int
    dropped: int


@dataclass(frozen=True)
class _Request:
    """One question to the model, and the training row that its answer belongs to."""

    messages: list[Message]
    source: Row


def write_drafts(
    ws: Workspace,
    engine: Engine,
    model: str,
    ref: str,
    task: Paraphrase | NewExamples,
    progress: Callable[[int, int], None] | None = None,
    stop: threading.Event | None = None,
) -> Written:
    """Ask `model` for drafts of training rows and keep the usable ones, each as soon as it is written.

    Works on labelled, text, chat and prompt rows. For new examples of chats the model also answers its new prompt. What `stop` breaks off
    in the middle is left out. Raises `DataError` for other kinds, for an instruction without its placeholder, and when there are no rows
    to start from.
    """
    info = store.get_version(ws, ref)
    if info.kind not in ("labelled", "text", "chat", "prompt"):
        raise DataError(f"A model cannot write {info.kind} rows.", "It writes labelled, text, chat and prompt rows.")
    stored = store.rows(ws, info.ref, "train", 0, info.splits["train"]) if info.splits.get("train") else []
    rows = [row for row in stored if not row.get("augmented")]
    requests = _requests(rows, info.kind, task)
    known = {_key(_text_of(row, info.kind)) for row in rows}
    kept = dropped = 0
    outputs = engine.generate(model, [request.messages for request in requests], task.sampling, stop=stop)
    for done, output in enumerate(outputs, 1):
        text, source = output.text.strip(), requests[output.prompt_index].source
        if output.finish_reason == "cancelled":
            continue
        if output.finish_reason == "error" or not text or _key(text) in known:
            dropped += 1
        else:
            known.add(_key(text))
            row = _row_with(source, info.kind, text)
            if isinstance(task, NewExamples) and info.kind == "chat":
                row = {"messages": [*row["messages"][:-1], {"role": "assistant", "content": _answer(engine, model, row, task, stop)}]}
            if info.kind == "chat" and not row["messages"][-1]["content"].strip():
                dropped += 1
            else:
                drafts.propose(ws, info.ref, row, source, "paraphrase" if isinstance(task, Paraphrase) else "new example", model)
                kept += 1
        if progress:
            progress(done, len(requests))
    return Written(kept, dropped)


def _requests(rows: list[Row], kind: str, task: Paraphrase | NewExamples) -> list[_Request]:
    rng = Random(task.seed)
    if isinstance(task, NewExamples) and task.label:
        rows = [row for row in rows if row.get("label") == task.label]
    if not rows:
        raise DataError("There are no training rows to start from.", "Choose another label, or import rows first.")
    if isinstance(task, Paraphrase):
        _needs(task.instruction, "{text}")
        chosen = rng.sample(rows, min(task.rows, len(rows)))
        return [_Request(_asked(task.instruction.replace("{text}", _text_of(row, kind))), row) for row in chosen]
    _needs(task.instruction, "{examples}")
    found = []
    for _ in range(task.rows):
        source = rng.choice(rows)
        alike = [row for row in rows if row is not source and row.get("label") == source.get("label")] if kind == "labelled" else rows
        shown = [source, *rng.sample(alike, min(EXAMPLES_SHOWN - 1, len(alike)))]
        text = "\n".join(f"- {_text_of(row, kind)}" for row in shown)
        asked = task.instruction.replace("{examples}", text).replace("{label}", str(source.get("label", "")))
        found.append(_Request(_asked(asked), source))
    return found


def _needs(instruction: str, placeholder: str) -> None:
    if placeholder not in instruction:
        raise DataError(f"The instruction does not say where the text goes: {placeholder} is missing.", f"Write {placeholder} into it.")


def _asked(text: str) -> list[Message]:
    return [{"role": "user", "content": text}]


def _key(text: str) -> str:
    return " ".join(text.casefold().split())


def _first_user(messages: list[Message]) -> int:
    return next((place for place, message in enumerate(messages) if message["role"] == "user"), len(messages) - 1)


def _text_of(row: Row, kind: str) -> str:
    """The text that is put in other words: the text, or the first thing that the person says."""
    if not is_conversational(kind):
        return str(row["text"])
    messages = row["messages" if kind == "chat" else "prompt"]
    return str(messages[_first_user(messages)]["content"])


def _row_with(source: Row, kind: str, text: str) -> Row:
    """The source with its text replaced. Of a chat only the first exchange is kept, since later turns may speak of the old words."""
    if not is_conversational(kind):
        return {**{name: source[name] for name in ("label",) if name in source}, "text": text}
    name = "messages" if kind == "chat" else "prompt"
    messages: list[dict[str, Any]] = copy.deepcopy(source[name])
    place = _first_user(messages)
    messages[place]["content"] = text
    if kind == "chat":
        messages = messages[: place + 2]
    return {name: messages}


def _answer(engine: Engine, model: str, row: Row, task: NewExamples, stop: threading.Event | None) -> str:
    """What the model itself answers to a new prompt."""
    prompt = [{"role": m["role"], "content": m["content"]} for m in row["messages"][:-1]]
    outputs = engine.generate(model, [prompt], task.sampling, stop=stop)
    return "".join(output.text for output in outputs if output.finish_reason != "cancelled").strip()
