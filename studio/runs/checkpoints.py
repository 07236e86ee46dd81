"""Checkpoints that are whole or not there: written aside, flushed to disk, listed with hashes in a manifest, then renamed.

A kill at any moment leaves the earlier checkpoints as they were; a flipped bit or a missing file is found by the manifest before
anything is loaded. What a checkpoint contains is the trainer's business (`studio/runs/trainer.py`); nothing here imports torch.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studio.errors import CheckpointError
from studio.models.checkpoints import MANIFEST, checkpoint_folder, checkpoint_steps
from studio.runs.folder import RunFolder

STATE = "studio.json"
_ASIDE = re.compile(r"^\.(tmp|old)-\d+$")


def path_of(folder: RunFolder, step: int) -> Path:
    """Where the checkpoint of a step is, or would be."""
    return checkpoint_folder(folder.checkpoints_path, step)


def steps(folder: RunFolder) -> list[int]:
    """The steps that have a checkpoint, oldest first; whether it is whole is another question."""
    return checkpoint_steps(folder.checkpoints_path)


@contextmanager
def writing(folder: RunFolder, step: int) -> Iterator[Path]:
    """A folder to write the checkpoint of `step` into; it becomes the checkpoint when the block ends well, and goes when it does not.

    Raises `CheckpointError` when the disk is full.
    """
    folder.checkpoints_path.mkdir(parents=True, exist_ok=True)
    aside = folder.checkpoints_path / f".tmp-{step}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        yield aside
        seal(aside)
        _put(aside, path_of(folder, step))
    except BaseException as error:
        shutil.rmtree(aside, ignore_errors=True)
        if is_disk_full(error):
            raise disk_full(folder) from None
        raise


def seal(path: Path) -> None:
    """Flush every file of `path` to disk and write the manifest that names them with size and SHA-256."""
    files = {}
    for file in sorted(p for p in path.rglob("*") if p.is_file() and p.name != MANIFEST):
        sync(file)
        files[str(file.relative_to(path))] = {"bytes": file.stat().st_size, "sha256": _digest(file)}
    manifest = path / MANIFEST
    manifest.write_text(json.dumps({"files": files}, indent=1), encoding="utf-8")
    sync(manifest)
    sync(path)


def why_incomplete(path: Path) -> str:
    """What is wrong with a checkpoint, or nothing when every file is there as it was written."""
    try:
        files = json.loads((path / MANIFEST).read_text(encoding="utf-8"))["files"]
    except FileNotFoundError:
        return "it has no manifest"
    except (ValueError, KeyError, TypeError):
        return "its manifest cannot be read"
    present = {str(p.relative_to(path)) for p in path.rglob("*") if p.is_file()} - {MANIFEST}
    if missing := sorted(set(files) - present):
        return f"{missing[0]} is missing"
    if extra := sorted(present - set(files)):
        return f"{extra[0]} does not belong to it"
    for name, expected in files.items():
        file = path / name
        if file.stat().st_size != expected["bytes"] or _digest(file) != expected["sha256"]:
            return f"{name} was altered"
    return ""


def newest_complete(folder: RunFolder) -> Path | None:
    """The newest checkpoint whose every file is as it was written; says in the run's log why a newer one is passed over."""
    clean(folder)
    for step in reversed(steps(folder)):
        path = path_of(folder, step)
        reason = why_incomplete(path)
        if not reason:
            return path
        folder.log(f"The checkpoint of step {step} cannot be used: {reason}. The one before it is tried.")
    return None


def clean(folder: RunFolder) -> None:
    """Remove what a killed process left half written."""
    if folder.checkpoints_path.is_dir():
        for path in folder.checkpoints_path.iterdir():
            if _ASIDE.match(path.name):
                shutil.rmtree(path)


def rotate(folder: RunFolder, keep: int, best: int | None) -> None:
    """Keep the newest `keep` checkpoints and that of step `best`; remove the others."""
    for step in steps(folder)[:-keep]:
        if step != best:
            # renamed first, so that a kill in mid-removal leaves no torn checkpoint under a good name
            gone = folder.checkpoints_path / f".old-{step}"
            path_of(folder, step).rename(gone)
            shutil.rmtree(gone)


def is_disk_full(error: BaseException) -> bool:
    """Whether this error means that no space is left, in the words of Python, torch or safetensors."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    text = str(error).lower()
    return any(sign in text for sign in ("no space left", "disk quota", "os error 28", "pytorchstreamwriter failed"))


def disk_full(folder: RunFolder) -> CheckpointError:
    """The error for a full disk."""
    return CheckpointError(
        f"The disk that holds {folder.path} is full, so the run could not be saved.",
        "Free some space (deleted runs, old checkpoints), then resume the run: it goes on from its last whole checkpoint.",
    )


def sync(path: Path) -> None:
    """Flush a file or a folder to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _put(aside: Path, final: Path) -> None:
    if final.exists():
        old = final.with_name(f".old-{final.name.rpartition('-')[2]}")
        shutil.rmtree(old, ignore_errors=True)
        final.rename(old)
        aside.rename(final)
        sync(final.parent)
        shutil.rmtree(old)
    else:
        aside.rename(final)
        sync(final.parent)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
