"""What a run leaves behind: the folder `model/` with weights, tokenizer, model card and lineage, made whole or not at all.

The weights are those of a checkpoint, byte for byte. Nothing here imports torch.
"""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.errors import CheckpointError
from studio.models.registry import ModelInfo, continues
from studio.recipe import Recipe
from studio.runs import checkpoints
from studio.runs.card import model_card
from studio.runs.folder import RunFolder
from studio.runs.rows import TrainingRows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from studio.runs.trainer import Progress

STATE_FILES = {"optimizer.pt", "scheduler.pt", "rng_state.pth", "scaler.pt", "trainer_state.json", "training_args.bin", "README.md"}
STATE_FILES |= {"policy.json", "value_head.safetensors"}
STATE_FILES |= {checkpoints.MANIFEST, checkpoints.STATE}
LIBRARIES = ("torch", "transformers", "trl", "peft")


def write_model(
    folder: RunFolder, recipe: Recipe, base: ModelInfo, tokenizer: PreTrainedTokenizerBase, rows: TrainingRows, progress: Progress
) -> Path:
    """Write `model/` from the best checkpoint, or the last, as the recipe says; raises `CheckpointError` when none is whole."""
    folder.write_status(state="saving", message="Writing the model")
    source = _source(folder, recipe, progress)
    step = int(source.name.rpartition("-")[2])
    aside = folder.path / ".model-aside"
    shutil.rmtree(aside, ignore_errors=True)
    try:
        shutil.copytree(source, aside, ignore=lambda _, names: [name for name in names if name in STATE_FILES])
        _name_base(aside, base, recipe, rows.labels)
        tokenizer.save_pretrained(str(aside))
        origin = lineage(folder, recipe, base, rows, progress, step)
        (aside / "lineage.json").write_text(json.dumps(origin, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (aside / "README.md").write_text(model_card(folder.name, recipe, base, origin), encoding="utf-8")
        for file in aside.rglob("*"):
            checkpoints.sync(file)
    except BaseException as error:
        shutil.rmtree(aside, ignore_errors=True)
        if checkpoints.is_disk_full(error):
            raise checkpoints.disk_full(folder) from None
        raise
    if folder.model_path.exists():
        shutil.rmtree(folder.model_path)
    aside.rename(folder.model_path)
    checkpoints.sync(folder.path)
    folder.log(f"The model has the weights of step {step}.")
    return folder.model_path


def lineage(folder: RunFolder, recipe: Recipe, base: ModelInfo, rows: TrainingRows, progress: Progress, step: int) -> dict[str, Any]:
    """Where the model comes from, as plain values: enough to make it again."""
    return {
        "run": folder.name,
        "base": {"name": base.name, "architecture": base.architecture, "sha256": base.sha256, "license": base.license},
        "datasets": [source.model_dump() for source in recipe.data.sources],
        "rows": {"train": len(rows.train), "held_out": len(rows.validation) if rows.validation is not None else 0},
        "labels": rows.labels,
        "step": step,
        "metrics": {"before": progress.baseline, "best": progress.best, "last": progress.last},
        "recipe": recipe.model_dump(mode="json"),
        "libraries": {name: version(name) for name in LIBRARIES},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _name_base(folder: Path, base: ModelInfo, recipe: Recipe, labels: list[str]) -> None:
    """Write the base's name into the configuration, where the libraries leave a path of this machine."""
    continued = continues(base, recipe.adaptation.model_dump(), recipe.method.task, labels)
    name = base.base if continued else base.name
    for file, key in (("adapter_config.json", "base_model_name_or_path"), ("config.json", "_name_or_path")):
        path = folder / file
        if path.exists():
            config = json.loads(path.read_text(encoding="utf-8"))
            if key in config:
                path.write_text(json.dumps({**config, key: name}, indent=2) + "\n", encoding="utf-8")


def _source(folder: RunFolder, recipe: Recipe, progress: Progress) -> Path:
    """The checkpoint to make the model of."""
    newest = checkpoints.newest_complete(folder)
    if newest is None:
        raise CheckpointError("The run has no whole checkpoint to make a model of.", "Resume it, so that it saves one.")
    if recipe.evaluation.keep == "last" or not progress.best:
        return newest
    best = checkpoints.path_of(folder, int(progress.best["step"]))
    if reason := checkpoints.why_incomplete(best):
        folder.log(f"The best checkpoint, of step {progress.best['step']}, cannot be used: {reason}. The model is the newest one instead.")
        return newest
    return best
