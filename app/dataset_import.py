"""Adding data: upload files or take a shipped sample, see what was recognised, say which column gives what where it was not, import.

`look_at`, `preview` and `bring_in` are the substance and need no page. The mapping form is made from `TARGETS` and the fields of `Mapping`,
so a new part appears here by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from app import html
from app.guard import notice
from studio.data import store
from studio.data.formats import BadRow, read_file
from studio.data.mapping import PREFIXES, TARGETS, Mapping, apply_mapping
from studio.data.recognise import recognise
from studio.data.samples import Sample, shipped_samples
from studio.data.splits import SplitSettings
from studio.errors import DataError
from studio.workspace import Workspace

LOOKED_AT = 1000
PREVIEWED = 3
SHOWN_BAD_ROWS = 20
KIND_WORDS = {
    "chat": "Chats: questions and answers to learn from",
    "labelled": "Labelled texts: for classification",
    "text": "Plain text: to read on and on",
    "preference": "Preferences: a better and a worse answer",
    "prompt": "Prompts without answers",
    "unpaired": "Answers marked good or bad",
    "ranking": "Ranked answers",
    "rating": "Answers with a score",
}
PARTS = [name for name in Mapping.model_fields if name not in ("kind", *PREFIXES.values())]


@dataclass
class Upload:
    """One file on its way in: what was found in it, the mapping that will be used, and what became of it."""

    path: Path
    name: str
    columns: list[str] = field(default_factory=list)
    mapping: Mapping | None = None
    found: str = ""
    why: str = ""
    confidence: float = 0.0
    problem: str = ""
    imported: str = ""

    @property
    def status(self) -> str:
        """Where the file stands, in words."""
        if self.imported:
            return f"imported as {self.imported}"
        if self.problem:
            return "cannot be read"
        return f"recognised: {self.found}" if self.found else "say which column gives what"


def dataset_name(file_name: str) -> str:
    """A name for a dataset that comes from this file."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(file_name).stem).strip("-._")
    return stem[:80] or "dataset"


def look_at(path: str | Path) -> Upload:
    """What a file holds; a file that cannot be used gives an upload with a `problem`, never an error."""
    upload = Upload(Path(path), dataset_name(Path(path).name))
    try:
        raw = read_file(upload.path, limit_rows=LOOKED_AT)
    except DataError as error:
        upload.problem = f"{error.message.rstrip('.')}. {error.remedy}".strip()
        return upload
    upload.columns = list(raw.columns)
    recognition = recognise(raw)
    if recognition is not None:
        upload.mapping, upload.found = recognition.mapping, recognition.shape
        upload.confidence, upload.why = recognition.confidence, recognition.why
    return upload


def said(upload: Upload) -> str:
    """What was found in the file, as HTML."""
    if upload.problem:
        return notice(upload.problem)
    columns = ", ".join(upload.columns[:12]) + (" …" if len(upload.columns) > 12 else "")
    if upload.found:
        sure = f"{100 * upload.confidence:.0f} % sure"
        return html.heading(upload.path.name, f"recognised as {upload.found}, {sure}") + html.muted(upload.why)
    return html.heading(upload.path.name) + notice(
        f"The columns of this file are not recognised ({columns}). Say below what the rows are and which column gives what.", "warning"
    )


def mapping_from(kind: str, values: dict[str, str | None], roles: dict[str, str] | None = None) -> Mapping:
    """The mapping that a form describes; parts that the kind does not have are left out."""
    names = {target.name for target in TARGETS[kind]}
    filled = {name: value.replace("\\n", "\n") for name, value in values.items() if name in names and value}
    return Mapping.model_validate({"kind": kind, "roles": roles or {}, **filled})


def preview(upload: Upload, mapping: Mapping | None) -> str:
    """Three rows as they would be imported, and what would be set aside."""
    if upload.problem or mapping is None:
        return ""
    if not mapping.sources():
        return html.muted("Choose at least one column to see how the rows come out.")
    raw = read_file(upload.path, limit_rows=LOOKED_AT)
    try:
        rows, bad = apply_mapping(raw, mapping)
    except DataError as error:
        return notice(error, "warning")
    shown = "".join(f'<div class="preview-row">{html.row_view(row)}</div>' for row in rows[:PREVIEWED])
    many = "" if len(raw.rows) < LOOKED_AT else f" among the first {LOOKED_AT:,}"
    counts = html.muted(f"{html.plural(len(rows), 'row')} can be used{many}; the first {min(PREVIEWED, len(rows))}:") if rows else ""
    return set_aside(bad, len(bad), many) + counts + f'<div class="previews">{shown}</div>'


def set_aside(bad: list[BadRow], count: int, where: str = "") -> str:
    """The rows that cannot be used, each with its line and the reason."""
    if not count:
        return ""
    lines = html.table(
        [html.Column("Line", number=True), html.Column("Why it is set aside")],
        [("", (f"{b.line:,}", b.reason)) for b in bad[:SHOWN_BAD_ROWS]],
        label="Rows that cannot be used",
    )
    more = html.muted(f"and {count - SHOWN_BAD_ROWS:,} more") if count > SHOWN_BAD_ROWS else ""
    verb = "is" if count == 1 else "are"
    summary = f"{html.plural(count, 'row')}{where} cannot be used and {verb} set aside"
    return f'<details class="set-aside"><summary>{summary}</summary>{lines}{more}</details>'


def bring_in(ws: Workspace, upload: Upload, name: str, mapping: Mapping | None, validation: float) -> store.VersionInfo:
    """Import one file. Raises `DataError`."""
    if upload.problem:
        raise DataError(upload.problem)
    if mapping is None or not mapping.sources():
        raise DataError(f"It is not clear which column of {upload.path.name} gives what.", "Choose the columns below.")
    return store.import_file(ws, upload.path, name.strip(), mapping, SplitSettings(validation=validation))


def take_sample(ws: Workspace, name: str) -> store.VersionInfo:
    """Import a shipped sample; one that is here already is not imported twice."""
    sample = next(s for s in shipped_samples() if s.name == name)
    for version in store.list_datasets(ws):
        if version.dataset == sample.name:
            return version
    return store.import_file(ws, sample.path, sample.name)


def samples_table(samples: list[Sample]) -> str:
    """The shipped samples; choosing one imports it."""
    return html.table(
        [html.Column("Shipped samples"), html.Column("What for")],
        [(s.name, (html.Cell(f"<strong>{html.esc(s.title)}</strong>"), s.what_for)) for s in samples],
        label="Shipped samples",
        empty="This installation has no samples.",
    )


def uploads_table(uploads: list[Upload], current: int) -> str:
    """The chosen files and where each stands; one file needs no table."""
    if len(uploads) < 2:
        return ""
    return html.table(
        [html.Column("Chosen files"), html.Column("State")],
        [(str(i), (u.path.name, u.status)) for i, u in enumerate(uploads)],
        selected=str(current),
        label="Chosen files",
    )


def outcome(version: store.VersionInfo) -> str:
    """What an import brought, as HTML."""
    splits = ", ".join(f"{count:,} {name}" for name, count in version.splits.items())
    words = notice(f"Imported {version.dataset} version {version.number}: {html.plural(version.rows, 'row')} ({splits}).", "info")
    return words + set_aside(version.bad_rows, version.bad_row_count)
