"""The command line as a function."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.cli.main import main

Luthier = Callable[..., Any]


@pytest.fixture
def luthier(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Luthier:
    """Runs one command on a fresh workspace and gives its JSON, or its text when `text` is set."""

    def run(*arguments: str, text: bool = False) -> Any:
        words = ["--workspace", str(tmp_path / "ws"), *arguments]
        try:
            main(words if text else [*words, "--json"])
        except SystemExit as stop:
            code = stop.code
        captured = capsys.readouterr()
        if text:
            return code, captured.out, captured.err
        return code, json.loads(captured.out[captured.out.index(min("{[", key=lambda c: captured.out.find(c) % 10**9)) :])

    return run
