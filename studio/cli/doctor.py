"""`luthier doctor`: what this machine has, what is missing and how to get it."""

from __future__ import annotations

import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

from studio.cli.opener import Opener
from studio.cli.output import console, emit_json, json_option, size
from studio.device import describe
from studio.models.registry import network_allowed
from studio.workspace import Workspace

LIBRARIES = ("torch", "transformers", "trl", "peft", "datasets", "accelerate", "gradio", "plotly", "safetensors")
OPTIONAL = {"bitsandbytes": ("QLoRA", "pip install 'luthier[qlora]'")}


def examine(workspace: Workspace) -> dict[str, Any]:
    """All that `luthier doctor` says, as plain values."""
    device = describe()
    disk = shutil.disk_usage(workspace.root)
    missing = [{"package": name, "for": purpose, "get": command} for name, (purpose, command) in OPTIONAL.items() if _version(name) is None]
    return {
        "python": sys.version.split()[0],
        "system": platform.platform(),
        "libraries": {name: _version(name) for name in (*LIBRARIES, *OPTIONAL)},
        "device": {"kind": device.kind, "name": device.name, "cores": device.cores, "bfloat16": device.bfloat16},
        "memory": {"total": device.total_bytes, "free": device.free_bytes},
        "disk": {"total": disk.total, "free": disk.free},
        "workspace": str(workspace.root),
        "network": "allowed for Hub models" if network_allowed(workspace) else "not used",
        "missing": missing,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@click.command()
@json_option
@click.pass_obj
def doctor(opener: Opener, as_json: bool) -> None:
    """Versions, GPU, memory, disk, network use, and what is missing."""
    found = examine(opener.studio.workspace)
    if as_json:
        emit_json(found)
        return
    console.print(f"Python {found['python']} on {found['system']}", markup=False)
    console.print("Libraries: " + ", ".join(f"{name} {v}" for name, v in found["libraries"].items() if v), markup=False)
    device = found["device"]
    console.print(f"Device: {device['name']}, {device['cores']} CPU cores; memory {size(found['memory']['free'])} free of "
                  f"{size(found['memory']['total'])}", markup=False)  # fmt: skip
    if device["kind"] == "cpu":
        console.print("No GPU that PyTorch can use: small models train well here, large ones slowly.")
    console.print(
        f"Workspace: {found['workspace']}; disk {size(found['disk']['free'])} free of {size(found['disk']['total'])}", markup=False
    )
    console.print(f"Network: {found['network']}")
    for item in found["missing"]:
        console.print(f"Missing {item['package']}, needed for {item['for']}: {item['get']}", markup=False)
    if not found["missing"]:
        console.print("Nothing is missing.")


COMMANDS = (doctor,)
