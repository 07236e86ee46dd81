"""How the command line prints: tables and sentences for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from studio.runs.folder import RunFolder

console = Console(highlight=False, soft_wrap=True)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--json`; the command gets it as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


def plain(value: Any) -> Any:
    """`value` as something JSON can hold: dataclasses and settings become dictionaries, times and paths become text."""
    if isinstance(value, RunFolder):
        return str(value.path)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, Path):
        return str(value)
    return value


def emit_json(value: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(plain(value), ensure_ascii=False, indent=2))


def emit_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], empty: str) -> None:
    """Print a table with its count, or the sentence that says what to do when there is nothing."""
    if not rows:
        console.print(empty)
        return
    table = Table(title=f"{title} ({len(rows)})", title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console.print(table)


@contextmanager
def progress_line(what: str) -> Iterator[Callable[..., None]]:
    """A function that shows how far a long task is, on one line of standard error that is gone at the end; no terminal, no line.

    Call it with what is done and, where it is known, with the whole.
    """
    screen = Console(stderr=True, highlight=False)
    with screen.status("") as status:

        def told(done: int, *whole: int) -> None:
            share = f" of {whole[-1]:,}" if whole and what != "rows" else ""
            status.update(f"{done:,}{share} {what}")

        yield told


def size(count: float) -> str:
    """A number of bytes in words: `1.4 GB`."""
    for unit in ("B", "KB", "MB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GB"


def parameters(count: int) -> str:
    """A number of weights in words: `3.1 M`."""
    return f"{count / 1e9:.2f} B" if count >= 1e9 else f"{count / 1e6:.2f} M"


def duration(seconds: float | None) -> str:
    """Seconds in words: `1 min 40 s`."""
    if seconds is None:
        return "unknown"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def marked(pieces: Iterable[tuple[str, str]]) -> str:
    """A difference of two texts as one: `[+added+]`, `[-left out-]`."""
    return "".join({"insert": f"[+{text}+]", "delete": f"[-{text}-]"}.get(op, text) for op, text in pieces)
