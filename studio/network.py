"""Whether a workspace may use the network: to fetch models and datasets of the Hugging Face Hub. It may not unless a person allowed it."""

from __future__ import annotations

from studio.db import Preference
from studio.workspace import Workspace

NETWORK_KEY = "network"
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
"""What keeps the Hub's libraries offline in this process; a child that fetches runs without them."""


def network_allowed(ws: Workspace) -> bool:
    """Whether this workspace may use the network; it may not unless a person allowed it."""
    with ws.db.read() as session:
        row = session.get(Preference, NETWORK_KEY)
        return bool(row and row.value.get("allowed"))


def allow_network(ws: Workspace, allowed: bool) -> None:
    """Remember whether this workspace may use the network."""
    with ws.db.write() as session:
        session.merge(Preference(key=NETWORK_KEY, value={"allowed": allowed}))
