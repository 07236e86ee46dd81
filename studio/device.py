"""The device that trains and answers: what it is, and who may use it now.

One owner at a time. A trainer `hold`s the device for a whole run and `offer`s it between two steps; inference takes a `turn`, at
once when the device is free, otherwise at the next offer. Nothing here imports torch until a torch device is asked for.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import psutil

from studio.errors import BusyError, ModelError

if TYPE_CHECKING:
    import torch

GIB = 2**30


@dataclass(frozen=True)
class DeviceInfo:
    """What this machine trains on; memory is the GPU's where there is one, else the machine's, in bytes."""

    kind: str
    name: str
    cores: int
    total_bytes: int
    free_bytes: int
    bfloat16: bool

    @property
    def label(self) -> str:
        """The words on the device chip: `CPU, 2 cores, 3 of 24 GB` or `H200, 12 of 139 GB`."""
        used = f"{(self.total_bytes - self.free_bytes) / GIB:.0f} of {self.total_bytes / GIB:.0f} GB"
        return f"CPU, {self.cores} cores, {used}" if self.kind == "cpu" else f"{self.name}, {used}"


def describe() -> DeviceInfo:
    """This machine's device, with its free memory now."""
    cores = _cores()
    gpu = _gpu()
    if gpu is not None:
        return DeviceInfo("cuda", gpu[0], cores, gpu[1], gpu[2], gpu[3])
    memory = psutil.virtual_memory()
    return DeviceInfo("cpu", "CPU", cores, memory.total, memory.available, False)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gpu() -> tuple[str, int, int, bool] | None:
    """Name, total and free bytes, and quick bfloat16 of the first GPU; asks torch if it is loaded, otherwise the driver's own tool."""
    if "torch" in sys.modules:
        import torch

        if not torch.cuda.is_available():
            return None
        free, total = torch.cuda.mem_get_info()
        return torch.cuda.get_device_name(), total, free, torch.cuda.is_bf16_supported()
    if not _driver_tool():
        return None
    query = "--query-gpu=name,memory.total,memory.free,compute_cap"
    answer = subprocess.run([_driver_tool(), query, "--format=csv,noheader,nounits"], capture_output=True, text=True, timeout=20)
    if answer.returncode != 0 or not answer.stdout.strip():
        return None
    name, total, free, capability = (part.strip() for part in answer.stdout.splitlines()[0].split(","))
    return name, int(total) * 2**20, int(free) * 2**20, float(capability) >= 8


@cache
def _driver_tool() -> str:
    return shutil.which("nvidia-smi") or ""


def torch_device(preference: str = "auto") -> torch.device:
    """The torch device for a preference of `auto`, `cpu` or `cuda`; raises `ModelError` when a GPU is asked for and there is none."""
    import torch

    if preference == "cpu" or (preference == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ModelError("There is no GPU that PyTorch can use.", "Choose the device auto or cpu, or see luthier doctor.")
    return torch.device("cuda")


def cpu_threads() -> int:
    """Threads for torch on this machine's CPU: its physical cores but one, which the page and the rest of the system keep.

    Two threads on two busy cores wait for each other and were many times slower than one on small models.
    """
    physical = psutil.cpu_count(logical=False) or 1
    return max(1, min(physical, _cores()) - 1)


@contextmanager
def torch_threads(count: int | None = None) -> Iterator[None]:
    """torch with `count` CPU threads in this thread, or with `cpu_threads()` of them; `OMP_NUM_THREADS` decides where it is set."""
    import torch

    before = torch.get_num_threads()
    wanted = count or int(os.environ.get("OMP_NUM_THREADS") or cpu_threads())
    torch.set_num_threads(wanted)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class Holder:
    """Who has the device: `name` is a run or a model, `detail` says what it is doing, `since` is a time in seconds."""

    name: str
    detail: str
    since: float


class Lease:
    """Exclusive use of the device within this process. Fair: an offer admits only the turns that were waiting when it was made."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holder: Holder | None = None
        self._holder_thread = 0
        self._turn: Holder | None = None
        self._turn_thread = 0
        self._waiting: list[object] = []
        self._admitted: list[object] = []

    def holder(self) -> Holder | None:
        """The trainer that holds the device, else the inference that has a turn, else nothing."""
        with self._changed:
            return self._holder or self._turn

    def describe(self, detail: str) -> None:
        """Say what the holder is doing now (shown in the page's header)."""
        with self._changed:
            if self._holder is not None:
                self._holder = Holder(self._holder.name, detail, self._holder.since)

    @contextmanager
    def hold(self, name: str, detail: str = "") -> Iterator[None]:
        """The device for a whole run; waits until it is free."""
        with self._changed:
            self._changed.wait_for(lambda: self._holder is None and self._turn is None)
            self._holder = Holder(name, detail, time.time())
            self._holder_thread = threading.get_ident()
        try:
            yield
        finally:
            with self._changed:
                self._holder = None
                self._changed.notify_all()

    @contextmanager
    def turn(self, name: str, timeout: float = 30.0) -> Iterator[None]:
        """The device for one answer. Nested turns of one thread, and turns of the holder's own thread, pass at once.

        Raises `BusyError` when the device was not offered within `timeout` seconds.
        """
        me = threading.get_ident()
        if (self._turn is not None and self._turn_thread == me) or (self._holder is not None and self._holder_thread == me):
            yield
            return
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            admitted = self._changed.wait_for(lambda: self._may_go(ticket), timeout)
            self._waiting.remove(ticket)
            if not admitted:
                self._leave(ticket)
                raise self._busy()
            self._turn = Holder(name, "answering", time.time())
            self._turn_thread = me
        try:
            yield
        finally:
            with self._changed:
                self._turn = None
                self._leave(ticket)

    def offer(self) -> bool:
        """Between two steps: let the turns that wait now run, and return when they are done; says whether there were any.

        The caller saves the random state before and restores it after, because whoever takes a turn may use it.
        """
        if not self._waiting:
            return False
        with self._changed:
            self._admitted = list(self._waiting)
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._admitted)
        return True

    def _may_go(self, ticket: object) -> bool:
        return self._turn is None and (self._holder is None or ticket in self._admitted)

    def _leave(self, ticket: object) -> None:
        if ticket in self._admitted:
            self._admitted.remove(ticket)
        self._changed.notify_all()

    def _busy(self) -> BusyError:
        holder = self._holder or self._turn
        what = f"{holder.name} ({holder.detail})" if holder and holder.detail else holder.name if holder else "another answer"
        return BusyError(f"The device is busy with {what}.", "Wait a moment and try again, or pause or stop the run.")


lease = Lease()
