"""What a run does at the trainer's events: writes metrics and status, heeds stop requests, stops early, listens to the watchdog.

What happens between two steps (pause, questions, other people's turns on the device) is in `attend.py`. Only torch code imports this.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import psutil
import torch
from transformers import TrainerCallback

from studio.device import lease
from studio.methods.base import MethodSettings
from studio.runs import checkpoints
from studio.runs.folder import RunFolder
from studio.runs.trainer import Progress
from studio.runs.watchdog import Watchdog

STATUS_SECONDS = 0.5
SMOOTHED = 10
ROW_KEYS = ("loss", "learning_rate", "grad_norm")
NOT_METRICS = ("_runtime", "_per_second", "_preparation_time", "_num_tokens")


class RunCallback(TrainerCallback):
    """Records a run in its folder. `reason` says why it ended by itself before its last step, `failed` whether that is a failure."""

    def __init__(self, folder: RunFolder, progress: Progress, method: MethodSettings, watchdog: Watchdog, patience: int) -> None:
        self.folder, self.progress, self.method, self.watchdog, self.patience = folder, progress, method, watchdog, patience
        self.reason = ""
        self.failed = False
        self._process = psutil.Process()
        self._recent: deque[tuple[int, float]] = deque(maxlen=SMOOTHED)
        self._started = self._written = self._measured = 0.0
        self._tokens = progress.tokens
        self._step_seconds = self._evaluation_seconds = 0.0
        self._memory = 0

    # -- the trainer's events

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.folder.write_status(state="running", message="", step=state.global_step, steps=state.max_steps, started=time.time())
        lease.describe(f"step {state.global_step} of {state.max_steps}")
        self.start_clock()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._step_seconds = time.monotonic() - self._started
        self.progress.seconds += self._step_seconds
        self.progress.finished = state.global_step >= state.max_steps
        if not self.progress.finished and self.folder.wanted() == "stop":
            control.should_training_stop = control.should_save = True

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        logs = logs or {}
        if "loss" in logs:
            row = self._training_row(state, logs)
            self.progress.last["loss"] = row["loss"]
        elif any(key.startswith("eval_") for key in logs):
            row = self._evaluation_row(state, logs)
        else:
            return
        self.folder.append_metrics(row)
        self._listen(row, control)
        self._report(state)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, Any] | None = None, **_: Any) -> None:
        row = self._evaluation_row(state, metrics or {})
        self._evaluation_seconds = float((metrics or {}).get("eval_runtime", 0.0))
        figures = {key: value for key, value in row.items() if isinstance(value, float) and key.startswith("eval_")}
        self.progress.last.update(figures)
        if state.global_step == 0:
            self.progress.baseline = figures
            return
        value = figures.get(self.method.metric)
        if value is None or self.failed or not self.method.within_limits(figures):
            return
        if self._better(value):
            self.progress.best = {"metric": self.method.metric, "value": value, "step": state.global_step}
            self.progress.stale_evaluations = 0
            self.folder.write_status(best=self.progress.best)
        else:
            self.progress.stale_evaluations += 1
        if self.patience and self.progress.stale_evaluations >= self.patience and not self.progress.finished:
            self.reason = f"Stopped early at step {state.global_step}: no better {self.method.metric} in {self.patience} evaluations."
            self.progress.finished = True
            control.should_training_stop = control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.folder.log(f"Saved the checkpoint of step {state.global_step}.")
        self._report(state, at_once=True)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._report(state, at_once=True)
        self.folder.flush()

    # -- helpers

    def start_clock(self) -> None:
        """Steps are timed from here: evaluations, answers and pauses do not count as training."""
        self._started = time.monotonic()

    def memory(self) -> int:
        """The most memory that the run has used on its device, or what the process uses now, in bytes; looked at twice a second."""
        if time.monotonic() - self._measured >= STATUS_SECONDS:
            self._measured = time.monotonic()
            self._memory = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else self._process.memory_info().rss
        return self._memory

    def _training_row(self, state: Any, logs: dict[str, Any]) -> dict[str, Any]:
        self._recent.append((self.progress.tokens - self._tokens, self._step_seconds))
        self._tokens = self.progress.tokens
        tokens, seconds = (sum(values) for values in zip(*self._recent, strict=True))
        row = {"step": state.global_step, "epoch": round(state.epoch or 0.0, 6), "time": time.time()}
        row.update({key: float(logs[key]) for key in (*ROW_KEYS, *self.method.metrics) if key in logs})
        row.update(tokens=self.progress.tokens, tokens_per_second=round(tokens / max(seconds, 1e-9), 1), memory=self.memory())
        return row

    def _evaluation_row(self, state: Any, logs: dict[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in logs.items() if key.startswith("eval_") and not key.endswith(NOT_METRICS)}
        return {"step": state.global_step, "epoch": round(state.epoch or 0.0, 6), "time": time.time(), **kept}

    def _listen(self, row: dict[str, Any], control: Any) -> None:
        """Pass a row to the watchdog, write down what it says, and end the run when it says so."""
        for event in self.watchdog.see(row):
            self.progress.events.append(event.as_dict())
            self.folder.log(event.text)
            self.folder.write_status(watchdog=self.progress.events)
            if event.stop:
                self.reason, self.failed = event.text, True
                control.should_training_stop = True
                control.should_save = control.should_evaluate = False
            if event.end:
                before = bool(checkpoints.steps(self.folder))
                kept = "A checkpoint from before becomes the model." if before else "It had no checkpoint before, so the model is this one."
                self.reason, self.progress.finished = f"{event.text} {kept}", True
                control.should_training_stop, control.should_save = True, not before
        self.progress.watchdog = self.watchdog.state()

    def _better(self, value: float) -> bool:
        best = self.progress.best.get("value")
        return best is None or (value > best if self.method.greater_is_better else value < best)

    def _report(self, state: Any, at_once: bool = False) -> None:
        if not at_once and time.monotonic() - self._written < STATUS_SECONDS:
            return
        self._written = time.monotonic()
        eta = self._eta(state)
        self.folder.write_status(
            state="running", step=state.global_step, steps=state.max_steps, epoch=round(state.epoch or 0.0, 3), eta_seconds=eta
        )
        lease.describe(f"step {state.global_step} of {state.max_steps}")

    def _eta(self, state: Any) -> float | None:
        """Seconds to go: steps at the recent speed, and the evaluations that are still to come."""
        if not self._recent:
            return None
        left = state.max_steps - state.global_step
        evaluations = left / state.eval_steps if self._evaluation_seconds and state.eval_steps else 0
        return round(left * sum(seconds for _, seconds in self._recent) / len(self._recent) + evaluations * self._evaluation_seconds, 1)
