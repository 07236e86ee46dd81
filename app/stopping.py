"""Stop buttons: one event for each person and each kind of work.

A generator takes `stops.begin(request)` and hands the event to the engine; the Stop button calls `stops.stop(request)`.
"""

from __future__ import annotations

import threading

import gradio as gr


class Stops:
    """The running work of every open page, by its session."""

    def __init__(self) -> None:
        self._events: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def begin(self, request: gr.Request | None) -> threading.Event:
        """A fresh event for this page's new work; what still runs for the page is stopped."""
        with self._lock:
            key = self._key(request)
            if key in self._events:
                self._events[key].set()
            self._events[key] = threading.Event()
            return self._events[key]

    def stop(self, request: gr.Request | None) -> None:
        """Stop this page's work, if there is any."""
        with self._lock:
            if event := self._events.get(self._key(request)):
                event.set()

    def end(self, request: gr.Request | None, event: threading.Event) -> None:
        """The work behind `event` is over."""
        event.set()
        with self._lock:
            if self._events.get(self._key(request)) is event:
                del self._events[self._key(request)]

    @staticmethod
    def _key(request: gr.Request | None) -> str:
        return str(getattr(request, "session_hash", "") or "")
