"""What all tests share: no network, one thread, a fresh workspace, and tiny models made on the spot."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

os.environ.update(
    HF_HUB_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    GRADIO_ANALYTICS_ENABLED="False",
    OMP_NUM_THREADS="1",
    TOKENIZERS_PARALLELISM="false",
)

import pytest

from studio.workspace import Workspace
from tests.tiny import make_model

LONGEST = ("test_session.py", "test_kill.py", "test_warm.py", "test_notebook.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files with the longest tests come first, so that no worker is left with one of them at the end."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Llama with a chat template."""
    return make_model(tmp_path_factory.mktemp("models") / "tiny-llama")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A fresh workspace."""
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def chat_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a JSONL file of `rows` conversations and gives its path."""

    def write(rows: int = 40, name: str = "chats.jsonl") -> Path:
        path = tmp_path / name
        lines = []
        for i in range(rows):
            question, answer = f"where is order {i}", f"thank you the order {i} is good"
            lines.append(json.dumps({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}))
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture
def label_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a CSV file of `rows` texts labelled good or bad and gives its path."""

    def write(rows: int = 60, name: str = "labels.csv") -> Path:
        path = tmp_path / name
        lines = ["text,label"]
        lines += [f"the film is great {i},good" if i % 2 else f"the film is awful {i},bad" for i in range(rows)]
        path.write_text("\n".join(lines) + "\n")
        return path

    return write
