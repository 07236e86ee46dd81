"""The page: a thin layer over `studio`. `launch()` opens it, from the command line, a script or a notebook.

Nothing here imports torch, and gradio is imported only when a page is built. The environment set here keeps the libraries from
contacting anyone; it has to be set before they are imported.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.server import Handle

__all__ = ["launch"]

for _name, _value in {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_UPDATE_DOWNLOAD_COUNTS": "0",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}.items():
    os.environ.setdefault(_name, _value)


def launch(*args: Any, **kwargs: Any) -> Handle:
    """Open the studio's page; see `app.main.launch` for the arguments."""
    from app.main import launch as open_page

    return open_page(*args, **kwargs)
