"""Adding data: upload files or take a shipped sample, see what was recognised, say which column gives what where it was not, import.

`look_at`, `preview` and `bring_in` are the substance and need no page. The mapping form is made from `TARGETS` and the fields of `Mapping`,
so a new part appears here by itself. What a person has to name (roles, verdicts) is asked for by `questions`, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Event

from app import html
from app.guard import notice
from studio.data import store
from studio.data.formats import ARCHIVES, BadRow, RawTable, ReadSettings, read_file
from studio.data.importing import Progress, suggest_name
from studio.data.mapping import PREFIXES, TARGETS, Mapping, apply_mapping, unnamed
from studio.data.recognise import Recognition, guesses, recognise
from studio.data.samples import Sample, shipped_samples
from studio.data.saved_mappings import load_mapping, suggest_mappings
from studio.data.schema import Row
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
MOST_ASKED = 6
PARTS = [name for name in Mapping.model_fields if name not in ("kind", *PREFIXES.values())]


@dataclass
class Upload:
    """One file on its way in: what was found in it, the mapping that will be used, and what became of it.

    `readings` are all that it was taken for or might be, the likelier first; `saved` is the kept mapping that was filled in by itself.
    """

    path: Path
    name: str
    columns: list[str] = field(default_factory=list)
    mapping: Mapping | None = None
    found: str = ""
    why: str = ""
    confidence: float = 0.0
    readings: list[Recognition] = field(default_factory=list)
    saved: str = ""
    settings: ReadSettings = field(default_factory=ReadSettings)
    notes: list[str] = field(default_factory=list)
    problem: str = ""
    imported: str = ""

    @property
    def understood(self) -> bool:
        """Whether it can be imported as it is, without a person saying which column gives what."""
        return not self.problem and bool(self.found or self.saved)

    @property
    def status(self) -> str:
        """Where the file stands, in words."""
        if self.imported:
            return f"imported as {self.imported}"
        if self.problem:
            return "cannot be read"
        if self.saved:
            return f"fits the saved mapping {self.saved}"
        return f"recognised: {self.found}" if self.found else "say which column gives what"


def look_at(path: str | Path, ws: Workspace | None = None, settings: ReadSettings | None = None) -> Upload:
    """What a file holds; a file that cannot be used gives an upload with a `problem`, never an error.

    `settings` is what a person said about how it is to be read. A file that is not recognised gets the kept mapping of the workspace that
    reads most of its columns, if one fits.
    """
    upload = Upload(Path(path), suggest_name(Path(path).name), settings=settings or ReadSettings())
    try:
        raw = head_of(upload)
    except DataError as error:
        upload.problem = f"{error.message.rstrip('.')}. {error.remedy}".strip()
        return upload
    upload.columns, upload.notes = list(raw.columns), list(raw.notes)
    recognition = recognise(raw)
    if recognition is not None:
        upload.readings = [recognition, *recognition.alternatives]
        take(upload, recognition)
        return upload
    upload.readings = guesses(raw)
    if ws is not None and (fitting := suggest_mappings(ws, upload.columns)):
        upload.saved, upload.mapping = fitting[0], load_mapping(ws, fitting[0])
    return upload


def head_of(upload: Upload) -> RawTable:
    """The first rows of a file."""
    status = upload.path.stat() if upload.path.is_file() else None
    return _head(upload.path, upload.settings.model_dump_json(), status and (status.st_mtime_ns, status.st_size))


@lru_cache(maxsize=32)
def _head(path: Path, settings: str, _state: object) -> RawTable:
    """As `head_of`, kept as long as the file stays as it is, for the preview asks after every key."""
    return read_file(path, LOOKED_AT, settings=ReadSettings.model_validate_json(settings))


def take(upload: Upload, reading: Recognition) -> None:
    """Use one of the readings of a file."""
    upload.mapping, upload.found, upload.saved = reading.mapping, reading.shape, ""
    upload.confidence, upload.why = reading.confidence, reading.why


def questions(upload: Upload, mapping: Mapping) -> list[tuple[str, str]]:
    """What a person has to name before all rows can be used: ("role" or "verdict", the file's own word for it), the frequent first."""
    try:
        roles, verdicts = unnamed(head_of(upload), mapping)
    except DataError:  # a part is missing yet: the preview says so
        return []
    return [*(("role", role) for role in roles), *(("verdict", verdict) for verdict in verdicts)][:MOST_ASKED]


def said(upload: Upload) -> str:
    """What was found in the file, as HTML."""
    if upload.problem:
        return notice(upload.problem)
    columns = ", ".join(upload.columns[:12]) + (" …" if len(upload.columns) > 12 else "")
    notes = html.muted(" ".join(upload.notes)) if upload.notes else ""
    if upload.found:
        sure = f"{100 * upload.confidence:.0f} % sure"
        return html.heading(upload.path.name, f"recognised as {upload.found}, {sure}") + html.muted(upload.why) + notes
    if upload.saved:
        return html.heading(upload.path.name, f"the saved mapping {upload.saved} fits") + html.muted(f"Its columns: {columns}.") + notes
    unclear = f"The columns of this file are not recognised ({columns}). Say below what the rows are and which column gives what."
    return html.heading(upload.path.name) + notice(unclear, "warning") + notes


def readings_table(upload: Upload) -> str:
    """Everything that the file can be taken for, each with how sure that is; one reading needs no table."""
    if len(upload.readings) < 2 and upload.found:
        return ""
    chosen = next((str(i) for i, reading in enumerate(upload.readings) if reading.mapping == upload.mapping), "")
    return (
        html.table(
            [html.Column("It can be read as"), html.Column("Sure", number=True), html.Column("Why", wide_only=True)],
            [(str(i), (f"{r.shape} ({r.mapping.kind})", f"{100 * r.confidence:.0f} %", r.why)) for i, r in enumerate(upload.readings)],
            selected=chosen,
            label="Ways to read the file",
        )
        if upload.readings
        else ""
    )


def mapping_from(kind: str, values: dict[str, str | None], **tables: dict[str, str]) -> Mapping:
    """The mapping that a form describes; parts that the kind does not have are left out. `tables` are its roles, verdicts and so on."""
    names = {target.name for target in TARGETS[kind]}
    filled = {name: value.replace("\\n", "\n") for name, value in values.items() if name in names and value}
    return Mapping.model_validate({"kind": kind, **tables, **filled})


def preview(upload: Upload, mapping: Mapping | None, view: Callable[[Row, str], str] | None = None) -> str:
    """Three rows as they would be imported, and what would be set aside; `view` shows a row of a kind in another way."""
    if upload.problem or mapping is None:
        return ""
    if not mapping.sources():
        return html.muted("Choose at least one column to see how the rows come out.")
    raw = head_of(upload)
    try:
        rows, bad = apply_mapping(raw, mapping)
    except DataError as error:
        return notice(error, "warning")
    views = [view(row, mapping.kind) if view else html.row_view(row) for row in rows[:PREVIEWED]]
    shown = "".join(f'<div class="preview-row">{markup}</div>' for markup in views)
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


def bring_in(
    ws: Workspace,
    upload: Upload,
    name: str,
    mapping: Mapping | None,
    validation: float,
    progress: Progress | None = None,
    stop: Event | None = None,
) -> store.VersionInfo:
    """Import one file. The files of an archive that was recognised are recognised one by one. Raises `DataError`."""
    split = SplitSettings(validation=validation)
    chosen = None if upload.path.suffix.lower() in ARCHIVES and upload.found and mapping == upload.mapping else _usable(upload, mapping)
    return store.import_file(ws, upload.path, name.strip(), chosen, split, settings=upload.settings, progress=progress, stop=stop)


def bring_together(
    ws: Workspace,
    uploads: list[Upload],
    name: str,
    mappings: list[Mapping | None],
    validation: float,
    progress: Progress | None = None,
    stop: Event | None = None,
) -> store.VersionInfo:
    """Import several files as one dataset, each by its mapping. Raises `DataError`."""
    chosen = [_usable(upload, mapping) for upload, mapping in zip(uploads, mappings, strict=True)]
    settings = [upload.settings for upload in uploads]
    split, paths = SplitSettings(validation=validation), [upload.path for upload in uploads]
    return store.import_files(ws, paths, name.strip(), True, chosen, split, settings, progress, stop)[0]


def _usable(upload: Upload, mapping: Mapping | None) -> Mapping:
    if upload.problem:
        raise DataError(upload.problem)
    if mapping is None or not mapping.sources():
        raise DataError(f"It is not clear which column of {upload.path.name} gives what.", "Choose the columns below.")
    return mapping


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
