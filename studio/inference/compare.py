"""Comparisons: the same prompts answered by several models, stored output by output with everything needed to produce them again.

What people say about these outputs is kept elsewhere; this file only makes and reads them. No torch.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from typing import Any

from sqlalchemy import func, select

from studio import db
from studio.errors import BusyError, ModelError, NotFoundError, StudioError
from studio.inference.engine import Engine
from studio.inference.outputs import FinishReason, Messages, Output
from studio.inference.sampling import Sampling
from studio.models.registry import ModelInfo, get_model
from studio.workspace import Workspace

LIBRARIES = ("torch", "transformers", "peft")
MOST_SAMPLES = 64


@dataclass(frozen=True)
class CandidateInfo:
    """One stored output. `duplicate_of` is the id of an earlier output to the same prompt with the same text; `error` is empty when all
    went well. `provenance` names model, weights, base, template, sampling settings and seed."""

    id: int
    comparison_id: int
    prompt_index: int
    model: str
    sample: int
    text: str
    tokens: int
    seconds: float
    finish_reason: FinishReason
    error: str
    duplicate_of: int | None
    provenance: dict[str, Any]


@dataclass(frozen=True)
class ComparisonInfo:
    """A comparison: its prompts, models and settings; `outputs` counts the candidates, which `list_comparisons` leaves out."""

    id: int
    name: str
    models: list[str]
    prompts: list[Messages]
    sampling: Sampling
    n: int
    created_at: datetime
    outputs: int
    candidates: list[CandidateInfo]


def compare(
    ws: Workspace,
    engine: Engine,
    models: list[str],
    prompts: list[Messages],
    sampling: Sampling,
    n: int = 1,
    name: str | None = None,
    stop: threading.Event | None = None,
) -> Iterator[CandidateInfo]:
    """Answer every prompt `n` times with each model; yields each output once it is stored, model by model.

    A model that fails gives outputs with the reason `error` and does not lose the others'. Setting `stop` ends it and keeps what there is.
    All models draw with the same seed. Raises, before anything is stored, `NotFoundError` and `ModelError` (fewer than one model, no
    prompts, or two models with equal weights); `BusyError` while reading when a run holds the device.
    """
    infos = [get_model(ws, each) for each in models]
    _check(infos, prompts, n)
    drawn = sampling.seeded()
    with ws.db.write() as session:
        settings = {"sampling": drawn.model_dump(), "n": n}
        row = db.Comparison(name=name or _title(prompts), models=list(models), prompts=list(prompts), settings=settings)
        session.add(row)
        session.flush()
        comparison_id = row.id
    return _answers(ws, engine, comparison_id, infos, prompts, drawn, n, stop or threading.Event())


def _check(infos: list[ModelInfo], prompts: list[Messages], n: int) -> None:
    if not infos:
        raise ModelError("No model is chosen.", "Choose at least one model.")
    if not prompts:
        raise ModelError("There is no prompt to answer.", "Write a prompt, or choose a dataset to take prompts from.")
    if not 1 <= n <= MOST_SAMPLES:
        raise ModelError(f"{n} answers to each prompt cannot be made.", f"Choose a number from 1 to {MOST_SAMPLES}.")
    seen: dict[tuple[str | None, str], str] = {}
    for info in infos:
        weights = (info.base if info.adapter else None, info.sha256 or str(info.path))
        if weights in seen:
            raise ModelError(
                f"{seen[weights]} and {info.name} have the same weights, so comparing them says nothing.",
                "Choose each model once, and models that were trained differently.",
            )
        seen[weights] = info.name


def _title(prompts: list[Messages]) -> str:
    asked = next((m["content"] for m in reversed(prompts[0]) if m["role"] == "user"), "") if prompts[0] else ""
    words = " ".join(asked.split())
    return words if len(words) <= 60 else words[:59].rstrip() + "…"


def _answers(
    ws: Workspace,
    engine: Engine,
    comparison_id: int,
    infos: list[ModelInfo],
    prompts: list[Messages],
    sampling: Sampling,
    n: int,
    stop: threading.Event,
) -> Iterator[CandidateInfo]:
    first: dict[tuple[int, str], int] = {}
    for info in infos:
        template: str | None = None
        for output in _outputs(engine, info, prompts, sampling, n, stop):
            if template is None and output.finish_reason != "error":
                from studio.models.loading import load_tokenizer  # imports torch

                template = template_hash(load_tokenizer(ws, info.name))
            candidate = _store(ws, comparison_id, info, output, _provenance(ws, info, sampling, output, template))
            yield replace(candidate, duplicate_of=_mark(first, candidate))
        if stop.is_set():
            return


def _outputs(
    engine: Engine, info: ModelInfo, prompts: list[Messages], sampling: Sampling, n: int, stop: threading.Event
) -> Iterator[Output]:
    """What one model gives; when it fails, an error for each output that it still owed."""
    owed = {(index, sample) for index in range(len(prompts)) for sample in range(n)}
    try:
        for output in engine.generate(info.name, prompts, sampling, n, stop):
            owed.discard((output.prompt_index, output.sample))
            yield output
    except BusyError:
        raise
    except StudioError as error:
        for index, sample in sorted(owed):
            yield Output(index, sample, "", 0, 0.0, "error", 0, sampling.seed, str(error))


def _provenance(ws: Workspace, info: ModelInfo, sampling: Sampling, output: Output, template: str | None) -> dict[str, Any]:
    base = get_model(ws, info.base) if info.base else None
    return {
        "model": info.name,
        "model_id": info.id,
        "kind": info.kind,
        "sha256": info.sha256,
        "base": info.base,
        "base_sha256": base.sha256 if base else None,
        "run": info.run,
        "template_sha256": template,
        "sampling": sampling.model_dump(),
        "seed": sampling.seed,
        "prompt_index": output.prompt_index,
        "sample": output.sample,
        "dropped_messages": output.dropped_messages,
        "error": output.error,
        "libraries": {library: version(library) for library in LIBRARIES},
    }


def _store(ws: Workspace, comparison_id: int, info: ModelInfo, output: Output, provenance: dict[str, Any]) -> CandidateInfo:
    row = db.Candidate(
        comparison_id=comparison_id,
        prompt_index=output.prompt_index,
        model=info.name,
        sample=output.sample,
        text=output.text,
        tokens=output.tokens,
        seconds=output.seconds,
        finish_reason=output.finish_reason,
        provenance=provenance,
    )
    with ws.db.write() as session:
        session.add(row)
    return _info(row)


def _info(row: db.Candidate) -> CandidateInfo:
    return CandidateInfo(
        row.id, row.comparison_id, row.prompt_index, row.model, row.sample, row.text, row.tokens, row.seconds,
        row.finish_reason, row.provenance.get("error", ""), None, row.provenance,  # type: ignore[arg-type]
    )  # fmt: skip


def _mark(first: dict[tuple[int, str], int], candidate: CandidateInfo) -> int | None:
    """The id of the first output to the same prompt with the same text, if this is not it; `first` remembers them."""
    if candidate.finish_reason == "error":
        return None
    earlier = first.setdefault((candidate.prompt_index, candidate.text), candidate.id)
    return None if earlier == candidate.id else earlier


def list_comparisons(ws: Workspace) -> list[ComparisonInfo]:
    """All comparisons, newest first, without their outputs."""
    with ws.db.read() as session:
        counted = select(db.Candidate.comparison_id, func.count()).group_by(db.Candidate.comparison_id)
        counts = {row[0]: row[1] for row in session.execute(counted)}
        rows = session.scalars(select(db.Comparison).order_by(db.Comparison.id.desc()))
        return [_comparison(row, counts.get(row.id, 0), []) for row in rows]


def get_comparison(ws: Workspace, id: int) -> ComparisonInfo:
    """One comparison with its outputs in the order in which they were made. Raises `NotFoundError`."""
    with ws.db.read() as session:
        row = session.get(db.Comparison, id)
        if row is None:
            raise NotFoundError(f"There is no comparison {id}.", "Choose one from the list.")
        first: dict[tuple[int, str], int] = {}
        candidates = [_info(candidate) for candidate in row.candidates]
        return _comparison(row, len(candidates), [replace(c, duplicate_of=_mark(first, c)) for c in candidates])


def _comparison(row: db.Comparison, outputs: int, candidates: list[CandidateInfo]) -> ComparisonInfo:
    sampling = Sampling(**row.settings["sampling"])
    return ComparisonInfo(row.id, row.name, row.models, row.prompts, sampling, row.settings["n"], row.created_at, outputs, candidates)


def template_hash(tokenizer: Any) -> str:
    """SHA-256 of the chat template that a tokenizer applies."""
    return hashlib.sha256((tokenizer.chat_template or "").encode()).hexdigest()
