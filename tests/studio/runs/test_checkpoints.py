"""A checkpoint is whole or not there, and every alteration is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.errors import CheckpointError
from studio.runs import checkpoints
from studio.runs.folder import RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run folder with the checkpoints of steps 10 and 20."""
    folder = RunFolder(tmp_path / "run")
    for step in (10, 20):
        save(folder, step)
    return folder


def save(folder: RunFolder, step: int) -> None:
    with checkpoints.writing(folder, step) as path:
        (path / "model.safetensors").write_bytes(bytes([step]) * 5000)
        (path / "optimizer.pt").write_bytes(b"state" * 100)


def test_the_newest_is_found(folder: RunFolder) -> None:
    assert checkpoints.newest_complete(folder) == checkpoints.path_of(folder, 20)
    assert checkpoints.steps(folder) == [10, 20]
    manifest = json.loads((checkpoints.path_of(folder, 20) / "manifest.json").read_text())
    assert manifest["files"]["model.safetensors"]["bytes"] == 5000


@pytest.mark.parametrize("change", ["flip", "cut", "missing", "extra", "manifest", "garbled"])
def test_every_change_is_found_and_the_one_before_is_used(folder: RunFolder, change: str) -> None:
    path = checkpoints.path_of(folder, 20)
    weights = path / "model.safetensors"
    if change == "flip":
        weights.write_bytes(b"\x14" * 2500 + b"\x15" + b"\x14" * 2499)
    elif change == "cut":
        weights.write_bytes(weights.read_bytes()[:-1])
    elif change == "missing":
        (path / "optimizer.pt").unlink()
    elif change == "extra":
        (path / "adapter_model.safetensors").write_bytes(b"?")
    elif change == "manifest":
        (path / "manifest.json").unlink()
    else:
        (path / "manifest.json").write_text("{")
    assert checkpoints.newest_complete(folder) == checkpoints.path_of(folder, 10)
    assert "step 20 cannot be used" in folder.read_log()


def test_an_unfinished_one_leaves_no_trace(folder: RunFolder) -> None:
    with pytest.raises(ZeroDivisionError), checkpoints.writing(folder, 30) as path:
        (path / "model.safetensors").write_bytes(b"half")
        raise ZeroDivisionError
    assert sorted(path.name for path in folder.checkpoints_path.iterdir()) == ["checkpoint-10", "checkpoint-20"]


def test_what_a_kill_left_is_cleaned_up(folder: RunFolder) -> None:
    for name in (".tmp-30", ".old-10"):
        (folder.checkpoints_path / name).mkdir()
        (folder.checkpoints_path / name / "model.safetensors").write_bytes(b"half")
    assert checkpoints.newest_complete(folder) == checkpoints.path_of(folder, 20)
    assert sorted(path.name for path in folder.checkpoints_path.iterdir()) == ["checkpoint-10", "checkpoint-20"]


def test_a_step_saved_again_replaces_the_old_one(folder: RunFolder) -> None:
    (checkpoints.path_of(folder, 20) / "optimizer.pt").write_bytes(b"altered")
    save(folder, 20)
    assert checkpoints.why_incomplete(checkpoints.path_of(folder, 20)) == ""


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("PytorchStreamWriter failed writing file data/3")])
def test_a_full_disk_is_told_in_words(folder: RunFolder, error: Exception) -> None:
    with pytest.raises(CheckpointError, match="full"), checkpoints.writing(folder, 30):
        raise error
    assert checkpoints.steps(folder) == [10, 20]


def test_rotation_keeps_the_newest_and_the_best(folder: RunFolder) -> None:
    for step in (30, 40, 50):
        save(folder, step)
    checkpoints.rotate(folder, 2, best=20)
    assert checkpoints.steps(folder) == [20, 40, 50]
    checkpoints.rotate(folder, 1, best=None)
    assert checkpoints.steps(folder) == [50]


def test_no_checkpoint_is_no_error(tmp_path: Path) -> None:
    assert checkpoints.newest_complete(RunFolder(tmp_path)) is None
