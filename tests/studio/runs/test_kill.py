"""A run whose process is killed goes on from its last whole checkpoint, to the same weights as if nothing had happened."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from studio.runs import checkpoints
from studio.runs.execute import execute
from studio.runs.folder import RunFolder

SECONDS = 120


@pytest.fixture(scope="module")
def processes() -> Any:
    """A context whose processes start with everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["studio.runs.execute", "trl", "studio.methods.supervised"])
    return context


def wait_for(condition: Callable[[], bool], process: BaseProcess) -> None:
    """Wait until `condition` holds or the process has ended."""
    end = time.monotonic() + SECONDS
    while not condition() and process.is_alive():
        assert time.monotonic() < end
        process.join(0.002)


def kill_when(condition: Callable[[], bool], folder: RunFolder, processes: Any) -> bool:
    """Execute the run in a process of its own and kill that when `condition` holds; says whether it was killed in time."""
    process = processes.Process(target=execute, args=(folder.path,))
    process.start()
    wait_for(condition, process)
    alive = process.is_alive()
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    return bool(alive)


def test_killed_three_times_a_run_ends_as_if_undisturbed(new_run: Callable[..., RunFolder], processes: Any) -> None:
    changes = {"optim__packing": "on", "optim__gradient_accumulation": 2, "optim__max_steps": 16, "adaptation__dropout": 0.2}
    changes["evaluation__every"] = 3
    whole, killed = new_run(**changes), new_run(**changes)
    assert execute(whole.path).state == "completed"
    conditions = [
        lambda: (killed.checkpoints_path / ".tmp-3").exists(),
        lambda: (killed.checkpoints_path / "checkpoint-6").exists(),
        lambda: (killed.checkpoints_path / ".tmp-12" / "optimizer.pt").exists(),
    ]
    assert sum(kill_when(condition, killed, processes) for condition in conditions) >= 2
    outcome = execute(killed.path)
    assert outcome.state == "completed", killed.read_log()
    left, right = (load_file(folder.model_path / "adapter_model.safetensors") for folder in (whole, killed))
    assert all(torch.equal(left[name], right[name]) for name in left)
    assert [path.name for path in killed.checkpoints_path.iterdir() if path.name.startswith(".")] == []
    assert all(checkpoints.why_incomplete(checkpoints.path_of(killed, step)) == "" for step in checkpoints.steps(killed))
    losses = [[(row["step"], row["loss"]) for row in folder.read_metrics()[0] if "loss" in row] for folder in (whole, killed)]
    assert losses[0] == losses[1]
    assert json.dumps(outcome.summary["best"]) == json.dumps(killed.status()["best"])
