"""Supervised fine-tuning trains what TRL's own trainer trains, and its held-out loss does not depend on how rows are batched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from studio.device import lease
from studio.runs.execute import execute, prepare, training_arguments
from studio.runs.folder import RunFolder
from studio.workspace import Workspace
from tests.studio.runs.conftest import new_run, studio_ws

__all__ = ["new_run", "studio_ws"]

New = Callable[..., RunFolder]


class Losses(TrainerCallback):
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        self.found += [logs["loss"]] if "loss" in logs else []


def losses(folder: RunFolder, key: str = "loss") -> list[float]:
    return [row[key] for row in folder.read_metrics()[0] if key in row]


@pytest.mark.parametrize("packing", ["on", "off"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_losses_are_those_of_trl(new_run: New, workspace: Workspace, packing: str, smoothing: float) -> None:
    changes = {"optim__packing": packing, "optim__gradient_accumulation": 2, "adaptation__dropout": 0.0}
    changes["optim__label_smoothing"] = smoothing
    folder, bare = new_run(**changes), new_run(**changes)
    execute(folder.path)
    with lease.hold("bare"):
        run = prepare(workspace, bare, bare.recipe())
        kept = Losses()
        length = run.resolved.sequence_length if run.resolved.packing else None
        arguments = training_arguments(run) | {"eval_strategy": "no", "eval_on_start": False, "save_strategy": "no"}
        config = SFTConfig(**arguments, packing=run.resolved.packing, max_length=length, label_smoothing_factor=smoothing)
        trainer = SFTTrainer(model=run.model, args=config, train_dataset=run.tokens.train, processing_class=run.tokenizer, callbacks=[kept])
        trainer.train()
    assert kept.found == pytest.approx(losses(folder), abs=1e-5)


def test_the_held_out_loss_does_not_depend_on_batches_or_packing(new_run: New) -> None:
    found = []
    for packing, size in (("off", 1), ("off", 3), ("on", 4)):
        folder = new_run(optim__packing=packing, optim__per_device_batch_size=size, optim__max_steps=1, evaluation__samples=0)
        execute(folder.path)
        found.append((losses(folder, "eval_loss")[0], losses(folder, "eval_token_accuracy")[0]))
    assert found[1] == pytest.approx(found[0], abs=1e-6)
    assert found[2] == pytest.approx(found[0], abs=1e-6)


def test_training_on_everything_trains_the_prompts_too(new_run: New) -> None:
    answers, everything = new_run(optim__max_steps=1), new_run(optim__max_steps=1, method__train_on="everything")
    execute(answers.path)
    execute(everything.path)
    assert losses(answers, "tokens") == losses(everything, "tokens")
    assert losses(answers)[0] != losses(everything)[0]
