"""The page and everything it shows at first come up without torch; the engine never knows the page."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIGHT = [
    "app",
    "app.main",
    "studio",
    "studio.session",
    "studio.recipe",
    "studio.fields",
    "studio.data.store",
    "studio.models.registry",
    "studio.runs.store",
    "studio.runs.folder",
    "studio.cli.main",
]


def run(code: str) -> str:
    """What a fresh interpreter prints for `code`."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("module", LIGHT)
def test_imports_without_torch(module: str) -> None:
    assert run(f"import sys, {module}; print('torch' in sys.modules)") == "False"


def test_the_engine_does_not_load_gradio() -> None:
    assert run("import sys, studio.session, studio.cli.main; print('gradio' in sys.modules)") == "False"
