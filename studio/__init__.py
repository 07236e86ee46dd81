"""Luthier's engine. `import studio; s = studio.open()` gives everything that the page can do.

Opening a studio does not import torch; training or generating for the first time does.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.session import Studio

# Nothing leaves this machine unless the person asks for a Hub model; these must be set before the libraries are imported.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_UPDATE_DOWNLOAD_COUNTS", "0")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

__all__ = ["open"]
__version__ = "0.1.0"


def open(path: str | Path | None = None) -> Studio:
    """Open a workspace (made if it is not there): `$LUTHIER_WORKSPACE` or `~/luthier` unless `path` says otherwise."""
    from studio.session import Studio

    return Studio(path)
