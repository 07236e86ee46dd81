"""Which prompts are held out for good: people compare models on them, and no run ever trains on them, in any round.

A prompt is known by a hash of its normalised messages. When it is first met it gets a side, by that hash, and keeps it: `sides_of` gives
sides, `held_out_hashes` are the prompts that runs leave out, `trained_prompts` says which prompts of a row a run would learn to answer.
A prompt that a compared model has been trained on already is never held out (`seen_in_training`). The share is a preference of the
workspace. To hold something else out, give it to `sides_of` as messages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from studio.data import paging, store
from studio.data.schema import Message, Row
from studio.db import Model, Preference, PromptSide, Run
from studio.errors import DataError, NotFoundError
from studio.workspace import Workspace

Side = Literal["train", "held_out"]
SHARE = "held_out_share"
DEFAULT_SHARE = 0.2
AT_ONCE = 500


def prompt_sha256(messages: Sequence[Message]) -> str:
    """What a prompt is known by: the hash of its roles and texts, lower-cased, with spaces collapsed and the system prompt left out."""
    digest = hashlib.sha256()
    for message in messages:
        _add(digest, message)
    return digest.hexdigest()


def _add(digest: Any, message: Message) -> None:
    if message["role"] != "system":
        said = " ".join(f"{message.get('content') or ''} {message.get('tool_calls') or ''}".casefold().split())
        digest.update(f"{message['role']}\x1f{said}\x1e".encode("utf-8", "surrogatepass"))


def trained_prompts(row: Row, kind: str) -> list[str]:
    """The hashes of all prompts that training on a row teaches to answer: of a chat what stands before each of its answers."""
    if kind in ("text", "labelled"):
        return [prompt_sha256([{"role": "user", "content": row["text"]}])]
    if kind != "chat":
        return [prompt_sha256(row["prompt"])]
    found: list[str] = []
    digest, empty = hashlib.sha256(), True
    for message in row["messages"]:
        if message["role"] == "assistant" and not empty:
            found.append(digest.hexdigest())
        _add(digest, message)
        empty = empty and message["role"] == "system"
    return found


def share_of(ws: Workspace) -> float:
    """The share of new prompts that are held out."""
    with ws.db.read() as session:
        return _share(session)


def set_share(ws: Workspace, share: float) -> None:
    """Hold this share of prompts out from now on; prompts that have a side keep it."""
    if not 0 <= share <= 0.9:
        raise DataError(f"{share:g} is no share of prompts to hold out.", "Choose a number from 0 to 0.9.")
    with ws.db.write() as session:
        session.merge(Preference(key=SHARE, value={"share": share}))


def _share(session: Session) -> float:
    chosen = session.get(Preference, SHARE)
    return float(chosen.value["share"]) if chosen else DEFAULT_SHARE


def side_of(ws: Workspace, messages: Sequence[Message], seen: bool = False) -> Side:
    """The side of one prompt; see `sides_of`."""
    return sides_of(ws, [messages], {prompt_sha256(messages)} if seen else set())[0]


def sides_of(ws: Workspace, prompts: Sequence[Sequence[Message]], seen: Iterable[str] = (), session: Session | None = None) -> list[Side]:
    """The side of each prompt, fixed for good when it is first met.

    A new prompt is held out when its hash falls into the share and is not among the hashes in `seen`, which models were trained on
    already. Inside a write of the caller's own, give its `session`.
    """
    if session is None:
        with ws.db.write() as own:
            return sides_of(ws, prompts, seen, own)
    hashes = [prompt_sha256(prompt) for prompt in prompts]
    known = _known(session, hashes)
    share, trained_on = _share(session), set(seen)
    new: list[dict[str, str]] = []
    for sha256 in dict.fromkeys(hashes):
        if sha256 not in known:
            drawn = int(sha256[:12], 16) / 16**12 < share
            known[sha256] = "held_out" if drawn and sha256 not in trained_on else "train"
            new.append({"prompt_sha256": sha256, "side": known[sha256], "why": "seen in training" if sha256 in trained_on else "drawn"})
    if new:
        session.execute(insert(PromptSide), new)
    return [known[sha256] for sha256 in hashes]


def _known(session: Session, hashes: list[str]) -> dict[str, Side]:
    """The prompts that have a side."""
    known: dict[str, Side] = {}
    for start in range(0, len(hashes), AT_ONCE):
        wanted = select(PromptSide.prompt_sha256, PromptSide.side)
        for sha256, side in session.execute(wanted.where(PromptSide.prompt_sha256.in_(hashes[start : start + AT_ONCE]))):
            known[sha256] = "held_out" if side == "held_out" else "train"
    return known


def held_out_hashes(ws: Workspace, until: datetime | None = None) -> frozenset[str]:
    """The prompts that no run trains on; with `until`, as they were at that time (in UTC)."""
    wanted = select(PromptSide.prompt_sha256).where(PromptSide.side == "held_out")
    if until is not None:
        wanted = wanted.where(PromptSide.created_at <= until)
    with ws.db.read() as session:
        return frozenset(session.scalars(wanted))


def seen_in_training(ws: Workspace, models: Iterable[str], prompts: Sequence[Sequence[Message]]) -> set[str]:
    """The hashes of those prompts that stand in the training rows of a dataset that one of the models, or what it was made from, was
    trained on. Models that the workspace does not know, as in imported files, have seen nothing; nor have datasets that are gone."""
    wanted = {prompt_sha256(prompt) for prompt in prompts}
    found: set[str] = set()
    for ref in sorted(_datasets_of(ws, models)):
        if wanted <= found:
            break
        try:
            info = store.get_version(ws, ref)
        except NotFoundError:
            continue
        if "train" in info.splits:
            for _, table in paging.groups(info.folder / "train.parquet"):
                found.update(sha256 for row in table.to_pylist() for sha256 in trained_prompts(row, info.kind) if sha256 in wanted)
    return found


def _datasets_of(ws: Workspace, models: Iterable[str]) -> set[str]:
    """The dataset versions that models and those before them were trained on."""
    with ws.db.read() as session:
        by_id = {model.id: model for model in session.scalars(select(Model))}
        runs = {run.id: run for run in session.scalars(select(Run))}
    named = {model.name: model for model in by_id.values()}
    recipes: dict[str, dict[str, Any]] = {run.name: run.recipe for run in runs.values()}
    refs: set[str] = set()
    for name in models:
        checkpoint_of, _, _ = name.partition("@")
        model: Model | None = named.get(name)
        if model is None and checkpoint_of in recipes:
            refs.update(_sources(recipes[checkpoint_of]))
            model = named.get(str(recipes[checkpoint_of].get("model", "")))
        for made in _line(model, by_id):
            run = runs.get(made.run_id) if made.run_id is not None else None
            refs.update(_sources(run.recipe) if run else ())
    return refs


def _line(model: Model | None, by_id: dict[int, Model]) -> Iterator[Model]:
    """A model and what it was made from, the newest first."""
    met: set[int] = set()
    while model is not None and model.id not in met:
        met.add(model.id)
        yield model
        model = by_id.get(model.base_id) if model.base_id is not None else None


def _sources(recipe: dict[str, Any]) -> list[str]:
    return [str(source["name"]) for source in (recipe.get("data") or {}).get("sources") or [] if source.get("name")]
