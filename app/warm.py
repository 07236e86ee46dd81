"""Loads the training libraries in the background once somebody looks at the page, so that the first plan does not wait for them.

The imports run on the worker's thread: two threads that import the same large packages can meet halfway. What needs the libraries calls
`ready()` first. `in_a_while` tells a handler's slow work apart from its quick one, so that only slow work is announced.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillBusy
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from studio.session import Studio

LIBRARIES = ("torch", "transformers.models.auto.tokenization_auto", "datasets", "peft", "accelerate", "studio.models.loading")
"""What a plan needs, in the order in which it is loaded."""

AFTER_SECONDS = 1.0
"""From the first look at the page to the loading: the page's own first answers come before it."""

YIELD_SECONDS = 0.0005
"""How long the loading computes before the page gets its turn; Python's usual 5 ms would be felt in every click."""

UNNOTICED_SECONDS = 0.3
T = TypeVar("T")
_threads = ThreadPoolExecutor(4, thread_name_prefix="luthier-plan")


class Warm:
    """The loading of one page's libraries; `begin` may be called at every visit."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._begun = threading.Event()
        self._done = threading.Event()
        self._asked = threading.Lock()

    @property
    def loading(self) -> bool:
        """Whether the libraries are being loaded just now."""
        return self._begun.is_set() and not self._done.is_set()

    def begin(self) -> None:
        """Load the libraries soon, unless they are here or a training loads them anyway."""
        if not self._asked.acquire(blocking=False):
            return
        if "torch" in sys.modules or self._studio.worker.current is not None:
            return
        timer = threading.Timer(AFTER_SECONDS, self._ask)
        timer.daemon = True
        timer.start()

    def ready(self) -> None:
        """Wait for a loading that is under way."""
        if self._begun.is_set():
            self._done.wait()

    def _ask(self) -> None:
        if self._studio.worker.current is None:
            self._studio.worker.call(self._load)

    def _load(self) -> None:
        self._begun.set()
        usual = sys.getswitchinterval()
        sys.setswitchinterval(YIELD_SECONDS)
        try:
            for name in LIBRARIES:
                importlib.import_module(name)
        finally:
            sys.setswitchinterval(usual)
            self._done.set()


def in_a_while(work: Callable[[], T]) -> Iterator[Future[T]]:
    """Do `work` in a thread: gives its future once if it takes long enough to be noticed, and once more, done, at the end."""
    future = _threads.submit(work)
    try:
        future.exception(timeout=UNNOTICED_SECONDS)
    except StillBusy:
        yield future
        try:
            future.exception()
        except CancelledError:
            return
    yield future
