"""Loading in the background, and telling slow work from quick work."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from app.warm import in_a_while
from studio.workspace import Workspace

LOADED = """
import sys, threading
from app import warm
import studio
assert "torch" not in sys.modules
warm.AFTER_SECONDS = 0
opened = studio.open(sys.argv[1])
libraries = warm.Warm(opened)
libraries.ready()
libraries.begin()
libraries.begin()
assert libraries._done.wait(120)
libraries.ready()
assert not libraries.loading and "torch" in sys.modules and "peft" in sys.modules
opened.close()
print("loaded")
"""


def test_quick_work_is_not_announced_and_slow_work_is() -> None:
    assert [future.done() for future in in_a_while(lambda: 1)] == [True]
    go = threading.Event()
    seen = []
    for future in in_a_while(go.wait):
        seen.append(future.done())
        go.set()
    assert seen == [False, True]


def test_errors_come_out_at_the_end() -> None:
    (future,) = in_a_while(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        future.result()


def test_the_libraries_are_loaded_once_on_the_workers_thread(workspace: Workspace) -> None:
    done = subprocess.run([sys.executable, "-c", LOADED, str(workspace.root)], capture_output=True, text=True, timeout=240)
    assert done.stdout.strip() == "loaded", done.stderr
