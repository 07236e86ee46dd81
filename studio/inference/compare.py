"""Making a comparison: the same prompts answered by several models, stored output by output with what it takes to produce them again.

Comparisons as they are stored stand in `comparisons.py`, whole conversations in `trajectories.py`. To record another fact of an output, add
it in `_provenance`. No torch.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

from studio import db
from studio.device import describe
from studio.errors import BusyError, ModelError, StudioError
from studio.inference.comparisons import (
    CandidateInfo,
    ComparisonInfo,
    candidate_of,
    delete_comparison,
    duplicate_of,
    get_comparison,
    list_comparisons,
    rename_comparison,
    restore_comparison,
)  # fmt: skip
from studio.inference.engine import Engine
from studio.inference.outputs import Messages, Output
from studio.inference.sampling import Sampling
from studio.inference.trajectories import Script, Trajectory, converse, script_of
from studio.models.registry import ModelInfo, get_model
from studio.workspace import Workspace

__all__ = [
    "CandidateInfo", "ComparisonInfo", "compare", "delete_comparison", "get_comparison", "list_comparisons", "rename_comparison",
    "restore_comparison", "template_hash",
]  # fmt: skip

LIBRARIES = ("torch", "transformers", "peft")
MOST_MODELS = 9
MOST_SAMPLES = 64


@dataclass(frozen=True)
class _Job:
    """What is to be answered, by whom and how. `tick` is called with each number of new answers."""

    ws: Workspace
    engine: Engine
    infos: list[ModelInfo]
    scripts: list[Script]
    turns: bool
    sampling: Sampling
    n: int
    round: int
    stop: threading.Event
    tick: Callable[[int], None]
    device: str


def compare(
    ws: Workspace,
    engine: Engine,
    models: list[str],
    prompts: list[Messages],
    sampling: Sampling,
    n: int = 1,
    name: str | None = None,
    stop: threading.Event | None = None,
    turns: bool = False,
    round: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[CandidateInfo]:
    """Answer every prompt `n` times with each of one to nine models or checkpoints; yields each output once it is stored, model by model.

    With `turns` each prompt is a conversation of which every turn of the person is answered in order, with the model's own answers as
    context; answers that stand in it are left out. `progress` is called with the answers made and the answers wanted, turns counted singly.
    A model that fails gives outputs with the reason `error` and does not lose the others'. Setting `stop` ends it and keeps what there is.
    All models draw with the same seed. Raises, before anything is stored, `NotFoundError`, `BusyError` when a run holds the device, and
    `ModelError`: fewer than one model or more than nine, no prompts, two models with equal weights, or two that give the first prompt's
    next token exactly the same probabilities.
    """
    infos = [get_model(ws, each) for each in models]
    _check(infos, prompts, n)
    scripts = [script_of(prompt) for prompt in prompts] if turns else [Script(list(prompt), []) for prompt in prompts]
    stop = stop or threading.Event()
    logits = _different(engine, infos, scripts[0].prompt, stop)
    if stop.is_set():
        return iter(())
    drawn = sampling.seeded()
    with ws.db.write() as session:
        settings: dict[str, Any] = {"sampling": drawn.model_dump(), "n": n, "round": round, "logits_sha256": logits}
        if turns:
            settings |= {"turns": True, "later": [script.later for script in scripts]}
        row = db.Comparison(
            name=(name or "").strip() or _title(scripts[0].prompt),
            models=list(models),
            prompts=[s.prompt for s in scripts],
            settings=settings,
        )
        session.add(row)
        session.flush()
        comparison_id = row.id
    tick = _counter(progress, sum(script.turns if turns else 1 for script in scripts) * n * len(models))
    return _answers(comparison_id, _Job(ws, engine, infos, scripts, turns, drawn, n, round, stop, tick, describe().name))


def _counter(progress: Callable[[int, int], None] | None, total: int) -> Callable[[int], None]:
    done = 0

    def tick(answers: int) -> None:
        nonlocal done
        done += answers
        if progress:
            progress(done, total)

    return tick


def _check(infos: list[ModelInfo], prompts: list[Messages], n: int) -> None:
    if not infos:
        raise ModelError("No model is chosen.", "Choose at least one model.")
    if len(infos) > MOST_MODELS:
        raise ModelError(f"{len(infos)} models are too many to read side by side.", f"Choose up to {MOST_MODELS}.")
    if not prompts:
        raise ModelError("There is no prompt to answer.", "Write a prompt, or choose a dataset to take prompts from.")
    if not 1 <= n <= MOST_SAMPLES:
        raise ModelError(f"{n} answers to each prompt cannot be made.", f"Choose a number from 1 to {MOST_SAMPLES}.")
    seen: dict[tuple[str | None, str], str] = {}
    for info in infos:
        if not info.generates:
            raise ModelError(f"{info.name} is a classifier: it labels texts and writes no answers.", "Choose a model that can chat.")
        weights = (info.base if info.adapter else None, info.sha256 or str(info.path))
        if weights in seen:
            raise _same(f"{seen[weights]} and {info.name} have the same weights")
        seen[weights] = info.name


def _same(what: str) -> ModelError:
    return ModelError(f"{what}, so comparing them says nothing.", "Choose each model once, and models that were trained differently.")


def _different(engine: Engine, infos: list[ModelInfo], prompt: Messages, stop: threading.Event) -> dict[str, str]:
    """A hash of each model's next-token logits after the first prompt; raises `ModelError` when two are equal to the last bit.

    The last model is asked first, so that the first one is still in memory when the answers begin. A model that cannot be asked is passed
    over here: its outputs will say why.
    """
    found: dict[str, str] = {}
    if len(infos) < 2:
        return found
    for info in reversed(infos):
        if stop.is_set():
            break
        try:
            found[info.name] = engine.next_token_hash(info.name, prompt)
        except BusyError:
            raise
        except StudioError:
            continue
    by_hash: dict[str, str] = {}
    for name in (info.name for info in infos if info.name in found):
        twin = by_hash.setdefault(found[name], name)
        if twin != name:
            raise _same(f"{twin} and {name} give exactly the same probabilities to the first word of an answer")
    return found


def _title(prompt: Messages) -> str:
    words = " ".join(next((m["content"] for m in reversed(prompt) if m["role"] == "user"), "").split())
    return words if len(words) <= 60 else words[:59].rstrip() + "…"


def _answers(comparison_id: int, job: _Job) -> Iterator[CandidateInfo]:
    first: dict[tuple[int, str], int] = {}
    for info in job.infos:
        template: str | None = None
        for output in _outputs(job, info):
            if template is None and output.finish_reason != "error":
                from studio.models.loading import load_tokenizer  # imports torch

                template = template_hash(load_tokenizer(job.ws, info.name))
            candidate = _store(job.ws, comparison_id, info, output, _provenance(job, info, output, template))
            yield replace(candidate, duplicate_of=duplicate_of(first, candidate))
        if job.stop.is_set():
            return


def _outputs(job: _Job, info: ModelInfo) -> Iterator[Output]:
    """What one model gives; when it fails, an error for each output that it still owed."""
    owed = {(index, sample) for index in range(len(job.scripts)) for sample in range(job.n)}
    try:
        for output in _made(job, info.name):
            owed.discard((output.prompt_index, output.sample))
            yield output
    except BusyError:
        raise
    except StudioError as error:
        for index, sample in sorted(owed):
            yield Output(index, sample, "", 0, 0.0, "error", 0, job.sampling.seed, str(error))


def _made(job: _Job, model: str) -> Iterator[Output]:
    if job.turns:
        yield from converse(job.engine, model, job.scripts, job.sampling, job.n, job.stop, job.tick)
        return
    for output in job.engine.generate(model, [script.prompt for script in job.scripts], job.sampling, job.n, job.stop):
        job.tick(1)
        yield output


def model_provenance(ws: Workspace, info: ModelInfo) -> dict[str, Any]:
    """What an answer's provenance says of the model: its weights and those of its base, the run and the step that made them."""
    base = get_model(ws, info.base) if info.base else None
    return {
        "model": info.name,
        "model_id": info.id,
        "kind": info.kind,
        "sha256": info.sha256,
        "base": info.base,
        "base_sha256": base.sha256 if base else None,
        "run": info.run,
        "step": info.step,
    }


def _provenance(job: _Job, info: ModelInfo, output: Output, template: str | None) -> dict[str, Any]:
    """Everything that it takes to make the output again."""
    prompt = job.scripts[output.prompt_index].prompt
    return {
        **model_provenance(job.ws, info),
        "round": job.round,
        "system": next((m["content"] for m in prompt if m["role"] == "system"), ""),
        "template_sha256": template,
        "sampling": job.sampling.model_dump(),
        "seed": job.sampling.seed,
        "prompt_index": output.prompt_index,
        "sample": output.sample,
        "tokens": output.tokens,
        "finish_reason": output.finish_reason,
        "dropped_messages": output.dropped_messages,
        "turns": output.turns if isinstance(output, Trajectory) else None,
        "error": output.error,
        "device": job.device,
        "luthier": version("luthier"),
        "libraries": {library: version(library) for library in LIBRARIES},
    }


def _store(ws: Workspace, comparison_id: int, info: ModelInfo, output: Output, provenance: dict[str, Any]) -> CandidateInfo:
    row = db.Candidate(
        comparison_id=comparison_id,
        prompt_index=output.prompt_index,
        model=info.name,
        sample=output.sample,
        text=output.text,
        messages=output.messages if isinstance(output, Trajectory) else None,
        tokens=output.tokens,
        seconds=output.seconds,
        finish_reason=output.finish_reason,
        provenance=provenance,
    )
    with ws.db.write() as session:
        session.add(row)
    return candidate_of(row)


def template_hash(tokenizer: Any) -> str:
    """SHA-256 of the chat template that a tokenizer applies."""
    return hashlib.sha256((tokenizer.chat_template or "").encode()).hexdigest()
