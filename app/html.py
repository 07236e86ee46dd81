"""Builders of escaped HTML: tables, conversations, the token view, bars, differences, badges.

Everything that a person or a model wrote passes through `esc` here; nothing else in the page puts such text into HTML. To add a way to
show something, add a function that returns a string and escapes its arguments.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ROLE_WORDS = {"user": "User", "assistant": "Assistant", "system": "System", "tool": "Tool"}
SPAN_WORDS = {
    "trained": "trained on: the model learns to write this",
    "masked": "read only: the model sees this and does not learn it",
    "cut": "cut: beyond the longest row, the model never sees this",
}
CONTROL_PICTURES = str.maketrans({"\r": "␍", "\x00": "␀", "\x1b": "␛"})


def esc(text: object) -> str:
    """`text` as HTML that shows exactly that text, in an element or in a quoted attribute."""
    return html.escape(str(text).translate(CONTROL_PICTURES), quote=True)


def shorten(text: str, length: int = 90) -> str:
    """The first words of `text` on one line, with an ellipsis when something was left out (not escaped)."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def plural(number: int, noun: str, many: str | None = None) -> str:
    """`1 row`, `1,204 rows`."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def megabytes(size: float) -> str:
    """Bytes in the unit that reads best."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}" if size / scale < 1000 else f"{size / scale:,.0f} {unit}"
    return plural(int(size), "byte")


def parameters(number: int | float) -> str:
    """`3.05 M`, `7.2 B`: how many weights a model has."""
    for unit, scale in (("B", 1e9), ("M", 1e6), ("K", 1e3)):
        if number >= scale:
            return f"{number / scale:.3g} {unit}"
    return f"{number:,.0f}"


def badge(text: str, tone: str = "") -> str:
    """A small label; `tone` is empty, good, bad or warn, and the words carry the meaning."""
    return f'<span class="badge {esc(tone)}">{esc(text)}</span>'


def muted(text: str) -> str:
    return f'<p class="muted">{esc(text)}</p>'


def heading(title: str, note: str = "", extra: str = "") -> str:
    """A section's title with a quiet note behind it; `extra` is HTML made here (badges)."""
    tail = f' <span class="muted">{esc(note)}</span>' if note else ""
    return f'<h2 class="heading"><span class="clip">{esc(title)}</span>{" " + extra if extra else ""}{tail}</h2>'


def empty_state(title: str, text: str, step: str = "", presses: str = "") -> str:
    """What stands where nothing is yet: what this is for, and the next step; `step` is a button that presses the one of id `presses`."""
    press = f"document.getElementById('{presses}').click()"
    button = f'<button type="button" class="step" onclick="{esc(press)}">{esc(step)}</button>' if step else ""
    return f'<div class="empty"><h2>{esc(title)}</h2><p>{esc(text)}</p>{button}</div>'


@dataclass(frozen=True)
class Column:
    """A table's column: its title, whether it holds numbers, and whether it may be left out on a phone."""

    title: str
    number: bool = False
    wide_only: bool = False
    help: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell that is HTML already, made by a builder of this file."""

    markup: str


def table(
    columns: Sequence[Column],
    rows: Iterable[tuple[str, Sequence[object]]],
    selected: str = "",
    label: str = "",
    empty: str = "Nothing here.",
) -> str:
    """A table of `(key, cells)`; a row with a key can be chosen by click, Enter or Space in a `Choices` component."""
    classes = [" ".join(c for c, on in (("number", col.number), ("wide", col.wide_only)) if on) for col in columns]
    head = "".join(
        f'<th scope="col" class="{cls}" title="{esc(col.help)}">{esc(col.title)}</th>' for col, cls in zip(columns, classes, strict=True)
    )
    body = "".join(_row(key, cells, classes, bool(key) and key == selected) for key, cells in rows)
    if not body:
        return f'<div class="table-empty">{esc(empty)}</div>'
    top = f'<div class="scroll"><table class="list" aria-label="{esc(label)}">'
    return f"{top}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _row(key: str, cells: Sequence[object], classes: Sequence[str], selected: bool) -> str:
    inner = "".join(
        f'<td class="{cls}">{cell.markup if isinstance(cell, Cell) else esc(cell)}</td>' for cell, cls in zip(cells, classes, strict=True)
    )
    pick = f' data-key="{esc(key)}" tabindex="0"' if key else ""
    return f'<tr{pick} aria-current="{str(selected).lower()}">{inner}</tr>'


def facts(pairs: Iterable[tuple[str, object]]) -> str:
    """Names and values, one line each; a value may be a `Cell`."""
    items = "".join(f"<dt>{esc(name)}</dt><dd>{v.markup if isinstance(v, Cell) else esc(v)}</dd>" for name, v in pairs)
    return f'<dl class="facts">{items}</dl>'


def text_block(text: str) -> str:
    """Text exactly as it is, its lines kept."""
    return f'<div class="verbatim">{esc(text)}</div>' if text else '<div class="verbatim muted">(empty)</div>'


def _role(message: Mapping[str, Any]) -> str:
    role = str(message.get("role", ""))
    return " ".join(filter(None, [ROLE_WORDS.get(role, role), str(message.get("name") or "")]))


def _said(message: Mapping[str, Any]) -> str:
    """What a message says, then the tools that it calls."""
    calls = [call.get("function", {}) for call in json.loads(message.get("tool_calls") or "[]")]
    called = [f"calls {call.get('name')} with {json.dumps(call.get('arguments'), ensure_ascii=False)}" for call in calls]
    content = str(message.get("content") or "")
    return "".join(text_block(text) for text in ([content] if content or not called else []) + called)


def messages(items: Sequence[Mapping[str, Any]], title: str = "") -> str:
    """A conversation, one block a message."""
    blocks = "".join(
        f'<div class="message {esc(m.get("role", ""))}"><div class="role">{esc(_role(m))}</div>{_said(m)}</div>' for m in items
    )
    top = f'<div class="part">{esc(title)}</div>' if title else ""
    return f'<div class="conversation">{top}{blocks}</div>'


PARTS = ("messages", "prompt", "chosen", "rejected", "completion", "completions")
PART_TITLES = {"messages": "", "prompt": "Prompt", "chosen": "Chosen", "rejected": "Rejected", "completion": "Answer"}


def row_view(row: Mapping[str, Any]) -> str:
    """One row of any kind: its conversations, then its other columns as facts."""
    parts = []
    for name in PARTS:
        value = row.get(name)
        if not value:
            continue
        several = value if name == "completions" else [value]
        for i, item in enumerate(several):
            rank = row.get("ranks", [])[i : i + 1]
            title = f"Answer {i + 1}" + (f", rank {rank[0]}" if rank else "") if name == "completions" else PART_TITLES[name]
            parts.append(messages(item, title))
    if row.get("text") is not None and "messages" not in row:
        parts.append(text_block(str(row["text"])))
    rest = [(k, v) for k, v in row.items() if k not in (*PARTS, "ranks", "text") and not k.startswith("_") and v is not None]
    return "".join(parts) + (facts(rest) if rest else "")


def token_view(spans: Iterable[Any]) -> str:
    """A rendered row: what is trained is underlined, what is only read is plain, what is cut is struck through, each in its own colour."""
    pieces = "".join(
        f'<span class="span {esc(s.state)}" title="{esc(SPAN_WORDS.get(s.state, s.state))}">{esc(s.text)}</span>' for s in spans
    )
    legend = "".join(f'<span class="span {state}">{esc(words.split(":")[0])}</span>' for state, words in SPAN_WORDS.items())
    return f'<div class="legend">{legend}</div><div class="verbatim tokens">{pieces}</div>'


def bars(values: Mapping[str, float]) -> str:
    """Probabilities, the largest first, each with its figure and a bar."""
    ordered = sorted(values.items(), key=lambda item: -item[1])
    rows = "".join(
        f'<div class="bar-row"><span class="clip">{esc(label)}</span>'
        f'<span class="meter"><span style="width:{100 * min(max(p, 0.0), 1.0):.1f}%"></span></span>'
        f'<span class="number">{100 * p:.1f} %</span></div>'
        for label, p in ordered
    )
    return f'<div class="bars">{rows}</div>'


def difference(pieces: Iterable[tuple[str, str]]) -> str:
    """Text with what differs marked: added words underlined, left out words struck through."""
    out = []
    for op, text in pieces:
        tag = {"insert": "ins", "added": "ins", "+": "ins", "delete": "del", "removed": "del", "-": "del"}.get(op)
        out.append(f"<{tag}>{esc(text)}</{tag}>" if tag else esc(text))
    return f'<div class="verbatim">{"".join(out)}</div>'


def progress(done: int, total: int, words: str) -> str:
    """How far something is, in words and as a bar."""
    share = 100 * done / total if total else 0
    return (
        f'<div class="progress" role="status"><span>{esc(words)}</span>'
        f'<progress max="100" value="{share:.0f}" aria-label="{esc(words)}"></progress></div>'
    )
