"""A calm terminal and log: what the libraries say to developers, not to the person who trains, is not shown.

Each entry names one message and the reason why nobody needs it; errors and all other warnings pass. To silence another message, add it to
`WARNINGS` (raised with `warnings.warn`) or to `LOGGED` (written to a logger). Nothing here imports a library.
"""

from __future__ import annotations

import logging
import warnings

WARNINGS: tuple[tuple[type[Warning], str], ...] = (
    # PEFT and TRL ask transformers by the old name of this property; the answer is the same.
    (FutureWarning, "`is_gradient_checkpointing` is deprecated"),
    # PEFT looks whether an adapter's base had its vocabulary changed; nothing here changes it.
    (UserWarning, "Could not find a config file in"),
    # Virtual tokens have no place among position ids, and the studio never packs with them.
    (UserWarning, "Position ids are not supported for parameter efficient tuning"),
)
LOGGED: tuple[tuple[str, str], ...] = (
    # An optional kernel that would be downloaded; bitsandbytes then uses its own.
    ("bitsandbytes.backends.cpu.ops", "Failed to load CPU gemm_4bit_forward"),
)


class _Without(logging.Filter):
    """Lets every record pass but those that begin with `beginning`."""

    def __init__(self, beginning: str) -> None:
        super().__init__()
        self.beginning = beginning

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith(self.beginning)


def quiet() -> None:
    """Silence the messages above in this process; may be called again."""
    for category, beginning in WARNINGS:
        warnings.filterwarnings("ignore", message=beginning, category=category)
    for name, beginning in LOGGED:
        logger = logging.getLogger(name)
        if not any(isinstance(item, _Without) and item.beginning == beginning for item in logger.filters):
            logger.addFilter(_Without(beginning))
