"""The page: a thin layer over `studio`. `launch()` opens it, from the command line, a script or a notebook.

Nothing here imports torch, and gradio is imported only when a page is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.server import Handle

__all__ = ["launch"]


def launch(*args: Any, **kwargs: Any) -> Handle:
    """Open the studio's page; see `app.main.launch` for the arguments."""
    from app.main import launch as open_page

    return open_page(*args, **kwargs)
