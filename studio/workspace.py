"""The workspace: one folder that holds everything a person made, and the database that indexes it.

Every other part of the engine takes a `Workspace` and asks it where things live. To store a new kind of thing, add a property here.
"""

from __future__ import annotations

import getpass
import os
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path

from studio.db import Database
from studio.errors import WorkspaceError

DEFAULT_ROOT = "~/luthier"
acting: ContextVar[str] = ContextVar("acting", default="")
"""The name of whoever is logged in and asked for what is being done, where there is such a person; set it around the work."""

INBOX_NOTE = "README.txt"
INBOX_WORDS = (
    "Put data files into this folder, and the Data tab and `luthier data import` find them here: large ones need no upload then.\n"
)


def assets_dir() -> Path:
    """The folder of shipped recipes, samples and the embedded model: in a wheel beside this file, in a checkout at the top."""
    packaged = Path(__file__).parent / "assets"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "assets"


class Workspace:
    """A workspace folder, created and migrated when it is opened.

    `root` defaults to `$LUTHIER_WORKSPACE`, then `~/luthier`. Raises `WorkspaceError` when the folder cannot be made or written.
    """

    def __init__(self, root: str | Path | None = None) -> None:
        chosen = root or os.environ.get("LUTHIER_WORKSPACE") or DEFAULT_ROOT
        self.root = Path(chosen).expanduser().resolve()
        try:
            for folder in (self.datasets, self.runs, self.models, self.exports, self.inbox):
                folder.mkdir(parents=True, exist_ok=True)
            if not (self.inbox / INBOX_NOTE).exists():
                (self.inbox / INBOX_NOTE).write_text(INBOX_WORDS)
        except OSError as error:
            raise WorkspaceError(
                f"The workspace {self.root} cannot be created: {error.strerror or error}.",
                "Choose a folder that you can write to with --workspace or LUTHIER_WORKSPACE.",
            ) from error
        if not os.access(self.root, os.W_OK):
            raise WorkspaceError(f"The workspace {self.root} cannot be written to.", "Choose another folder with --workspace.")
        _ = self.db

    @property
    def person(self) -> str:
        """Who works here, as versions name their author: whoever is logged in and asked for it, else the owner."""
        return acting.get() or self.owner

    @property
    def owner(self) -> str:
        """Whoever sits at this machine: `$LUTHIER_PERSON`, or the account on it; empty when neither is known."""
        try:
            return os.environ.get("LUTHIER_PERSON") or getpass.getuser()
        except OSError:  # an account without a name, as in some containers
            return ""

    @property
    def datasets(self) -> Path:
        return self.root / "datasets"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def exports(self) -> Path:
        return self.root / "exports"

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @cached_property
    def db(self) -> Database:
        """The database `luthier.db`, migrated to the newest schema."""
        return Database(self.root / "luthier.db")

    def relative(self, path: Path) -> str:
        """`path` as stored in the database: relative to the workspace where it lies inside it, else absolute."""
        resolved = path.resolve()
        return str(resolved.relative_to(self.root)) if resolved.is_relative_to(self.root) else str(resolved)

    def absolute(self, stored: str) -> Path:
        """The opposite of `relative`."""
        return self.root / stored
