"""JSON in its two habits: one object a line (JSONL), and one document that holds a list of rows.

Which of the two a file has is judged by its content, whatever its name. Lists are read element by element; only an object that holds the
list under a name, or columns, has to be read whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from studio.data.readers.source import MAX_ROW_CHARACTERS, TOO_LONG, BadRow, Item, ReadSettings, Source, Tally, Values, kept
from studio.data.readers.text import bounded_lines, encoding_of, open_text
from studio.errors import DataError

CHUNK_CHARACTERS = 1 << 20
MAX_DOCUMENT_BYTES = 256 << 20
SPACE = " \t\r\n"
ROW_NAMES = {"messages", "conversations", "prompt", "text", "instruction"}
DECODER = json.JSONDecoder()


class _Broken(Exception):
    """Where and why a document cannot be read on."""


def open_json(path: Path, settings: ReadSettings) -> Source:
    """A file of either habit: what its first line holds decides."""
    encoding = encoding_of(path, settings)
    notes = [encoding.note] if encoding.note else []
    document = _document(path, encoding.codec)
    if document is None:
        return Source(path, "jsonl", lambda tally: _line_rows(path, encoding.codec, tally), [], complete=False, notes=notes)
    if path.suffix.lower() != ".json":
        notes.append("The file holds one JSON document, not one object a line.")
    return Source(path, "json", document, [], complete=False, notes=notes)


def _document(path: Path, codec: str) -> Callable[[Tally], Iterator[Item]] | None:
    """How to read a file that is one JSON document; None for one object a line."""
    called_json = path.suffix.lower() == ".json"
    with open_text(path, codec, "\n") as file:
        lines = (line for line in bounded_lines(file) if line[1].strip())
        _, first, whole = next(lines, (1, "", True))
        alone = next(lines, None) is None
    start = first.lstrip(SPACE)[:1]
    if not start:
        return None
    value = _parsed(first) if whole else None
    if value is not None and not (alone and (called_json or isinstance(value, list))):
        return None  # a whole value on the first of several lines, or the only line of a .jsonl file
    if start == "[":
        return (lambda tally: _list_rows(path, codec, tally)) if value is not None or called_json or _begins_list(path, codec) else None
    if called_json or (start == "{" and not (whole and alone) and _is_document(path, codec)):
        return lambda tally: _object_rows(path, codec, tally)
    return None


def _parsed(text: str) -> Any:
    """The value of a text, or None where it is not JSON (or null)."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _begins_list(path: Path, codec: str) -> bool:
    """Whether the file begins as a list whose first element can be read."""
    with open_text(path, codec, "\n") as file:
        try:
            next(_elements(file), None)
        except _Broken:
            return False
    return True


def _is_document(path: Path, codec: str) -> bool:
    if path.stat().st_size > MAX_DOCUMENT_BYTES:
        return False
    return isinstance(_parsed(path.read_text(codec, "surrogateescape")), dict)


def _line_rows(path: Path, codec: str, tally: Tally) -> Iterator[Item]:
    """One object a line; lines that are none are set aside."""
    with open_text(path, codec, "\n", tally) as file:
        for number, line, whole in bounded_lines(file):
            tally.weight += len(line)
            if not whole:
                yield number, BadRow(number, TOO_LONG, kept(line))
                continue
            if line.isspace():
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield number, BadRow(number, json_reason(error), kept(line.rstrip("\r\n")))
                continue
            yield number, _row(number, value, line)


def _row(number: int, value: Any, text: str = "") -> Values | BadRow:
    if isinstance(value, dict):
        return value
    text = text.rstrip("\r\n") or json.dumps(value, ensure_ascii=False)
    return BadRow(number, f"is a {json_name(value)}, not an object with named fields", kept(text))


def _list_rows(path: Path, codec: str, tally: Tally) -> Iterator[Item]:
    """The elements of a list. Texts become rows of text, and lists conversations, where the first element is one."""
    with open_text(path, codec, "\n", tally) as file:
        wrap = ""
        try:
            for number, (value, size) in enumerate(_elements(file), 1):
                tally.weight += size
                if number == 1:
                    wrap = "text" if isinstance(value, str) else "messages" if isinstance(value, list) else ""
                if size > MAX_ROW_CHARACTERS:
                    yield number, BadRow(number, TOO_LONG)
                elif wrap and isinstance(value, str if wrap == "text" else list):
                    yield number, {wrap: value}
                else:
                    yield number, _row(number, value)
        except _Broken as error:
            raise DataError(f"{path.name} is {error}.", "Mend the file at that place, or export it again.") from error


def _elements(file: TextIO) -> Iterator[tuple[Any, int]]:
    """The elements of a JSON list with their lengths, read piece by piece. Raises `_Broken` where it is not valid JSON."""
    text, at, line, ended = file.read(CHUNK_CHARACTERS).lstrip(SPACE)[1:], 0, 1, False
    expects_value = may_end = True
    while True:
        at = _skip(text, at)
        mark = text[at : at + 1]
        if mark == "" and not ended:
            text, at, line, ended = _more(file, text, at, line)
            continue
        if mark == "]" and may_end:
            if text[at + 1 :].strip() or file.read(CHUNK_CHARACTERS).strip():
                raise _Broken(f"not valid JSON (something stands behind the list, line {line + text.count(chr(10), 0, at)})")
            return
        if not expects_value:
            if mark != ",":
                raise _Broken(f"not valid JSON (a comma or ] is missing, line {line + text.count(chr(10), 0, at)})")
            at, expects_value, may_end = at + 1, True, False
            continue
        try:
            value, end = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            if ended or isinstance(error, RecursionError) or len(text) - at > 2 * MAX_ROW_CHARACTERS:
                where = line + text.count("\n", 0, getattr(error, "pos", at))
                raise _Broken(
                    f"{json_reason(error, where)}, or a row in it {TOO_LONG}" if not ended else json_reason(error, where)
                ) from error
            text, at, line, ended = _more(file, text, at, line)
            continue
        if end == len(text) and not ended:  # a number may go on in the next piece
            text, at, line, ended = _more(file, text, at, line)
            continue
        yield value, end - at
        at, expects_value, may_end = end, False, True


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] in SPACE and at < len(text):
        at += 1
    return at


def _more(file: TextIO, text: str, at: int, line: int) -> tuple[str, int, int, bool]:
    """The text from `at` on with the next piece behind it, the new place and line, and whether the file has ended."""
    piece = file.read(max(CHUNK_CHARACTERS, len(text) - at))
    return text[at:] + piece, 0, line + text.count("\n", 0, at), not piece


def _object_rows(path: Path, codec: str, tally: Tally) -> Iterator[Item]:
    """The rows inside a document that is an object; it is read whole."""
    if path.stat().st_size > MAX_DOCUMENT_BYTES:
        raise DataError(
            f"{path.name} is one JSON object of {path.stat().st_size / 1e6:,.0f} MB, too large to be read whole.",
            "Save its list of rows on its own, or as JSONL with one object a line.",
        )
    try:
        value = json.loads(path.read_text(codec, "surrogateescape"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path.name} is {json_reason(error)}.", "Mend the file at that place, or export it again.") from error
    tally.say(path.stat().st_size)
    for number, item in enumerate(_rows_of(value, path.name), 1):
        tally.weight += 1000
        yield number, _row(number, item)


def _rows_of(value: Any, file_name: str) -> list[Any]:
    """The list of rows inside an object: a list under a name, or columns of one length, or the object itself."""
    if not isinstance(value, dict):
        raise DataError(f"{file_name} holds a {json_name(value)}; a list of rows is expected.", "Save the rows as a JSON list.")
    lists = {key: item for key, item in value.items() if isinstance(item, list)}
    objects = {key: item for key, item in lists.items() if item and isinstance(item[0], dict)}
    if len(lists) == len(value) > 1 and not objects and len({len(item) for item in lists.values()}) == 1:
        return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    chosen = objects or lists
    if len(chosen) != 1 or {"messages", "conversations"} & value.keys():
        if ROW_NAMES & value.keys():
            return [value]
        names = ", ".join(chosen) or "none"
        raise DataError(
            f"{file_name} holds an object in which one list of rows is expected; its lists: {names}.", "Save the list on its own."
        )
    name, rows = next(iter(chosen.items()))
    if rows and isinstance(rows[0], str):
        return [{name: item} for item in rows]
    if rows and isinstance(rows[0], list):
        return [{"messages": item} if isinstance(item, list) else item for item in rows]
    return list(rows)


def json_name(value: Any) -> str:
    """What a JSON value is called."""
    names = {dict: "object", list: "list", str: "text", bool: "truth value", int: "number", float: "number", type(None): "null"}
    return names[type(value)]


def json_reason(error: Exception, line: int | None = None) -> str:
    """Why a text is not JSON, with the place."""
    if isinstance(error, json.JSONDecodeError):
        place = f"line {error.lineno}, character {error.colno}" if line is None else f"line {line}"
        return f"not valid JSON ({error.msg}, {place})"
    return "not valid JSON (nested too deeply)" if isinstance(error, RecursionError) else f"not valid JSON ({error})"
