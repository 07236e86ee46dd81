"""The proof, for any method, that a run which is stopped and continued is bit for bit the run that was not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from studio.runs.callbacks import RunCallback
from studio.runs.execute import execute
from studio.runs.folder import RunFolder


def rows(folder: RunFolder, key: str) -> list[float]:
    """One figure of a run, in the order in which it was logged."""
    return [row[key] for row in folder.read_metrics()[0] if key in row]


def weights(folder: RunFolder) -> dict[str, torch.Tensor]:
    """The weights of a run's model, which stand in one file."""
    found = [*folder.model_path.rglob("*.safetensors")]
    assert len(found) == 1, found
    return load_file(found[0])


def same_when_stopped(
    new_run: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], at: int, figures: Sequence[str]
) -> None:
    """Train twice, once with a stop at step `at`; weights and these figures have to be equal."""
    whole, halved = new_run(**changes), new_run(**changes)
    assert execute(whole.path).state == "completed", whole.read_log()
    original, waiting = RunCallback.on_step_end, [halved]

    def on_step_end(self: RunCallback, args: Any, state: Any, control: Any, **rest: Any) -> None:
        if state.global_step == at and waiting:
            waiting.pop().request("stop")
        original(self, args, state, control, **rest)

    monkeypatch.setattr(RunCallback, "on_step_end", on_step_end)
    assert execute(halved.path).state == "stopped", halved.read_log()
    halved.request("run")
    assert execute(halved.path).state == "completed", halved.read_log()
    left, right = weights(whole), weights(halved)
    assert left.keys() == right.keys()
    assert all(torch.equal(left[name], right[name]) for name in left)
    for figure in figures:
        assert rows(whole, figure) == rows(halved, figure), figure
