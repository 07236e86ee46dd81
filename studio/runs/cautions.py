"""What is likely to go wrong with a run, each with a remedy that one click applies.

Each check is a function that yields warnings; to add one, write it and put its name in `CHECKS`. What makes a run impossible is not a
warning: see `studio/runs/check.py`.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from studio.data.store import VersionInfo
from studio.fields import changed, key_of, specs
from studio.methods import methods
from studio.models.adaptations import LoRA
from studio.models.registry import ModelInfo
from studio.optim import Optim
from studio.recipe import Recipe
from studio.runs.check import longest_row, unsuitable
from studio.runs.counting import Counted, Cut
from studio.runs.resolve import Resolved, may_pack, memory_needed

CUT_SHARE = 0.05
MANY_EPOCHS, FEW_ROWS = 10, 500
RATES = {
    "full": (1e-6, 1e-3, 5e-5),
    "last_layers": (1e-6, 1e-3, 5e-5),
    "head": (1e-5, 1e-1, 1e-3),
    "lora": (1e-5, 5e-3, 2e-4),
    "rslora": (1e-5, 5e-3, 1e-4),
    "dora": (1e-5, 5e-3, 2e-4),
    "qlora": (1e-5, 5e-3, 2e-4),
    "ia3": (1e-3, 1e-1, 5e-3),
    "prompt_tuning": (1e-3, 1.0, 3e-2),
}
"""Lowest and highest usual learning rate of each adaptation, and a good first one."""


@dataclass(frozen=True)
class Warning:
    """What may go wrong, as a sentence; `label` names the remedy and `changes` are the fields that it sets, by dotted path. Both are empty
    where no change of the recipe helps."""

    text: str
    label: str = ""
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """All that a check may look at."""

    recipe: Recipe
    versions: list[VersionInfo]
    model: ModelInfo
    counted: Counted
    cut: Cut
    resolved: Resolved


def warnings_of(case: Case) -> list[Warning]:
    """The warnings of a run before its start, the gravest first."""
    return [warning for check in CHECKS for warning in check(case)]


def _kind(case: Case) -> Iterator[Warning]:
    for problem in unsuitable(case.recipe, case.versions)[:1]:
        fitting = next((method for method in methods() if case.counted.kind in method.row_kinds), None)
        text = f"{problem.message[0].upper()}{problem.message[1:]}."
        if fitting is None:
            yield Warning(text)
            continue
        changes = {"method.kind": fitting.model_fields["kind"].default}
        adaptation = case.recipe.adaptation
        if not (adaptation.generator if fitting.task == "causal" else adaptation.classifier):
            changes["adaptation.kind"] = "lora"
        yield Warning(text, f"Use {fitting.title.lower()}", changes)


def _quantised(case: Case) -> Iterator[Warning]:
    if case.recipe.adaptation.four_bit and importlib.util.find_spec("bitsandbytes") is None:
        text = "QLoRA needs the library bitsandbytes, which is not installed here (luthier[qlora])."
        yield Warning(text, "Use LoRA", {"adaptation.kind": "lora"})


def _memory(case: Case) -> Iterator[Warning]:
    needed = case.resolved.memory
    if needed.fits:
        return
    text = f"It needs about {_size(needed.total)} of memory and {_size(needed.available)} are free."
    remedies = list(_smaller(case))
    if not remedies:
        yield Warning(f"{text} No change of the settings makes it fit; choose a smaller model.")
    for label, changes in remedies:
        yield Warning(text, label, changes)
        text = "Another way to fit into memory."


def _smaller(case: Case) -> Iterator[tuple[str, dict[str, Any]]]:
    """Changes that make the run fit, the least harmful first."""
    recipe, optim = case.recipe, case.recipe.optim
    if optim.gradient_checkpointing == "off" and _fits(case, optim={"gradient_checkpointing": "on"}):
        yield "Switch on gradient checkpointing", {"optim.gradient_checkpointing": "auto"}
    batch = optim.per_device_batch_size
    while batch > 1:
        batch //= 2
        if _fits(case, optim={"per_device_batch_size": batch, "gradient_checkpointing": "on"}):
            accumulation = math.ceil(optim.per_device_batch_size * optim.gradient_accumulation / batch)
            changes: dict[str, Any] = {"optim.per_device_batch_size": batch, "optim.gradient_accumulation": accumulation}
            yield f"Batch of {batch}, {accumulation} added up", changes
            break
    if not recipe.adaptation.peft and _fits(case, adaptation=LoRA(), optim={"gradient_checkpointing": "on"}):
        yield "Use LoRA", {"adaptation.kind": "lora", "optim.learning_rate": RATES["lora"][2]}
    length = recipe.data.max_length // 2
    if length >= 64 and _fits(case, length=length, optim={"gradient_checkpointing": "on"}):
        yield f"Rows of {length} tokens", {"data.max_length": length}


def _fits(case: Case, adaptation: Any = None, optim: dict[str, Any] | None = None, length: int | None = None) -> bool:
    settings: Optim = case.recipe.optim.model_copy(update={"precision": case.resolved.precision, **(optim or {})})
    rows = min(length or case.recipe.data.max_length, max(case.cut.lengths, default=1))
    return memory_needed(case.recipe, case.model, settings, rows, case.resolved.machine, adaptation).fits


def _cut_rows(case: Case) -> Iterator[Warning]:
    rows, cut = case.counted.rows, case.cut.cut_rows
    if rows == 0 or cut / rows <= CUT_SHARE:
        return
    text = f"{cut:,} of {rows:,} rows are longer than {case.recipe.data.max_length:,} tokens and lose {case.recipe.method.encoder.loses}."
    length = _longer(case)
    if length is None:
        yield Warning(f"{text} The model reads no more at once; split these rows, or choose a model with a longer context.")
    else:
        yield Warning(text, f"Rows of {length:,} tokens", {"data.max_length": length})


def _longer(case: Case) -> int | None:
    """A `max_length` that cuts no row, or as few as the model's context allows; `None` when it is there already."""
    wanted = math.ceil(case.counted.longest / 64) * 64
    limit = longest_row(case.recipe, case.model)
    length = wanted if limit is None else min(wanted, limit)
    return length if length > case.recipe.data.max_length else None


def _untrained(case: Case) -> Iterator[Warning]:
    untrained = case.cut.untrained_rows
    if not untrained:
        return
    text = f"{untrained:,} of {case.counted.rows:,} rows have nothing to train on and are left out."
    length = _longer(case)
    if length is not None and case.counted.cut(length).untrained_rows < untrained:
        yield Warning(f"{text} The cut removes their answers.", f"Rows of {length:,} tokens", {"data.max_length": length})
    elif getattr(case.recipe.method, "train_on", "everything") != "everything":
        yield Warning(f"{text} They hold no answer of the assistant.", "Train on everything", {"method.train_on": "everything"})
    else:
        yield Warning(text)


def _labels(case: Case) -> Iterator[Warning]:
    if case.counted.kind == "labelled" and len(case.counted.labels) < 2:
        yield Warning("All rows have the same label, so there is nothing to tell apart. Add rows with other labels.")


def _held_out(case: Case) -> Iterator[Warning]:
    if case.counted.held_out:
        return
    text = "No rows are held out, so nothing shows whether the model learns or only remembers."
    if case.recipe.data.holdout == 0 and case.counted.rows > 1:
        yield Warning(text, "Hold out a tenth", {"data.holdout": 0.1})
    else:
        yield Warning(f"{text} Add more rows.")


def _compared(case: Case) -> Iterator[Warning]:
    if left_out := case.counted.left_out:
        rows = "1 row has a prompt that is" if left_out == 1 else f"{left_out:,} rows have prompts that are"
        yield Warning(f"{rows} held out for comparing models; what asks them is never trained on.")


def _learning_rate(case: Case) -> Iterator[Warning]:
    adaptation, rate = case.recipe.adaptation, case.recipe.optim.learning_rate
    low, high, usual = RATES[adaptation.kind]
    low, usual = low * case.recipe.method.usual_rate, usual * case.recipe.method.usual_rate
    if low <= rate <= high:
        return
    word, risk = ("high", "the training may diverge") if rate > high else ("low", "the model may hardly change")
    text = f"A learning rate of {rate:g} is unusually {word} for {adaptation.title}: {risk}."
    yield Warning(text, f"Use {usual:g}", {"optim.learning_rate": usual})


def _epochs(case: Case) -> Iterator[Warning]:
    epochs, rows = case.resolved.epochs, case.counted.rows
    if epochs > MANY_EPOCHS and rows < FEW_ROWS:
        text = f"{rows:,} rows seen {epochs:.0f} times are learned by heart rather than understood."
        yield Warning(text, "Three epochs", {"optim.epochs": 3.0, "optim.max_steps": None})


def _precision(case: Case) -> Iterator[Warning]:
    if case.resolved.device == "cpu" and case.recipe.optim.precision == "float16":
        yield Warning("A CPU does not train in float16; nothing is gained.", "Choose by device", {"optim.precision": "auto"})


def _packing(case: Case) -> Iterator[Warning]:
    if case.recipe.optim.packing == "on" and not may_pack(case.recipe, case.model):
        text = f"{case.model.name} would mix the rows of a packed sequence, so rows are not packed."
        yield Warning(text, "Choose by model", {"optim.packing": "auto"})


def _unheeded(case: Case) -> Iterator[Warning]:
    """Settings that a person has changed and that this method does not heed."""
    method, different = case.recipe.method, changed(case.recipe)
    chosen = {spec.path: spec for spec in specs() if spec.key == key_of(spec.path, method.kind, case.recipe.adaptation.kind)}
    for path in method.unheeded:
        if path in different and reduce(getattr, path.split("."), case.recipe):  # what is switched off anyway needs no word
            text = f"{chosen[path].title} has no effect with {method.title.lower()}."
            yield Warning(text, "Set it back", {path: chosen[path].default})


CHECKS: tuple[Callable[[Case], Iterator[Warning]], ...] = (
    _kind,
    _quantised,
    _memory,
    _untrained,
    _cut_rows,
    _labels,
    _held_out,
    _compared,
    _learning_rate,
    _epochs,
    _precision,
    _packing,
    _unheeded,
)


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GB" if count >= 2**30 else f"{count / 2**20:.0f} MB"
