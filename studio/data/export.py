"""A version as files for others: JSON lines, CSV or Parquet, one file a split, with a data card that says where the rows come from.

Columns are those that TRL takes; an import reads each format back into the same rows. A CSV is for spreadsheets: cells that one would run
as a formula get an apostrophe in front. To add a format, add a writer to `WRITERS`.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from studio.data import paging, store, versions
from studio.data.schema import Row, without_nulls
from studio.data.store import VersionInfo
from studio.errors import DataError, NotFoundError
from studio.workspace import Workspace

Format = Literal["jsonl", "csv", "parquet"]
FORMATS: tuple[str, ...] = get_args(Format)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
CARD = "README.md"
COUNTED_SOURCES = 20


def export(
    ws: Workspace, ref: str, path: str | Path, format: str = "jsonl", splits: Sequence[str] | None = None, licence: str = ""
) -> list[Path]:
    """Write a version into the folder `path`, which is made: a file a split and the card. Gives the files, the card last.

    Raises `DataError` for an unknown format and when a file of that name is there already, `NotFoundError` for an unknown split.
    """
    info, folder = store.get_version(ws, ref), Path(path).expanduser()
    if format not in FORMATS:
        raise DataError(f"A dataset cannot be exported as {format!r}.", f"Use {', '.join(FORMATS)}.")
    chosen = [side for side in info.splits if splits is None or side in splits]
    if unknown := sorted(set(splits or []) - set(info.splits)):
        raise NotFoundError(f"{info.ref} has no split called {', '.join(unknown)}.", f"It has {', '.join(info.splits)}.")
    names = [f"{side}.{format}" for side in chosen]
    if there := [name for name in [*names, CARD] if (folder / name).exists()]:
        raise DataError(f"The folder {folder} has a {there[0]} already.", "Choose another folder, or remove that file.")
    sources: Counter[str] = Counter()
    temporary = folder / f".tmp-{uuid.uuid4().hex}"
    try:
        temporary.mkdir(parents=True)
        for side, name in zip(chosen, names, strict=True):
            WRITERS[format](info.folder / f"{side}.parquet", temporary / name, sources)
        (temporary / CARD).write_text(card(ws, ref, format, chosen, licence, sources), encoding="utf-8")
        for name in [*names, CARD]:
            os.replace(temporary / name, folder / name)
    except OSError as error:
        raise DataError(
            f"{info.ref} cannot be written to {folder}: {error.strerror or error}.", "Choose a folder that you can write to."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return [folder / name for name in [*names, CARD]]


def archive(ws: Workspace, ref: str, folder: str | Path, format: str = "jsonl") -> Path:
    """One ZIP file of the export in `folder`, for a download."""
    info = store.get_version(ws, ref)
    name = f"{info.dataset}-v{info.number}-{format}"
    inside = Path(folder) / name
    try:
        export(ws, ref, inside, format)
        return Path(shutil.make_archive(str(inside), "zip", root_dir=folder, base_dir=name))
    finally:
        shutil.rmtree(inside, ignore_errors=True)


def card(ws: Workspace, ref: str, format: str, splits: Sequence[str], licence: str, sources: Counter[str]) -> str:
    """The data card, in the form that the Hugging Face Hub reads: how many rows, from where, under which licence, made by which steps."""
    info = store.get_version(ws, ref)
    chain = versions.lineage(ws, ref)
    licence = licence or next((str(v.step["licence"]) for v in reversed(chain) if v.step.get("licence")), "")
    files = [{"split": side, "path": f"{side}.{format}"} for side in splits]
    head: dict[str, Any] = {"pretty_name": info.dataset, "configs": [{"config_name": "default", "data_files": files}]}
    if licence:
        head["license"] = licence
    lines = [
        "---",
        yaml.safe_dump(head, sort_keys=False, allow_unicode=True).rstrip(),
        "---",
        "",
        f"# {info.dataset}, version {info.number}",
        "",
    ]
    lines += [f"{info.rows:,} rows of kind `{info.kind}`. Made with Luthier on {info.created_at:%d %B %Y}.", ""]
    lines += ["| split | rows |", "|---|---|", *(f"| {side} | {info.splits[side]:,} |" for side in splits), ""]
    lines += [f"Licence: {licence or 'not stated; ask whoever gave you the data before you pass it on'}.", ""]
    lines += ["## Where the rows come from", "", *_origins(chain, sources), ""]
    lines += ["## Steps", "", *(line for version in chain for line in _step_lines(version))]
    if format == "csv":
        lines += ["", "Cells that a spreadsheet would run as a formula begin with an apostrophe; conversations are JSON text."]
    return "\n".join(lines) + "\n"


def _origins(chain: list[VersionInfo], sources: Counter[str]) -> list[str]:
    files = [f"- the file `{_code(v.step['file'])}`" for v in chain if v.step.get("file")]
    named = [f"- {_plain(name)}: {count:,} rows" for name, count in sources.most_common(COUNTED_SOURCES)]
    more = [f"- and {len(sources) - COUNTED_SOURCES} more sources"] if len(sources) > COUNTED_SOURCES else []
    return files + named + more or ["Not stated."]


def _step_lines(info: VersionInfo) -> Iterator[str]:
    """One version of the history: what was done, by whom, with which counts and settings."""
    step = dict(info.step)
    counts = ", ".join(f"{_plain(name)} {count:,}" for name, count in step.get("counts", {}).items() if isinstance(count, int))
    by = f" by {_plain(step['author'])}" if step.get("author") else ""
    made = f"{info.created_at:%d %b %Y, %H:%M} UTC"
    yield f"{info.number}. **{_plain(step.get('kind', 'made'))}**{by}, {made}: {info.rows:,} rows{f' ({counts})' if counts else ''}."
    if step.get("note"):
        yield f"   {_plain(step['note'])}"
    left = ("kind", "author", "note", "counts", "bad_rows", "journal", "base", "file", "licence")
    if settings := {name: value for name, value in step.items() if name not in left and value not in ("", None, [], {})}:
        yield ""
        yield "   ```yaml"
        yield from (
            f"   {line}" for line in yaml.safe_dump(settings, sort_keys=False, allow_unicode=True).replace("```", "'''").splitlines()
        )
        yield "   ```"


def _plain(text: object) -> str:
    """Text on one line that Markdown does not take for markup."""
    line = " ".join(str(text).split())
    return "".join(f"\\{mark}" if mark in "\\`*_[]<>#|" else mark for mark in line)


def _code(text: object) -> str:
    return " ".join(str(text).split()).replace("`", "'")


def _tables(path: Path, sources: Counter[str]) -> Iterator[pa.Table]:
    """The groups of a split; counts where their rows come from."""
    with paging.opened(path) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, use_threads=False)
            if "source" in table.column_names:
                sources.update(value for value in table.column("source").to_pylist() if value)
            yield table


def _rows(path: Path, sources: Counter[str]) -> Iterator[Row]:
    return (without_nulls(row) for table in _tables(path, sources) for row in table.to_pylist())


def _write_jsonl(path: Path, target: Path, sources: Counter[str]) -> None:
    with target.open("w", encoding="utf-8") as file:
        for row in _rows(path, sources):
            file.write(json.dumps({name: _opened(name, value) for name, value in row.items()}, ensure_ascii=False) + "\n")


def _opened(name: str, value: Any) -> Any:
    """A value with the tools and calls that are kept as JSON text as what they stand for, as chat templates take them."""
    if name in ("tools", "tool_calls"):
        return json.loads(value)
    if isinstance(value, list):
        return [_opened("", item) for item in value]
    if isinstance(value, dict):
        return {key: _opened(key, item) for key, item in value.items()}
    return value


def _write_csv(path: Path, target: Path, sources: Counter[str]) -> None:
    """With a byte order mark, without which spreadsheets misread letters beyond ASCII."""
    with paging.opened(path) as file:
        names = list(file.schema_arrow.names)
    with target.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(names)
        for row in _rows(path, sources):
            writer.writerow([_cell(name, row.get(name)) for name in names])


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return "'" + value if value.startswith(FORMULA) else value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(_opened(name, value), ensure_ascii=False)


def _write_parquet(path: Path, target: Path, sources: Counter[str]) -> None:
    with paging.opened(path) as file:
        schema = file.schema_arrow
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for table in _tables(path, sources):
            writer.write_table(table)


WRITERS: dict[str, Callable[[Path, Path, Counter[str]], None]] = {
    "jsonl": _write_jsonl,
    "csv": _write_csv,
    "parquet": _write_parquet,
}
