"""The worker: one thread that takes waiting runs in order and trains them, one at a time in this process.

One process works a workspace's queue: the one that holds `worker.lock`. The worker of another process waits, and takes over when the
lock is free. A run that crashes is marked failed and the worker goes on with the next. Measurements run on the same thread, so that two
trainings never meet in a process.
"""

from __future__ import annotations

import gc
import logging
import threading
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from studio.errors import BusyError, StudioError
from studio.recipe import Recipe
from studio.runs import lifecycle, store
from studio.runs.lock import FileLock
from studio.runs.store import RunInfo
from studio.workspace import Workspace

if TYPE_CHECKING:
    from studio.runs.execute import Outcome
    from studio.runs.measure import Measurement

LOOK_SECONDS = 1.0
"""How often the queue is looked at for what other processes put into it."""

one_training = threading.Lock()
"""Held while a training runs in this process: of two trainers at once, one silently does not learn."""

log = logging.getLogger(__name__)
Result = TypeVar("Result")


class Worker:
    """Works the queue of `ws`. `execute` trains a run folder; it is `studio.runs.execute.execute` unless another is given. `before_run` is
    called before each training, to free what else is on the device."""

    def __init__(
        self, ws: Workspace, execute: Callable[[Path], Outcome] | None = None, before_run: Callable[[], None] | None = None
    ) -> None:
        self.ws = ws
        self._execute = execute or _execute
        self._before_run = before_run
        self._until: str | None = None
        self._lock = FileLock(ws.root / "worker.lock")
        self._taking = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._jobs: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._current: RunInfo | None = None

    @property
    def active(self) -> bool:
        """Whether this worker works the queue; the worker of another process may."""
        return self._lock.held

    @property
    def current(self) -> RunInfo | None:
        """The run that this worker trains now, as it was when it started."""
        return self._current

    def start(self, until: str | None = None) -> bool:
        """Start the thread and say so; nothing happens when it runs already. With `until` it ends when the run of that name has."""
        if self._thread is not None and self._thread.is_alive():
            return False
        self._stopping.clear()
        self._until = until
        self._thread = threading.Thread(target=self._work, name="luthier-worker", daemon=True)
        self._thread.start()
        return True

    def shutdown(self, timeout: float | None = None) -> bool:
        """Ask the run that trains to stop and save, and wait for it and the thread; says whether they ended within `timeout` seconds."""
        self._stopping.set()
        self._stop_current()
        with store.queue_changed:
            store.queue_changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():
                return False
        self._lock.release()
        return True

    def run_next(self) -> RunInfo | None:
        """Train the next waiting run here and now and return it as it ended; `None` when none waits.

        Raises `BusyError` when another process works this workspace's queue.
        """
        if not self._take_lock():
            raise BusyError(
                f"Another Luthier process ({self._lock.holder()}) works the queue of {self.ws.root}.",
                "It will take this run when its turn comes; or close that process first.",
            )
        with one_training:
            run = lifecycle.claim_next(self.ws)
            return None if run is None else self._train(run)

    def measure(self, recipe: Recipe, timeout: float | None = None) -> Measurement:
        """Measure a few real steps of `recipe` on the worker's thread and wait for the figures; nothing is kept.

        Raises `BusyError` while a run trains, `RecipeError` when the recipe cannot run.
        """
        running = [run.name for run in store.list_runs(self.ws) if run.state in ("running", "paused")]
        if running:
            raise BusyError(f"{running[0]} is training, so a measurement would be wrong.", "Measure when it has ended.")
        return self.call(lambda: _measure(self.ws, recipe)).result(timeout)

    def call(self, job: Callable[[], Result]) -> Future[Result]:
        """Do `job` on the worker's thread, between two runs."""
        future: Future[Result] = Future()
        self._jobs.append((future, job))
        self.start()
        with store.queue_changed:
            store.queue_changed.notify_all()
        return future

    # -- the thread

    def _work(self) -> None:
        while not self._stopping.is_set() and not self._done():
            try:
                busy = self._run_job() or (self._take_lock() and self.run_next() is not None)
            except Exception:
                log.exception("The worker could not look at the queue; it tries again.")
                busy = False
            if not busy:
                self._wait()
        for future, _job in self._jobs:
            future.cancel()

    def _done(self) -> bool:
        return self._until is not None and store.get_run(self.ws, self._until).finished

    def _wait(self) -> None:
        with store.queue_changed:
            if not self._jobs and not self._stopping.is_set():
                store.queue_changed.wait(LOOK_SECONDS)

    def _take_lock(self) -> bool:
        """Hold the workspace's lock; whoever takes it first marks what a dead process left running."""
        with self._taking:
            if self._lock.held:
                return True
            if not self._lock.acquire():
                return False
        store.recover(self.ws)
        return True

    def _run_job(self) -> bool:
        if not self._jobs:
            return False
        future, job = self._jobs.popleft()
        if future.set_running_or_notify_cancel():
            with one_training:
                try:
                    future.set_result(job())
                except Exception as error:
                    if not isinstance(error, StudioError):
                        log.exception("A job of the worker failed.")
                    future.set_exception(error.with_traceback(None))
        return True

    # -- one run

    def _train(self, run: RunInfo) -> RunInfo:
        """Execute a claimed run and write how it ended."""
        self._current = run
        try:
            if self._stopping.is_set():
                self._stop_current()
            if self._before_run is not None:
                self._before_run()
            state, message, summary = self._outcome(run)
            message = self._register(run, message, summary.get("labels", []))
            return lifecycle.finish(self.ws, run.id, state, message, summary)
        except BaseException:
            lifecycle.finish(self.ws, run.id, "interrupted", "It was interrupted. It continues from its last checkpoint.", run.summary)
            raise
        finally:
            self._current = None

    def _outcome(self, run: RunInfo) -> tuple[str, str, dict[str, Any]]:
        """State, message and figures; a crash becomes "failed" with its reason, and the traceback goes to the run's log."""
        try:
            outcome = self._execute(run.path)
            return outcome.state, outcome.message, outcome.summary
        except StudioError as error:
            run.folder.log(str(error))
            reason = str(error)
        except Exception as error:
            log.exception("The run %s crashed.", run.name)
            run.folder.log(traceback.format_exc())
            reason = f"The training crashed: {type(error).__name__}: {error}. The log has the details; it can be continued."
        gc.collect()  # the traceback held the model
        run.folder.write_status(state="failed", message=reason)
        return "failed", reason, run.summary

    def _register(self, run: RunInfo, message: str, labels: list[str]) -> str:
        """Put the model that a run has left into the registry; a problem with that is added to the message."""
        if not (run.folder.model_path / "config.json").exists() and not (run.folder.model_path / "adapter_config.json").exists():
            return message
        try:
            lifecycle.register(self.ws, run, labels)
        except StudioError as error:
            run.folder.log(f"The model could not be registered: {error}")
            return f"{message} The model was saved but could not be registered: {error}".strip()
        return message

    def _stop_current(self) -> None:
        run = self._current
        if run is not None:
            run.folder.request("stop")


def _execute(folder: Path) -> Outcome:
    from studio.runs.execute import execute

    return execute(folder)


def _measure(ws: Workspace, recipe: Recipe) -> Measurement:
    from studio.runs.measure import measure

    return measure(ws, recipe)
