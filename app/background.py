"""Long work behind a button: it runs on a thread of its own while the handler tells how far it is.

    for news in followed(lambda progress, stop: clean(ws, ref, pipeline, progress=progress, stop=stop), stop):
        if isinstance(news, Told): show it; else: it is the future, done

A handler that is left early (the page was closed) stops the work.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass
from typing import TypeVar

TICK_SECONDS = 0.3
SURE_SECONDS = 2.0
"""How long work has to run before the time that is left can be told from it."""

T = TypeVar("T")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Told:
    """How far the work is after so many seconds."""

    done: int
    total: int
    seconds: float

    def words(self, noun: str = "rows") -> str:
        """`1,200 of 10,000 rows, about 20 s left`."""
        said = f"{self.done:,} of {self.total:,} {noun}"
        if self.seconds < SURE_SECONDS or not 0 < self.done < self.total:
            return said
        return f"{said}, about {_duration(self.seconds * (self.total - self.done) / self.done)} left"


def _duration(seconds: float) -> str:
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min" if whole >= 600 or whole % 60 == 0 else f"{whole // 60} min {whole % 60} s"


def followed(work: Callable[[Progress, threading.Event], T], stop: threading.Event) -> Iterator[Told | Future[T]]:
    """Do `work(progress, stop)`: gives how far it is whenever that has changed, and at the end its future, which is done."""
    future: Future[T] = Future()
    ended = threading.Event()
    began = time.monotonic()
    news: list[tuple[int, int]] = []

    def run() -> None:
        try:
            future.set_result(work(lambda done, total: news.append((done, total)), stop))
        except BaseException as error:  # noqa: BLE001  whoever asks the future for its result gets it
            future.set_exception(error)
        finally:
            ended.set()

    threading.Thread(target=copy_context().run, args=(run,), daemon=True, name="luthier-work").start()
    try:
        while not ended.wait(TICK_SECONDS):
            if news:
                done, total = news[-1]
                news.clear()
                yield Told(done, total, time.monotonic() - began)
        yield future
    finally:
        stop.set()
