"""A run as it happens: state, curves, samples and log, in one component that asks for what is new while it can be seen.

The browser names what it has (`next` rows of generation `generation`) and gets the rest; whole curves are thinned, new points are not.
Readers are shared, so that several viewers of a run cost one read of its file. The browser's half is `assets/js/live.js`.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from typing import Any

import gradio as gr

from app import charts
from app.page import Page
from app.theme import script
from studio.errors import NotFoundError
from studio.methods import metric_names
from studio.runs import store
from studio.runs.folder import MetricsReader, RunFolder

READERS_KEPT = 64
LOG_LINES = 400
SAMPLES_SHOWN = 200
STATE_WORDS = {
    "queued": "waiting in the queue",
    "preparing": "preparing",
    "running": "training",
    "evaluating": "evaluating",
    "saving": "saving",
    "paused": "paused",
    "completed": "completed",
    "stopped": "stopped and saved",
    "failed": "failed",
    "interrupted": "interrupted",
}
ENDED = ("completed", "stopped", "failed", "interrupted")


class Followed:
    """The metrics of one run, read as they grow. `generation` changes when a resumed run dropped rows, so that viewers start over."""

    def __init__(self, folder: RunFolder) -> None:
        self.reader = MetricsReader(folder)
        self.generation = time.time_ns()
        self.lock = threading.Lock()

    def since(self, generation: int, start: int) -> dict[str, Any]:
        """What a viewer lacks who has `start` rows of `generation`: all of it thinned, or only the new rows."""
        with self.lock:
            before = self.reader.rows
            self.reader.poll()
            rows = self.reader.rows
            if before and (len(rows) < len(before) or rows[len(before) - 1] is not before[-1]):
                self.generation = time.time_ns()
        whole = generation != self.generation or start == 0 or start > len(rows)
        curves = charts.thinned(charts.points(rows)) if whole else charts.points(rows[start:])
        return {
            "generation": str(self.generation), "next": len(rows), "whole": whole, "curves": curves,
            "by_class": charts.by_class(rows), "by_task": charts.by_task(rows),
        }  # fmt: skip


class Follower:
    """The readers of a workspace's runs, the newest used ones kept."""

    def __init__(self, page: Page) -> None:
        self.workspace = page.workspace
        self._readers: OrderedDict[str, Followed] = OrderedDict()
        self._lock = threading.Lock()

    def _followed(self, name: str, folder: RunFolder) -> Followed:
        with self._lock:
            followed = self._readers.pop(name, None) or Followed(folder)
            self._readers[name] = followed
            while len(self._readers) > READERS_KEPT:
                self._readers.popitem(last=False)
            return followed

    def follow(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer the browser: `{run, samples, log, have: {name: [generation, next]}}` -> state of `run` and news of every named run."""
        name = str(request.get("run") or "")
        answer: dict[str, Any] = {"run": name, "news": {}, "missing": []}
        for wanted, (generation, start) in dict(request.get("have") or {}).items():
            try:
                run = store.get_run(self.workspace, str(wanted))
            except NotFoundError:
                answer["missing"].append(wanted)
                continue
            answer["news"][run.name] = self._followed(run.name, run.folder).since(int(generation or 0), int(start or 0))
            if run.name == name:
                answer["state"] = state_of(run)
                answer.update(_words(run.folder, int(request.get("samples") or 0), str(request.get("log") or "")))
        return answer


def state_of(run: store.RunInfo) -> dict[str, Any]:
    """What the line above the curves says about `run`, as plain values."""
    status = run.folder.status()
    state = run.state
    if state == "running" and status.get("state") in STATE_WORDS:
        state = str(status["state"])
    watchdog, best = status.get("watchdog") or [], status.get("best")
    return {
        "name": run.name,
        "state": state,
        "words": STATE_WORDS.get(state, state),
        "step": status.get("step", 0),
        "steps": status.get("steps", 0),
        "epoch": status.get("epoch"),
        "eta": status.get("eta_seconds") if state == "running" else None,
        "message": run.message or status.get("message", ""),
        "best": best | {"words": metric_words(str(best["metric"]))} if best else None,
        "watchdog": watchdog[-1] if watchdog else None,
        "position": run.position,
        "seconds": seconds_of(run),
        "model": run.model,
        "ended": state in ENDED,
    }


def metric_words(metric: str) -> str:
    """A metric's name as people say it: `eval_f1` is `F1`, `eval_token_accuracy` is `token accuracy`."""
    return metric_names().get(metric, metric.removeprefix("eval_").replace("_", " "))


def seconds_of(run: store.RunInfo) -> float | None:
    """How long the run took, or has taken so far; nothing before it started."""
    if run.started_at is None:
        return None
    from studio.db import now

    return ((run.ended_at or now()) - run.started_at).total_seconds()


def _words(folder: RunFolder, samples_had: int, log_had: str) -> dict[str, Any]:
    """The samples and the log, each only when there is more than the viewer has."""
    news: dict[str, Any] = {}
    samples = folder.samples()
    if len(samples) != samples_had:
        news["samples"] = {"count": len(samples), "rows": [_sample(row) for row in samples[-SAMPLES_SHOWN:]]}
    size = str(folder.log_path.stat().st_size) if folder.log_path.exists() else "0"
    if size != log_had:
        news["log"] = {"size": size, "text": folder.read_log(LOG_LINES)}
    return news


def _sample(row: dict[str, Any]) -> dict[str, Any]:
    prompt = row.get("prompt") or []
    asked = prompt if isinstance(prompt, str) else next((m["content"] for m in reversed(prompt) if m.get("role") == "user"), "")
    return {"step": row.get("step"), "prompt": asked, "text": row.get("text", ""), "reference": row.get("reference") or ""}


def build(page: Page) -> gr.HTML:
    """The component. Its value is `{"run": name, "overlay": [names]}`; it fires `moved` with name and state when the state changes."""
    follower = Follower(page)

    def follow(request: dict[str, Any]) -> dict[str, Any]:
        return follower.follow(request)

    panels = json.dumps(charts.layout()).replace("<", "\\u003c")
    return gr.HTML(
        value={"run": "", "overlay": []},
        html_template='<div class="live"></div>',
        js_on_load=f"const PANELS = {panels};\n{script('live.js')}",
        server_functions=[follow],
        apply_default_css=False,
        elem_id="live",
    )
