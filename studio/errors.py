"""The errors that Luthier raises on purpose, as one small tree.

Each says what happened (`message`) and what to do about it (`remedy`). Raise the narrowest one that fits; only `app/guard.py` and the
command line's entry turn an error into words for a person. To add one, subclass the nearest parent here.
"""

from __future__ import annotations

from dataclasses import dataclass


class StudioError(Exception):
    """Something that a person can understand and act on.

    `message` says what happened and, if known, why; `remedy` says what to do next. `str()` gives both.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(f"{message} {remedy}".strip())


class WorkspaceError(StudioError):
    """The workspace folder cannot be opened, read or written."""


class DataError(StudioError):
    """A file, a row or a dataset cannot be used as asked."""


class ModelError(StudioError):
    """A model cannot be found, read, loaded or adapted as asked."""


class RunError(StudioError):
    """A run cannot be created, changed, continued or finished as asked."""


class CheckpointError(RunError):
    """A checkpoint is incomplete, altered or missing."""


class BusyError(StudioError):
    """The device is in use; the message says by whom."""


class FeedbackError(StudioError):
    """A project, a task or a judgement cannot be made, changed or counted as asked."""


class AccessError(StudioError):
    """Somebody is not logged in, or their role does not allow what they asked for."""


class AccountError(StudioError):
    """An account cannot be made or changed as asked."""


class NotFoundError(StudioError):
    """A name or a number names nothing in this workspace."""


@dataclass(frozen=True)
class FieldProblem:
    """One wrong value: `path` is the field's dotted path (`optim.learning_rate`), `message` says what is wrong and what would be right."""

    path: str
    message: str


class RecipeError(StudioError):
    """A recipe has values that cannot be used; `problems` names each field."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        self.problems = problems
        lines = "; ".join(f"{p.path}: {p.message}" if p.path else p.message for p in problems)
        super().__init__(f"The recipe cannot be used: {lines}.", "Change the fields named here and try again.")
