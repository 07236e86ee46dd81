"""What a cleaning step is: its settings, and what it does to rows.

A new step is a subclass of `StepSettings` in a module of this package, with its name in the union in `settings.py`. A step that looks at
one row at a time implements `prepare`, which gives the function from a row to the row that takes its place (the same object when nothing
changes), or to None when the row goes; a step that needs to see all rows first overrides `run`. Settings load without torch.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from pydantic import ValidationError

from studio.data.schema import KINDS, Row
from studio.data.similar import Stopped
from studio.errors import DataError
from studio.settings import Settings
from studio.workspace import Workspace

TELL_EVERY = 200
CONVERSATIONS = tuple(kind for kind in KINDS if kind not in ("text", "labelled"))

Progress = Callable[[int, int], None]
RowFunction = Callable[[Row], Row | None]


@dataclass(frozen=True, slots=True)
class Item:
    """A row, and where it stands in the version that is cleaned."""

    split: str
    index: int
    row: Row


class Outcome(NamedTuple):
    """What a step made of a row: `after` is the row that takes its place, the same object when nothing changed, None when it goes."""

    item: Item
    after: Row | None


class Tracker:
    """Tells how far the work is, in rows, and ends it when asked to. Each row passes `phases` times."""

    def __init__(self, rows: int, phases: int, progress: Progress | None, stop: threading.Event | None) -> None:
        self._rows, self._phases, self._progress, self.stop = rows, phases, progress, stop
        self._done = self._told = 0

    def advance(self, rows: int = 1) -> None:
        """So many rows have passed once more; raises `Stopped` when the person has stopped the work."""
        self._done += rows
        if self._done - self._told >= TELL_EVERY:
            self.tell()

    def tell(self) -> None:
        """Tell how many rows are done by now; raises `Stopped`."""
        if self.stop is not None and self.stop.is_set():
            raise Stopped
        self._told = self._done
        if self._progress is not None:
            self._progress(min(self._rows, self._done // self._phases), self._rows)

    def finish(self) -> None:
        """Everything is done."""
        self._done = self._rows * self._phases
        self.tell()


@dataclass
class Context:
    """What a step may use while it runs. `counts` become the notes of its effect: "e-mail addresses masked: 12"."""

    ws: Workspace
    kind: str
    tracker: Tracker
    counts: Counter[str] = field(default_factory=Counter)


class StepSettings(Settings):
    """What every step says about itself: `title` and `summary` for people, `kinds` the kinds of row that it works on.

    `groups`: it compares all rows with each other, which takes a while of its own.
    """

    title: ClassVar[str]
    summary: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]] = KINDS
    groups: ClassVar[bool] = False

    kind: str

    def require(self, kind: str) -> None:
        """Raise `DataError` when the step cannot work on rows of `kind`."""
        if kind not in self.kinds:
            raise DataError(
                f"The step {self.title!r} does not work on rows of kind {kind}.",
                f"It works on {', '.join(self.kinds)}; take it out of the pipeline.",
            )

    def prepare(self, context: Context) -> RowFunction:
        """The function that this step applies to each row."""
        raise NotImplementedError

    def run(self, items: Iterable[Item], context: Context) -> Iterator[Outcome]:
        """What becomes of each row, in order."""
        change = self.prepare(context)
        for item in items:
            yield Outcome(item, change(item.row))


def problems(error: ValidationError) -> str:
    """What pydantic found wrong, as one sentence that names the fields."""
    found = []
    for item in error.errors(include_url=False):
        loc = [str(part) for part in item["loc"] if part != "steps"]
        if loc and loc[0].isdigit():
            loc[0] = f"step {int(loc[0]) + 1}"
        message = item["msg"].removeprefix("Value error, ")
        found.append(f"{', '.join(loc)}: {message}" if loc else message)
    return "; ".join(found)


def words_of(text: str) -> list[str]:
    """The entries of a list that a person typed, with commas or lines between."""
    return [word.strip() for line in text.splitlines() for word in line.split(",") if word.strip()]


def table_of(text: str) -> dict[str, str]:
    """A table that a person typed, one `from = to` a line; raises `ValueError` for a line that is none."""
    table: dict[str, Any] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        left, equals, right = (part.strip() for part in line.partition("="))
        if not equals or not left:
            raise ValueError(f"{line!r} is not of the form `from = to`")
        if table.get(left, right) != right:
            raise ValueError(f"{left!r} is given twice")
        table[left] = right
    return table
