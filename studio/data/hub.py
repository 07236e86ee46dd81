"""Datasets of the Hugging Face Hub, where a person has allowed the network.

The studio's process is offline and stays so: a child process fetches the rows and writes them down as JSONL, one file a split, and from
there they come in like any other file.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from threading import Event

from studio.data.formats import open_source
from studio.data.importing import Progress, bring_in, suggest_name
from studio.data.mapping import Mapping
from studio.data.similar import Stopped
from studio.data.splits import SplitSettings
from studio.data.writing import VersionInfo, check_name, temporary_folder
from studio.errors import DataError
from studio.network import OFFLINE, network_allowed
from studio.workspace import Workspace

POLL_SECONDS = 0.2
PROGRAM = """
import json, re, sys
from datasets import get_dataset_split_names, load_dataset
repo, config, wanted, folder, most = sys.argv[1:6]
for name in [wanted] if wanted else get_dataset_split_names(repo, config or None):
    rows = load_dataset(repo, config or None, split=name, streaming=True)
    with open(f"{folder}/{re.sub('[^A-Za-z0-9_]+', '-', name)}.jsonl", "w", encoding="utf-8") as out:
        for number, row in enumerate(rows):
            if int(most) and number >= int(most):
                break
            out.write(json.dumps(row, ensure_ascii=False, default=str) + "\\n")
"""
UNREACHABLE = ("ConnectError", "ConnectionError", "LocalEntryNotFoundError", "Timeout", "MaxRetryError", "OfflineModeIsEnabled")


def import_hub(
    ws: Workspace,
    repo_id: str,
    split: str = "",
    config: str = "",
    name: str | None = None,
    mapping: Mapping | None = None,
    divide: SplitSettings | None = SplitSettings(),
    max_rows: int = 0,
    progress: Progress | None = None,
    stop: Event | None = None,
) -> VersionInfo:
    """Import `owner/name` of the Hub: one of its splits, or all, which then stay as they are; `divide` says how a single one is divided.

    `config` names one of several tables, `max_rows` takes only the first of each split (0 takes all). Raises `DataError` when the network
    is not allowed or cannot be reached, or the dataset cannot be used.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+|[\w.-]+", repo_id):
        raise DataError(f"{repo_id!r} does not name a dataset of the Hub.", "Write it as owner/name.")
    called = check_name(name or suggest_name(repo_id.split("/")[-1] + ".jsonl"))
    if not network_allowed(ws):
        raise DataError(
            f"{repo_id} would be fetched from huggingface.co, and this workspace does not use the network.",
            "Allow the network for this workspace in the Models tab, or download the dataset's files yourself and import them.",
        )
    with temporary_folder(ws) as folder:
        fetch(repo_id, config, split, folder, max_rows, stop)
        files = sorted(path for path in folder.glob("*.jsonl") if path.stat().st_size)
        if not files:
            raise DataError(f"{repo_id} has no rows.", "Choose another split or configuration.")
        with ExitStack() as stack:
            sources = [stack.enter_context(open_source(path)) for path in files]
            return bring_in(ws, called, sources, [mapping] * len(sources), divide, f"{repo_id} of the Hugging Face Hub", progress, stop)


def fetch(repo_id: str, config: str, split: str, folder: Path, max_rows: int = 0, stop: Event | None = None) -> None:
    """Write the rows of a dataset into `folder`, one JSONL file a split. Raises `DataError` when that fails, `Stopped` when asked to."""
    environment = {key: value for key, value in os.environ.items() if key not in OFFLINE}
    environment["HF_HUB_DISABLE_TELEMETRY"] = "1"
    with (folder / "errors.txt").open("w+", encoding="utf-8", errors="replace") as told:
        child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, repo_id, config, split, str(folder), str(max_rows)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=told,
        )
        try:
            while child.poll() is None:
                if stop is not None and stop.wait(POLL_SECONDS):
                    raise Stopped
                if stop is None:
                    child.wait()
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        told.seek(0)
        if child.returncode:
            raise _failure(repo_id, told.read())


def _failure(repo_id: str, output: str) -> DataError:
    last = next((line for line in reversed(output.strip().splitlines()) if line.strip()), "no reason given")
    if any(word in output for word in ("GatedRepoError", "401 Client Error", "RepositoryNotFoundError", "DatasetNotFoundError")):
        return DataError(
            f"{repo_id} does not exist on huggingface.co, or needs an account.",
            "Check the spelling; for a dataset with conditions accept them on its page and set HF_TOKEN.",
        )
    if any(word in output for word in UNREACHABLE):
        return DataError(
            f"huggingface.co cannot be reached to fetch {repo_id}.", "Check the connection, or download its files and import them."
        )
    return DataError(f"{repo_id} could not be fetched: {last[:300]}.", "Check its split and configuration, or download its files.")
