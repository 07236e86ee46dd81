"""A run's folder: the one place where a run says what it does, and where it is told to pause or stop.

    recipe.yaml    what to do                      status.json    where it is now, replaced as a whole
    metrics.jsonl  one line a logged step          control.json   what people want: run, pause or stop
    log.txt        what happened, in words         samples.jsonl  answers to the sample prompts while it learned
    asks/          questions to the live model     checkpoints/   states to continue from      model/   the product

The trainer writes, everybody else reads; nothing here imports torch. To record something new, add its file and a pair of methods.
"""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from studio.errors import RunError
from studio.recipe import Recipe, parse

FLUSH_SECONDS = 0.5
WANTS = ("run", "pause", "stop")
LIVE_STATES = ("preparing", "running", "paused", "evaluating", "saving")


def write_atomically(path: Path, text: str) -> None:
    """Replace `path` as a whole, so that no reader ever sees half of it."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)


def read_json(path: Path) -> dict[str, Any]:
    """The object in `path`, or an empty one when there is no such file."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}


class RunFolder:
    """The files of one run. Cheap to make; makes the folder when it is missing."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self._buffer: list[str] = []
        self._flushed = 0.0

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def model_path(self) -> Path:
        """Where the finished model is."""
        return self.path / "model"

    @property
    def checkpoints_path(self) -> Path:
        return self.path / "checkpoints"

    @property
    def asks_path(self) -> Path:
        return self.path / "asks"

    @property
    def metrics_path(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def log_path(self) -> Path:
        return self.path / "log.txt"

    # The recipe

    def recipe(self) -> Recipe:
        """The recipe to execute; raises `RunError` when the file is missing and `RecipeError` when its values are wrong."""
        path = self.path / "recipe.yaml"
        try:
            values = yaml.safe_load(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise RunError(f"The run folder {self.path} has no recipe.yaml.", "Create the run again from its recipe.") from error
        return parse(values or {})

    def write_recipe(self, recipe: Recipe) -> None:
        text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        write_atomically(self.path / "recipe.yaml", text)

    # Metrics: appended through a buffer, so that logging every step costs the training nothing

    def append_metrics(self, row: dict[str, Any]) -> None:
        """Add a row; it reaches the file within about half a second, or at `flush`."""
        self._buffer.append(json.dumps(row))
        if time.monotonic() - self._flushed >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait in the buffer."""
        self._flushed = time.monotonic()
        if not self._buffer:
            return
        text = "\n".join(self._buffer) + "\n"
        self._buffer = []
        with self.metrics_path.open("a", encoding="utf-8") as file:
            file.write(text)

    def read_metrics(self, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
        """The whole rows after byte `offset`, and the offset to go on from.

        A resumed run drops the rows after its checkpoint; an offset beyond the file's end therefore reads from the start. Use
        `MetricsReader` to follow a run: it notices that.
        """
        try:
            with self.metrics_path.open("rb") as file:
                if offset > os.fstat(file.fileno()).st_size:
                    offset = 0
                file.seek(offset)
                data = file.read()
        except FileNotFoundError:
            return [], 0
        whole = data[: data.rfind(b"\n") + 1]
        return [json.loads(line) for line in whole.split(b"\n") if line.strip()], offset + len(whole)

    def drop_metrics_after(self, step: int) -> None:
        """Forget rows and samples of later steps than `step`, as a run does that continues from there."""
        self.flush()
        for path in (self.metrics_path, self.path / "samples.jsonl"):
            if not path.exists():
                continue
            *lines, torn = path.read_text(encoding="utf-8").split("\n")
            kept = [line for line in lines if _step_of(line) <= step]
            if len(kept) < len(lines) or torn:
                write_atomically(path, "".join(line + "\n" for line in kept))

    # Status and control

    def write_status(self, **fields: Any) -> None:
        """Change these fields of status.json and leave the others."""
        status = {**self.status(), **fields, "updated": time.time()}
        write_atomically(self.path / "status.json", json.dumps(status))

    def status(self) -> dict[str, Any]:
        """What the run last said about itself.

        state, step, steps, epoch, eta_seconds, message, best {metric, value, step}, watchdog [{step, kind, text}], micro_batch,
        started, updated.
        """
        return read_json(self.path / "status.json")

    @property
    def live(self) -> bool:
        """Whether the run says that it is at work or paused (a killed one may say so until it is recovered)."""
        return self.status().get("state") in LIVE_STATES

    def request(self, want: str) -> None:
        """Ask the run to go on, to pause or to stop; it looks after every step."""
        if want not in WANTS:
            raise ValueError(f"want must be one of {', '.join(WANTS)}, not {want!r}")
        write_atomically(self.path / "control.json", json.dumps({"want": want, "time": time.time()}))

    def wanted(self) -> str:
        """What people want of this run: "run" unless something else was requested."""
        return str(read_json(self.path / "control.json").get("want", "run"))

    # Words and samples

    def log(self, text: str) -> None:
        """Add `text` to log.txt with the time (UTC) before it."""
        stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        with self.log_path.open("a", encoding="utf-8") as file:
            file.write(f"{stamp} {text.rstrip()}\n")

    def read_log(self, tail: int | None = None) -> str:
        """The log, or its last `tail` lines."""
        try:
            text = self.log_path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        return text if tail is None else "\n".join(text.splitlines()[-tail:])

    def append_sample(self, row: dict[str, Any]) -> None:
        """Add one answer: {"step", "time", "index", "prompt": messages, "text", "reference"}."""
        with (self.path / "samples.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def samples(self) -> list[dict[str, Any]]:
        """The answers to the sample prompts so far, oldest first."""
        try:
            lines = (self.path / "samples.jsonl").read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines[:-1] if line]


class MetricsReader:
    """Follows the metrics of a run: `poll()` reads what is new, `rows` holds all; both are right when a resumed run drops rows."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.rows: list[dict[str, Any]] = []
        self._offset = 0
        self._inode = 0

    def poll(self) -> bool:
        """Read what is new; returns whether anything changed."""
        try:
            inode = self.folder.metrics_path.stat().st_ino
        except FileNotFoundError:
            return False
        restart = inode != self._inode
        new, offset = self.folder.read_metrics(0 if restart else self._offset)
        changed = bool(new) or (restart and bool(self.rows))
        self.rows = new if restart else self.rows + new
        self._offset, self._inode = offset, inode
        return changed


def _step_of(line: str) -> float:
    """The step of a line of JSON; a torn line (a kill in mid-write) counts as later than any."""
    try:
        return float(json.loads(line).get("step", 0))
    except ValueError:
        return float("inf")
