"""Reward functions that a person wrote in Python: kept in the workspace, run only after somebody has seen and confirmed the very text.

A file defines `reward(prompts, answers, references) -> list of numbers`. It runs in this process with all its rights, so nothing is ever
fetched, and a file that was changed after it was confirmed is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from studio.db import Preference
from studio.errors import DataError, NotFoundError
from studio.workspace import Workspace

KEY = "confirmed_rewards"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
LARGEST = 200_000
EXAMPLE = "Write: def reward(prompts, answers, references): return [numbers]"

Rewards = Callable[[list[str], list[str], list[str]], list[float]]


@dataclass(frozen=True)
class UserReward:
    """One reward function: its text, and whether exactly this text was confirmed."""

    name: str
    path: Path
    text: str
    confirmed: bool


def add_reward(ws: Workspace, name: str, text: str) -> UserReward:
    """Keep a reward function under `name`, not yet confirmed. Raises `DataError` when it cannot be one."""
    if not NAME.fullmatch(name):
        raise DataError(f"A reward function cannot be called {name!r}.", "Use letters, digits, underscores and hyphens.")
    if len(text) > LARGEST:
        raise DataError("The file is too large for a reward function.", f"Keep it under {LARGEST:,} characters.")
    try:
        compile(text, f"{name}.py", "exec")
    except SyntaxError as error:
        raise DataError(f"Line {error.lineno} of {name}.py is not Python: {error.msg}.", "Mend the file and add it again.") from error
    if "def reward(" not in text:
        raise DataError(f"{name}.py defines no function reward.", EXAMPLE)
    path = _path(ws, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return get_reward(ws, name)


def confirm_reward(ws: Workspace, name: str, text: str | None = None) -> UserReward:
    """Remember that a person has read the text as it is now and wants it to run. Raises `DataError` when it is no more the `text` that
    they were shown."""
    found = get_reward(ws, name)
    if text is not None and text != found.text:
        raise DataError(f"The reward function {name} was changed while it was read.", f"Read it again: luthier rewards confirm {name}")
    with ws.db.write() as session:
        row = session.get(Preference, KEY)
        if row is None:
            session.add(Preference(key=KEY, value={name: _digest(found.text)}))
        else:
            row.value = {**row.value, name: _digest(found.text)}
    return get_reward(ws, name)


def get_reward(ws: Workspace, name: str) -> UserReward:
    """A reward function by its name. Raises `NotFoundError`."""
    path = _path(ws, name)
    if not NAME.fullmatch(name) or not path.is_file():
        raise NotFoundError(f"There is no reward function {name}.", "Add it with: luthier rewards add FILE.py")
    text = path.read_text(encoding="utf-8")
    with ws.db.read() as session:
        row = session.get(Preference, KEY)
    return UserReward(name, path, text, bool(row and row.value.get(name) == _digest(text)))


def list_rewards(ws: Workspace) -> list[UserReward]:
    """All reward functions of the workspace, by name."""
    return [get_reward(ws, path.stem) for path in sorted(_path(ws, "x").parent.glob("*.py")) if NAME.fullmatch(path.stem)]


def load_reward(ws: Workspace, name: str) -> Rewards:
    """The function itself. Raises `DataError` when its text was not confirmed."""
    found = get_reward(ws, name)
    if not found.confirmed:
        raise DataError(
            f"The reward function {name} was not confirmed as it is now.", f"Read it, then confirm it: luthier rewards confirm {name}"
        )
    space: dict[str, object] = {"__name__": f"luthier_reward_{name}"}
    try:
        exec(compile(found.text, str(found.path), "exec"), space)
    except Exception as error:  # whatever a person's own code raises is theirs to read
        raise DataError(
            f"The reward function {name} cannot be loaded: {type(error).__name__}: {error}.", "Mend it and confirm it again."
        ) from error
    function = space.get("reward")
    if not callable(function):
        raise DataError(f"{name}.py defines no function reward.", EXAMPLE)
    return function


def _path(ws: Workspace, name: str) -> Path:
    return ws.root / "rewards" / f"{name}.py"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
