"""Fetching a model from the Hugging Face Hub, in a process of its own.

The studio's process is offline: the Hub's library reads that once, when it is imported. Lifting it here would open the network for whatever
else runs beside, so the download runs in a child whose environment allows it, and nothing else does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from studio.errors import ModelError
from studio.network import OFFLINE

PATTERNS = [
    "*.safetensors",
    "*.safetensors.index.json",
    "*.json",
    "tokenizer*",
    "*.model",
    "vocab.txt",
    "merges.txt",
    "*.jinja",
    "README.md",
    "LICENSE*",
]
PROGRAM = """
import sys
from huggingface_hub import snapshot_download
snapshot_download(sys.argv[1], local_dir=sys.argv[2], allow_patterns=sys.argv[3].split("|"))
"""


def download(repo_id: str, target: Path) -> Path:
    """Download `owner/name` into `target`; a broken download continues when asked for again. Raises `ModelError` when it fails."""
    environment = {key: value for key, value in os.environ.items() if key not in OFFLINE}
    environment["HF_HUB_DISABLE_TELEMETRY"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, repo_id, str(target), "|".join(PATTERNS)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return target
    if target.is_dir() and not any(target.rglob("*.incomplete")) and not any(target.glob("*.safetensors")):
        shutil.rmtree(target)
    raise _failure(repo_id, done.stderr)


def _failure(repo_id: str, output: str) -> ModelError:
    last = next((line for line in reversed(output.strip().splitlines()) if line.strip()), "no reason given")
    if "GatedRepoError" in output or "401 Client Error" in output or "RepositoryNotFoundError" in output:
        return ModelError(
            f"{repo_id} does not exist on huggingface.co, or needs an account.",
            "Check the spelling; for a model with conditions accept them on its page and set HF_TOKEN.",
        )
    if any(word in output for word in ("ConnectError", "ConnectionError", "LocalEntryNotFoundError", "Timeout", "MaxRetryError")):
        return ModelError(
            f"huggingface.co cannot be reached to download {repo_id}.",
            "Check the connection and try again; a broken download continues. Or copy the model's folder here and add that.",
        )
    if "No space left" in output:
        return ModelError(
            f"The disk is full; {repo_id} was not downloaded completely.", "Free some space and try again; the download continues."
        )
    return ModelError(f"{repo_id} could not be downloaded: {last[:300]}.", "Try again, or copy the model's folder here and add that.")
