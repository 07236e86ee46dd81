"""Text files: opening them in their encoding, lines of bounded length, and plain text or Markdown as rows.

A row is a line, a paragraph, a section under a heading, or the whole file. To cut texts in another way, add a name to
`ReadSettings.text_rows` and a function to `CUTS`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from studio.data.readers import encodings
from studio.data.readers.encodings import Encoding
from studio.data.readers.source import MAX_ROW_CHARACTERS, TOO_LONG, BadRow, Item, ReadSettings, Source, Tally, kept
from studio.errors import DataError

SAMPLE_CHARACTERS = 1 << 20
SKIPPED_CHARACTERS = 1 << 20
HEADING = re.compile(r" {0,3}#{1,6}\s+\S")
FENCE = re.compile(r" {0,3}(```|~~~)")
MARKDOWN = (".md", ".markdown")
WORDS = {
    "line": "Each line is a row.",
    "paragraph": "Each paragraph is a row.",
    "section": "Each section under a heading is a row.",
    "file": "The whole file is one row.",
}

Line = tuple[int, str, bool]


def encoding_of(path: Path, settings: ReadSettings) -> Encoding:
    """The encoding that a person named, or the one that is found out. Raises `DataError` for an unknown name."""
    if not settings.encoding:
        return encodings.detect(path)
    try:
        "".encode(settings.encoding)
    except LookupError as error:
        raise DataError(f"There is no encoding called {settings.encoding!r}.", "Use for example utf-8, latin-1 or utf-16.") from error
    return Encoding(settings.encoding, f"Read as {settings.encoding}, as told.")


def open_text(path: Path, codec: str, newline: str | None = None, tally: Tally | None = None) -> TextIO:
    """A text file; bytes that do not fit its encoding are kept as surrogates, so that only their rows are set aside."""
    file = path.open("rb")
    if tally is not None:
        tally.watch(file)
    return io.TextIOWrapper(file, encoding=codec, errors="surrogateescape", newline=newline)


def sample_of(path: Path, codec: str, newline: str | None = None) -> str:
    """The beginning of a text file, up to the end of a line."""
    with open_text(path, codec, newline) as file:
        text = file.read(SAMPLE_CHARACTERS)
    end = max(text.rfind("\n"), text.rfind("\r")) + 1
    return text[:end] if len(text) == SAMPLE_CHARACTERS and end else text


def bounded_lines(file: TextIO, limit: int = MAX_ROW_CHARACTERS) -> Iterator[Line]:
    """Each line with its number; a line of more than `limit` characters comes cut, marked by False, and its rest is passed over."""
    number = 0
    while line := file.readline(limit):
        number += 1
        whole = len(line) < limit or line.endswith(("\n", "\r"))
        if not whole:
            while (rest := file.readline(SKIPPED_CHARACTERS)) and not rest.endswith(("\n", "\r")):
                pass
        yield number, line, whole


def open_plain(path: Path, settings: ReadSettings) -> Source:
    """Plain text or Markdown."""
    encoding = encoding_of(path, settings)
    unit: str = settings.text_rows
    if unit == "auto":
        unit = "section" if path.suffix.lower() in MARKDOWN else _unit(sample_of(path, encoding.codec))
    notes = [encoding.note] if encoding.note else []

    def items(tally: Tally) -> Iterator[Item]:
        with open_text(path, encoding.codec, None, tally) as file:
            for number, text in CUTS[unit](bounded_lines(file)):
                tally.weight += len(text)
                if len(text) >= MAX_ROW_CHARACTERS:
                    yield number, BadRow(number, TOO_LONG, kept(text))
                else:
                    yield number, {"text": text}

    return Source(path, "markdown" if path.suffix.lower() in MARKDOWN else "text", items, ["text"], notes=[*notes, WORDS[unit]])


def _unit(sample: str) -> str:
    """A line, unless the text is broken into paragraphs of several lines."""
    blocks = [block for block in re.split(r"\n\s*\n", sample) if block.strip()]
    lines = sum(len([line for line in block.splitlines() if line.strip()]) for block in blocks)
    return "paragraph" if len(blocks) > 1 and lines >= 2 * len(blocks) else "line"


def _by_line(lines: Iterator[Line]) -> Iterator[tuple[int, str]]:
    return ((number, line.rstrip("\n")) for number, line, _ in lines if line.strip())


def _by_paragraph(lines: Iterator[Line]) -> Iterator[tuple[int, str]]:
    return _joined(lines, lambda line, _: not line.strip())


def _by_section(lines: Iterator[Line]) -> Iterator[tuple[int, str]]:
    return _joined(lines, lambda line, fenced: not fenced and bool(HEADING.match(line)), sections=True)


def _by_file(lines: Iterator[Line]) -> Iterator[tuple[int, str]]:
    return _joined(lines, lambda _line, _fenced: False)


def _joined(lines: Iterator[Line], begins: Callable[[str, bool], bool], sections: bool = False) -> Iterator[tuple[int, str]]:
    """Lines put together until one `begins` the next row; a row that grows too long stops growing there and is set aside later.

    With `sections`, a heading that has nothing under it goes with the section behind it.
    """
    held: list[str] = []
    start, size, fenced = 1, 0, False
    for number, line, _ in lines:
        if begins(line, fenced) and (not sections or any(part.strip() and not HEADING.match(part) for part in held)):
            if text := "".join(held).strip("\n"):
                yield start, text
            held, size = [], 0
        if FENCE.match(line):
            fenced = not fenced
        if not held:
            if not line.strip():
                continue
            start = number
        if size < MAX_ROW_CHARACTERS:
            held.append(line)
            size += len(line)
    if text := "".join(held).rstrip().strip("\n"):
        yield start, text


CUTS: dict[str, Callable[[Iterator[Line]], Iterator[tuple[int, str]]]] = {
    "line": _by_line,
    "paragraph": _by_paragraph,
    "section": _by_section,
    "file": _by_file,
}
