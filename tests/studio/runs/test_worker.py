"""The queue is worked in order, by one process, whatever crashes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from studio.data.store import add_version
from studio.errors import BusyError, DataError
from studio.models.registry import add_local, get_model
from studio.recipe import Recipe, parse
from studio.runs import store
from studio.runs import worker as workers
from studio.runs.folder import RunFolder
from studio.runs.worker import Worker
from studio.workspace import Workspace

CHAT = [{"messages": [{"role": "user", "content": f"where is {i}"}, {"role": "assistant", "content": "here"}]} for i in range(8)]


@dataclass
class Ended:
    """What a training gives back."""

    state: str = "completed"
    message: str = "Done."
    summary: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def ws(workspace: Workspace, tiny_model: Path) -> Workspace:
    add_local(workspace, tiny_model, "tiny")
    add_version(workspace, "chats", "chat", {"train": CHAT}, {"kind": "test"})
    return workspace


@pytest.fixture
def make_worker(ws: Workspace) -> Iterator[Callable[..., Worker]]:
    """Makes workers and shuts them down at the end."""
    made: list[Worker] = []

    def make(execute: Callable[[Path], Any]) -> Worker:
        made.append(Worker(ws, execute))
        return made[-1]

    yield make
    for worker in made:
        worker.shutdown(timeout=20)


def a_recipe(**changes: object) -> Recipe:
    return parse({"name": "bot", "model": "tiny", "data": {"sources": [{"name": "chats"}], "max_length": 64}, **changes})


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until `condition` holds."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        pause.wait(0.02)


def until_stopped(folder: Path) -> Ended:
    """A training that goes on until it is asked to stop."""
    until(lambda: RunFolder(folder).wanted() == "stop")
    return Ended("stopped", "Stopped at step 3.", {"step": 3})


def state(ws: Workspace, name: str) -> str:
    return store.get_run(ws, name).state


def test_runs_are_trained_in_order_and_their_end_is_written(ws: Workspace, make_worker: Callable[..., Worker]) -> None:
    seen: list[str] = []

    def execute(folder: Path) -> Ended:
        seen.append(folder.name)
        assert state(ws, folder.name) == "running"
        return Ended(summary={"loss": 1.5})

    names = [store.create_run(ws, a_recipe()).name for _ in range(3)]
    store.move_run(ws, names[2], 1)
    make_worker(execute).start()
    until(lambda: all(state(ws, name) == "completed" for name in names))
    assert seen == [names[2], names[0], names[1]]
    run = store.get_run(ws, names[0])
    assert (run.message, run.summary, run.position) == ("Done.", {"loss": 1.5}, 0)
    assert run.started_at is not None
    assert run.ended_at is not None


def test_a_queued_run_starts_at_once(ws: Workspace, make_worker: Callable[..., Worker]) -> None:
    started = threading.Event()

    def execute(folder: Path) -> Ended:
        started.set()
        return Ended()

    worker = make_worker(execute)
    worker.start()
    until(lambda: worker.active)
    store.create_run(ws, a_recipe())
    assert started.wait(10)


def test_a_crash_fails_the_run_and_the_next_one_trains(ws: Workspace, make_worker: Callable[..., Worker]) -> None:
    def execute(folder: Path) -> Ended:
        if folder.name == "bot-1":
            raise ZeroDivisionError("a wheel came off")
        if folder.name == "bot-2":
            raise DataError("No row is left.", "Add rows.")
        return Ended()

    for _ in range(3):
        store.create_run(ws, a_recipe())
    make_worker(execute).start()
    until(lambda: state(ws, "bot-3") == "completed")
    first, second = store.get_run(ws, "bot-1"), store.get_run(ws, "bot-2")
    assert (first.state, second.state) == ("failed", "failed")
    assert "a wheel came off" in first.message
    assert "Traceback" in first.folder.read_log()
    assert second.message == "No row is left. Add rows."
    assert first.folder.status()["state"] == "failed"


def test_shutdown_stops_and_saves_the_running_run(ws: Workspace, make_worker: Callable[..., Worker]) -> None:
    first, second = store.create_run(ws, a_recipe()), store.create_run(ws, a_recipe())
    worker = make_worker(until_stopped)
    worker.start()
    until(lambda: worker.current is not None)
    assert worker.shutdown(timeout=20)
    assert (state(ws, first.name), state(ws, second.name)) == ("stopped", "queued")
    assert store.get_run(ws, first.name).summary == {"step": 3}
    assert not worker.active


def test_the_model_is_registered_and_a_continued_run_keeps_its_row(
    ws: Workspace, make_worker: Callable[..., Worker], tiny_model: Path
) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    turns: list[str] = []

    def execute(folder: Path) -> Ended:
        torch.manual_seed(len(turns))
        model = get_peft_model(
            AutoModelForCausalLM.from_pretrained(tiny_model), LoraConfig(r=2, init_lora_weights=False, target_modules=["q_proj"])
        )
        model.save_pretrained(folder / "model")
        turns.append(folder.name)
        return Ended("stopped" if len(turns) == 1 else "completed")

    run = store.create_run(ws, a_recipe())
    worker = make_worker(execute)
    ended = worker.run_next()
    assert ended is not None
    assert (ended.state, ended.model) == ("stopped", "bot-1")
    first = get_model(ws, "bot-1")
    assert (first.kind, first.base, first.run) == ("adapter", "tiny", run.name)
    store.resume_run(ws, run.name)
    assert worker.run_next().state == "completed"  # type: ignore[union-attr]
    second = get_model(ws, "bot-1")
    assert second.id == first.id
    assert second.sha256 != first.sha256
    assert worker.run_next() is None


def test_a_second_worker_waits_and_takes_over(ws: Workspace, make_worker: Callable[..., Worker]) -> None:
    first, second = make_worker(lambda folder: Ended(message="first")), make_worker(lambda folder: Ended(message="second"))
    first.start()
    until(lambda: first.active)
    second.start()
    with pytest.raises(BusyError, match="Another Luthier process"):
        second.run_next()
    name = store.create_run(ws, a_recipe()).name
    until(lambda: state(ws, name) == "completed")
    assert store.get_run(ws, name).message == "first"
    first.shutdown()
    name = store.create_run(ws, a_recipe()).name
    until(lambda: state(ws, name) == "completed")
    assert store.get_run(ws, name).message == "second"


def test_a_measurement_runs_on_the_thread_and_is_refused_while_a_run_trains(
    ws: Workspace, make_worker: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_measure", lambda ws, recipe: threading.current_thread().name)
    worker = make_worker(until_stopped)
    assert worker.measure(a_recipe(), timeout=30) == "luthier-worker"
    name = store.create_run(ws, a_recipe()).name
    until(lambda: state(ws, name) == "running")
    with pytest.raises(BusyError, match=name):
        worker.measure(a_recipe())
    store.stop_run(ws, name)
    until(lambda: state(ws, name) == "stopped")

    def fail(ws: Workspace, recipe: Recipe) -> None:
        raise DataError("No row is left.")

    monkeypatch.setattr(workers, "_measure", fail)
    with pytest.raises(DataError, match="No row"):
        worker.measure(a_recipe(), timeout=30)


PROCESS = """
    import os, sys, time
    from pathlib import Path
    from types import SimpleNamespace
    from studio.runs import store
    from studio.runs.worker import Worker
    from studio.workspace import Workspace

    ws, mode = Workspace(sys.argv[1]), sys.argv[2]

    def execute(folder):
        with (ws.root / "trained.txt").open("a") as file:
            file.write(f"{folder.name} {os.getpid()}\\n")
        while mode == "hang":
            time.sleep(0.1)
        return SimpleNamespace(state="completed", message="", summary={})

    worker = Worker(ws, execute)
    worker.start()
    while any(not run.finished for run in store.list_runs(ws)):
        time.sleep(0.05)
    worker.shutdown()
"""


def a_process(ws: Workspace, mode: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(PROCESS), str(ws.root), mode])


def test_two_processes_never_train_a_run_twice(ws: Workspace) -> None:
    names = [store.create_run(ws, a_recipe()).name for _ in range(12)]
    processes = [a_process(ws, "quick") for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    trained = [line.split()[0] for line in (ws.root / "trained.txt").read_text().splitlines()]
    assert trained == names


def test_after_a_kill_the_run_is_interrupted_the_queue_kept_and_the_run_continues(
    ws: Workspace, make_worker: Callable[..., Worker]
) -> None:
    first, second, third = (store.create_run(ws, a_recipe()).name for _ in range(3))
    process = a_process(ws, "hang")
    until(lambda: (ws.root / "trained.txt").exists() and state(ws, first) == "running")
    os.kill(process.pid, signal.SIGKILL)
    process.wait(20)
    assert state(ws, first) == "running"
    worker = make_worker(lambda folder: Ended())
    worker.start()
    until(lambda: state(ws, third) == "completed")
    assert (state(ws, first), state(ws, second)) == ("interrupted", "completed")
    store.resume_run(ws, first)
    until(lambda: state(ws, first) == "completed")
