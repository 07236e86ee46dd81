"""How commands reach the studio: opened when first asked for, so that `--help` touches nothing."""

from __future__ import annotations

from studio.session import Studio


class Opener:
    """Opens the workspace when a command first asks for it, so that `--help` touches nothing."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._studio: Studio | None = None

    @property
    def studio(self) -> Studio:
        if self._studio is None:
            self._studio = Studio(self._path)
        return self._studio
