"""What every part of the open project's panel gives to the Label tab, and the settings that its events share.

To add a part, write `build(page, selected) -> Part` in a file of its own and name it in `PARTS` of `app/tabs/label.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
NONE = 0
"""The number that stands for no project."""


@dataclass
class Part:
    """A part of the open project's panel: `show(project)` gives updates for `outputs`, also for no project (0). After an event of `changed`
    the list and the project's heading say something else; after one of `opens` another project may be open."""

    outputs: list[Any]
    show: Callable[[int], tuple[Any, ...]]
    changed: list[Any] = field(default_factory=list)
    opens: list[Any] = field(default_factory=list)
