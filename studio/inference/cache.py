"""Models in memory: a few stay loaded, the one unused for longest is freed first. No torch until a model is loaded."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
from dataclasses import dataclass
from typing import Any

from studio.models.registry import ModelInfo, get_model
from studio.workspace import Workspace

CAPACITY = 2


@dataclass(frozen=True)
class Loaded:
    """A model in memory with its tokenizer, and the registry's entry that it was loaded from."""

    info: ModelInfo
    model: Any
    tokenizer: Any


class ModelCache:
    """Up to `capacity` loaded models, by name. A model whose weights changed in the registry is loaded anew."""

    def __init__(self, workspace: Workspace, device: str, capacity: int = CAPACITY) -> None:
        self.workspace = workspace
        self.device = device
        self.capacity = capacity
        self._lock = threading.RLock()
        self._loaded: dict[str, Loaded] = {}

    def get(self, name: str) -> Loaded:
        """The model `name`, loaded if need be; call it within a turn on the device. Raises `NotFoundError`, `ModelError`."""
        info = get_model(self.workspace, name)
        with self._lock:
            kept = self._loaded.pop(name, None)
            if kept is not None and (kept.info.id, kept.info.sha256) == (info.id, info.sha256):
                self._loaded[name] = kept
                return kept
            if kept is not None:
                kept = None
                free_memory()
            while len(self._loaded) >= self.capacity:
                self._drop(next(iter(self._loaded)))
            from studio.models.loading import load_for_inference

            model, tokenizer = load_for_inference(self.workspace, name, self.device)
            model.eval()
            self._loaded[name] = Loaded(info, model, tokenizer)
            return self._loaded[name]

    def names(self) -> list[str]:
        """The loaded models, the one unused for longest first; does not wait for a model that is loading."""
        return list(self._loaded)

    def unload(self, name: str | None = None) -> None:
        """Free one model, or all; a name that is not loaded is no error."""
        with self._lock:
            for each in [name] if name is not None else list(self._loaded):
                self._drop(each)

    def _drop(self, name: str) -> None:
        self._loaded.pop(name, None)
        free_memory()


def free_memory() -> None:
    """Give memory that nothing refers to any more back to the device and to the system."""
    gc.collect()
    if "torch" in sys.modules:
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "malloc_trim"):  # glibc keeps freed memory otherwise; other C libraries have no such call
            libc.malloc_trim(0)
