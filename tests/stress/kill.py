"""Kills a training run at random moments, and shows that nothing is lost: `python -m tests.stress.kill --kills 20`.

Each trial starts the same recipe in a process of its own and kills it with SIGKILL at a random moment (saves are frequent, so many kills
fall into one). It then opens the workspace again, checks that the run came back as interrupted, continues it, and compares its weights
with those of an undisturbed run, byte for byte.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from studio.fields import to_yaml
from studio.models.registry import add_local
from studio.recipe import Recipe, parse
from studio.runs.checkpoints import newest_complete
from studio.runs.folder import RunFolder
from studio.runs.store import get_run, recover
from studio.session import Studio
from tests.tiny import make_model

LUTHIER = str(Path(sys.executable).with_name("luthier"))
QUIET = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def recipe(steps: int) -> Recipe:
    """A short run with dropout, shuffling and accumulation, that saves at every second step."""
    return parse(
        {
            "name": "victim",
            "model": "tiny",
            "data": {"sources": [{"name": "chats"}], "max_length": 64},
            "adaptation": {"kind": "lora", "rank": 4, "dropout": 0.1},
            "optim": {"max_steps": steps, "per_device_batch_size": 2, "gradient_accumulation": 2, "learning_rate": 0.003},
            "evaluation": {"every": 4, "save_every": 2, "samples": 1, "sample_tokens": 8, "keep": "last"},
        }
    )


def prepare(root: Path, steps: int) -> Path:
    """A workspace with a tiny model and a small dataset; gives the recipe's file."""
    studio = Studio(root / "workspace")
    add_local(studio.workspace, make_model(root / "tiny"), "tiny")
    rows = [
        {"messages": [{"role": "user", "content": f"where is order {i}"}, {"role": "assistant", "content": f"the order {i} is good"}]}
        for i in range(60)
    ]
    file = root / "chats.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    studio.import_data(file, "chats")
    path = root / "recipe.yaml"
    path.write_text(to_yaml(recipe(steps)))
    return path


def luthier(root: Path, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [LUTHIER, "--workspace", str(root / "workspace"), *words], env=QUIET, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def weights(folder: Path) -> str:
    """The hash of the weights that a run left."""
    digest = hashlib.sha256()
    for file in sorted((folder / "model").glob("*.safetensors")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def newest_run(root: Path) -> str:
    return max(Studio(root / "workspace").runs(), key=lambda run: run.id).name


def reached(folder: RunFolder) -> int:
    """The last step that the run's metrics tell of."""
    rows = folder.read_metrics()[0] if folder.metrics_path.exists() else []
    return max((row["step"] for row in rows), default=0)


def trial(root: Path, file: Path, number: int, step: int, delay: float, expected: str) -> str:
    """One kill `delay` seconds after `step` was told; a line that says what happened. Raises `AssertionError` if anything was lost."""
    before = {run.name for run in Studio(root / "workspace").runs()}
    process = luthier(root, "train", str(file))
    while not (new := {run.name for run in Studio(root / "workspace").runs()} - before):
        time.sleep(0.05)
    name = new.pop()
    folder = root / "workspace" / "runs" / name
    while reached(RunFolder(folder)) < step and process.poll() is None:
        time.sleep(0.01)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()
    torn = len(list((folder / "checkpoints").glob(".tmp-*")))
    workspace = Studio(root / "workspace").workspace
    recover(workspace)
    state = get_run(workspace, name).state
    checkpoint = newest_complete(RunFolder(folder))
    if state == "completed":
        assert weights(folder) == expected, f"trial {number}: completed before the kill, with other weights"
        return f"{number:3d}  killed {delay:.2f} s after step {step} was told: already completed; weights equal"
    assert state == "interrupted", f"trial {number}: {name} came back as {state}"
    assert luthier(root, "runs", "resume", name).wait() == 0, f"trial {number}: {name} did not resume"
    assert get_run(workspace, name).state == "completed"
    assert weights(folder) == expected, f"trial {number}: {name} ended with other weights"
    from_step = checkpoint.name if checkpoint else "the start"
    killed = f"{number:3d}  killed {delay:.2f} s after step {step} was told"
    return f"{killed}: interrupted, {torn} torn save(s), resumed from {from_step}; weights equal"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random.seed(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        file = prepare(root, options.steps)
        assert luthier(root, "train", str(file)).wait() == 0
        undisturbed = newest_run(root)
        run = get_run(Studio(root / "workspace").workspace, undisturbed)
        expected = weights(run.folder.path)
        rows, _ = run.folder.read_metrics()
        seconds = rows[-1]["time"] - rows[0]["time"]
        print(f"undisturbed: {options.steps} steps in {seconds:.1f} s, weights {expected[:12]}", flush=True)
        for number in range(1, options.kills + 1):
            step, delay = random.randrange(options.steps - 1), random.uniform(0, 2 * seconds / options.steps)
            print(trial(root, file, number, step, delay, expected), flush=True)
    print(f"{options.kills} kills: nothing lost")


if __name__ == "__main__":
    main()
