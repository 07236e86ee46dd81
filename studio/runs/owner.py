"""Who runs a run: a process, named so that a recycled process number is not mistaken for it.

The name is stored with a running run; when its process is gone, the run was interrupted.
"""

from __future__ import annotations

import os

import psutil

CLOCK_SLACK_SECONDS = 2.0
"""A process's start time is derived from the boot time, which the system may correct by a second."""


def this_process() -> str:
    """The name of this process: its number and when it started."""
    return f"{os.getpid()}:{psutil.Process().create_time():.2f}"


def is_alive(owner: str) -> bool:
    """Whether the process that `owner` names still runs; a zombie and another process under the same number do not count."""
    number, _, started = owner.partition(":")
    if not number or not started:
        return False
    try:
        process = psutil.Process(int(number))
        same = abs(process.create_time() - float(started)) <= CLOCK_SLACK_SECONDS
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
