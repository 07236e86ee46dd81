"""What will happen, before it happens: rows, tokens, steps, memory, time, and what is likely to go wrong with a remedy for each.

The numbers come from the same rows (`rows.py`), the same rendering (`counting.py`) and the same decisions (`resolve.py`) as the training.
To warn of something new, add a check in `studio/runs/cautions.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from studio.errors import RecipeError
from studio.models.memory import MemoryEstimate
from studio.models.registry import ModelInfo
from studio.recipe import Recipe
from studio.runs import store
from studio.runs.cautions import Case, Warning, warnings_of
from studio.runs.check import model_of, problems, versions_of
from studio.runs.counting import count
from studio.runs.mix import Share
from studio.runs.resolve import Resolved, resolve
from studio.workspace import Workspace

__all__ = ["Plan", "Warning", "plan"]


@dataclass(frozen=True)
class Plan:
    """A run before its start. Counts of rows and tokens are of one epoch after the cut; `seconds` is `None` while nothing like it has run;
    `estimated` says that the counts come from a sample; `resolved` holds every decision about what the recipe leaves open, `shares` what
    each dataset of the mix comes to in an epoch."""

    rows: int
    held_out: int
    tokens: int
    trained_tokens: int
    cut_rows: int
    untrained_rows: int
    steps: int
    evaluations: int
    memory: MemoryEstimate
    seconds: float | None
    warnings: list[Warning]
    packing: bool
    checkpointing: bool
    precision: str
    estimated: bool
    resolved: Resolved
    shares: list[Share]


def plan(ws: Workspace, recipe: Recipe) -> Plan:
    """What `recipe` would do. Raises `RecipeError` at the field when a dataset or the model does not exist or cannot be used at all."""
    versions, model = versions_of(ws, recipe), model_of(ws, recipe)
    found = problems(recipe, versions, model) + recipe.method.problems(ws)
    if found:
        raise RecipeError(found)
    counted = count(ws, recipe, model)
    cut = counted.cut(recipe.data.max_length)
    resolved = resolve(recipe, model, cut.lengths, counted.held_out, counted.scale)
    return Plan(
        rows=counted.rows,
        held_out=counted.held_out,
        tokens=cut.tokens,
        trained_tokens=cut.trained_tokens,
        cut_rows=cut.cut_rows,
        untrained_rows=cut.untrained_rows,
        steps=resolved.steps,
        evaluations=resolved.evaluations,
        memory=resolved.memory,
        seconds=_seconds(ws, recipe, model, cut.tokens * resolved.epochs),
        warnings=warnings_of(Case(recipe, versions, model, counted, cut, resolved)),
        packing=resolved.packing,
        checkpointing=resolved.gradient_checkpointing,
        precision=resolved.precision,
        estimated=counted.estimated,
        resolved=resolved,
        shares=counted.shares,
    )


def _seconds(ws: Workspace, recipe: Recipe, model: ModelInfo, tokens: float) -> float | None:
    """The time that `tokens` take at the speed of the newest finished run of the same model, method and adaptation."""
    for run in store.list_runs(ws):
        speed = run.summary.get("tokens_per_second")
        alike = (run.values.get("model"), _kind(run.values, "method"), _kind(run.values, "adaptation"))
        if speed and alike == (model.name, recipe.method.kind, recipe.adaptation.kind):
            return tokens / float(speed)
    return None


def _kind(values: dict[str, object], union: str) -> object:
    chosen = values.get(union)
    return chosen.get("kind") if isinstance(chosen, dict) else None
