"""One augmentation step on one version: what it would add, and the new version that has it. Both go through `_work`, so they agree."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass
from random import Random
from typing import Any

from studio.data import store
from studio.data.augment.balance import balanced
from studio.data.augment.noise import cased, typed
from studio.data.augment.settings import Balance, Noise, SystemPrompts
from studio.data.schema import Message, Row, is_conversational, prompt_text
from studio.data.store import VersionInfo
from studio.errors import DataError
from studio.workspace import Workspace

EXAMPLES = 10


@dataclass(frozen=True)
class AugmentPreview:
    """What a step would do to the training rows: counts, and up to ten pairs of a row and what is made of it."""

    rows_before: int
    added: int
    removed: int
    labels_before: dict[str, int]
    labels_after: dict[str, int]
    examples: list[tuple[Row, Row]]

    @property
    def rows_after(self) -> int:
        return self.rows_before + self.added - self.removed


def preview(ws: Workspace, ref: str, step: Noise | SystemPrompts | Balance) -> AugmentPreview:
    """What `augment` would do, with nothing stored. Raises `DataError` when the step does not suit the kind of rows."""
    info, rows = _training_rows(ws, ref)
    added, removed = _work(rows, info.kind, step)
    kept = [row for place, row in enumerate(rows) if place not in removed] + [row for _, row in added]
    examples = [(rows[source], row) for source, row in added[:EXAMPLES]]
    return AugmentPreview(len(rows), len(added), len(removed), _labels(rows, info.kind), _labels(kept, info.kind), examples)


def augment(ws: Workspace, ref: str, step: Noise | SystemPrompts | Balance, author: str = "") -> VersionInfo:
    """A new version with the step's rows in its training split; the other splits stay as they are."""
    info, rows = _training_rows(ws, ref)
    added, removed = _work(rows, info.kind, step)
    if not added and not removed:
        raise DataError("This augmentation would change nothing.", "Raise its share, or choose another step.")
    return add_rows(ws, info, rows, added, removed, {"kind": "augment", "settings": step.model_dump()}, author)


def add_rows(
    ws: Workspace,
    info: VersionInfo,
    rows: list[Row],
    added: list[tuple[int, Row]],
    removed: set[int],
    step: dict[str, Any],
    author: str,
) -> VersionInfo:
    """Store the training `rows` with `added` behind them; each added row and its source share a group from now on."""
    rows = [dict(row) for row in rows]
    for source, row in added:
        row["group"] = rows[source].setdefault("group", group_of(rows[source], info.kind))
    splits = {side: store.rows(ws, info.ref, side, 0, count) for side, count in info.splits.items() if side != "train"}
    train = [row for place, row in enumerate(rows) if place not in removed] + [row for _, row in added]
    counts = {"read": info.rows, "added": len(added), "removed": len(removed), "kept": info.rows - len(removed) + len(added)}
    full = {**step, "from": info.ref, "author": author, "counts": counts}
    return store.add_version(ws, info.dataset, info.kind, {"train": train, **splits}, full)


def group_of(row: Row, kind: str) -> str:
    """A name for the rows made from one: the hash of its prompt, so that rows with the same prompt have the same group."""
    return hashlib.sha256(prompt_text(row, kind).encode()).hexdigest()[:12]


def _training_rows(ws: Workspace, ref: str) -> tuple[VersionInfo, list[Row]]:
    info = store.get_version(ws, ref)
    if not info.splits.get("train"):
        raise DataError(f"{info.ref} has no training rows.", "Augmentation adds to the training split only; divide the rows anew first.")
    return info, store.rows(ws, info.ref, "train", 0, info.splits["train"])


def _work(rows: list[Row], kind: str, step: Noise | SystemPrompts | Balance) -> tuple[list[tuple[int, Row]], set[int]]:
    """The rows to add with the places of their sources, and the places of the rows to leave out."""
    if step.row_kinds and kind not in step.row_kinds:
        raise DataError(f"{step.title} does not work on {kind} rows.", f"It works on {', '.join(step.row_kinds)} rows.")
    if isinstance(step, Balance):
        return balanced(rows, step)
    rng = Random(step.seed)
    real = [place for place, row in enumerate(rows) if not row.get("augmented")]
    chosen = sorted(rng.sample(real, max(1, round(step.share * len(real))) if real else 0))
    made = [
        (place, _noisy(rows[place], kind, step, rng) if isinstance(step, Noise) else _prompted(rows[place], kind, step, rng))
        for place in chosen
    ]
    return [(place, row) for place, row in made if row is not None], set()


def _noisy(row: Row, kind: str, step: Noise, rng: Random) -> Row | None:
    """A copy whose questions are typed carelessly; answers and system prompts stay. None when nothing changed."""
    copied = copy.deepcopy(row)
    if is_conversational(kind):
        for message in copied["messages" if kind == "chat" else "prompt"]:
            if message["role"] == "user":
                message["content"] = cased(typed(message["content"], step.errors, rng), step.casing, rng)
    else:
        copied["text"] = cased(typed(copied["text"], step.errors, rng), step.casing, rng)
    return {**copied, "augmented": "typing noise"} if copied != row else None


def _prompted(row: Row, kind: str, step: SystemPrompts, rng: Random) -> Row | None:
    """A copy under another system prompt than its own."""
    name = "messages" if kind == "chat" else "prompt"
    messages: list[Message] = row[name]
    own = messages[0]["content"] if messages and messages[0]["role"] == "system" else ""
    others = [line.strip() for line in step.prompts.splitlines() if line.strip() != own]
    if not others:
        return None
    prompt = rng.choice(others)
    rest = messages[1:] if own else messages
    under: list[Message] = [{"role": "system", "content": prompt}] if prompt else []
    return {**copy.deepcopy(row), name: under + copy.deepcopy(rest), "augmented": "another system prompt"}


def _labels(rows: list[Row], kind: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    if kind == "labelled":
        for row in rows:
            counts[row["label"]] = counts.get(row["label"], 0) + 1
    return dict(sorted(counts.items()))
