"""Streaming: pieces of text that never split a character, and the bridge from a writing thread to a reader. No torch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from studio.errors import ModelError
from studio.inference.outputs import Chunk, FinishReason

SECONDS_A_PIECE = 0.1
"""The eye wants no more than ten pieces a second, and every piece costs the page a redraw of the whole answer."""

UNFINISHED = "\ufffd"


def decode(tokenizer: Any, ids: list[int], ends: set[int]) -> str:
    """The text of `ids` without special tokens and without the tokens that end an answer."""
    kept = [token for token in ids if token not in ends]
    return str(tokenizer.decode(kept, skip_special_tokens=True, clean_up_tokenization_spaces=False))


class TextPieces:
    """Collects token ids and gives their text in pieces, one every tenth of a second at the most; joined they are the whole text.

    A character whose tokens have not all come is held back.
    """

    def __init__(self, tokenizer: Any, ends: set[int]) -> None:
        self.tokenizer = tokenizer
        self.ends = ends
        self.ids: list[int] = []
        self._given = 0
        self._tokens_given = 0
        self._last = 0.0

    def add(self, ids: list[int]) -> str:
        """Take in new tokens; the new piece of text, empty when it is too early for one."""
        self.ids.extend(ids)
        return self.piece() if self.due() else ""

    def due(self) -> bool:
        """Whether it is time for a piece: for the first token at once."""
        return len(self.ids) > self._tokens_given and time.monotonic() - self._last >= SECONDS_A_PIECE

    def piece(self, final: bool = False) -> str:
        """The text that has come since the last piece; `final` also gives what is left of an unfinished character."""
        text = decode(self.tokenizer, self.ids, self.ends)
        whole = text if final else text.rstrip(UNFINISHED)
        new = whole[self._given :]
        self._given = max(self._given, len(whole))
        self._tokens_given = len(self.ids)
        self._last = time.monotonic()
        return new


@dataclass(frozen=True)
class Started:
    """The model is loaded and begins to write."""

    tokenizer: Any
    ends: set[int]
    dropped_messages: int


@dataclass(frozen=True)
class Token:
    """One new token, and the seconds since the model began to write."""

    id: int
    seconds: float


@dataclass(frozen=True)
class Ended:
    """The answer is complete, or was cancelled."""

    finish_reason: FinishReason
    seconds: float


@dataclass(frozen=True)
class Failed:
    """Writing raised this."""

    error: BaseException


Event = Started | Token | Ended | Failed
Work = Callable[[Callable[[Event], None]], None]


def stream(work: Work, cancel: threading.Event, seed: int | None) -> Iterator[Chunk]:
    """Run `work` on a thread of its own and yield what it writes.

    `work` puts `Started`, `Token`s and `Ended`; what it raises is raised here. Closing this iterator sets `cancel`. A slow reader never
    holds the writer up, so the device is free as soon as the answer is there.
    """
    events: SimpleQueue[Event] = SimpleQueue()
    thread = threading.Thread(target=_put_all, args=(work, events), name="answer", daemon=True)
    thread.start()
    try:
        yield from _read(events, thread, seed)
    finally:
        cancel.set()


def _put_all(work: Work, events: SimpleQueue[Event]) -> None:
    try:
        work(events.put)
    except BaseException as error:  # noqa: BLE001 - handed to the reader, who raises it
        events.put(Failed(error))


def _read(events: SimpleQueue[Event], thread: threading.Thread, seed: int | None) -> Iterator[Chunk]:
    pieces: TextPieces | None = None
    dropped, seconds = 0, 0.0
    while True:
        event = _next(events, thread)
        if isinstance(event, Failed):
            raise event.error
        if isinstance(event, Started):
            pieces, dropped = TextPieces(event.tokenizer, event.ends), event.dropped_messages
        elif isinstance(event, Ended):
            text, tokens = (pieces.piece(final=True), len(pieces.ids)) if pieces else ("", 0)
            yield Chunk(text, tokens, event.seconds, True, event.finish_reason, dropped, seed)
            return
        elif pieces is not None:
            if isinstance(event, Token):
                seconds = event.seconds
            new = pieces.add([event.id] if isinstance(event, Token) else [])
            if new:
                yield Chunk(new, len(pieces.ids), seconds, dropped_messages=dropped, seed=seed)


def _next(events: SimpleQueue[Event], thread: threading.Thread) -> Event | None:
    """The next event, or None when none came for a moment; raises `ModelError` if the writer is gone without a word."""
    alive = thread.is_alive()
    try:
        return events.get(timeout=SECONDS_A_PIECE)
    except Empty:
        if not alive:
            raise ModelError("The answer ended without a result.", "Try again.") from None
        return None
