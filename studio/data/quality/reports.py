"""The quality report of a version: numbers, findings and a verdict, worked out once and kept as `report-<key>.json` beside the rows.

The key stands for the rows, the tokenizer with its template, and the settings. What the report says of single rows comes from the table of
`studio/data/flags.py`; a new section is a field here and a function in `statistics.py`, a new finding a check in `checks.py`.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pydantic import BaseModel, ValidationError

from studio.data import flags
from studio.data.quality import statistics as numbers
from studio.data.quality.checks import findings
from studio.data.quality.findings import Finding, Measured, verdict
from studio.data.quality.scan import BATCH_ROWS, version_rows
from studio.data.schema import Row, is_conversational, row_text
from studio.data.similar import Progress, Stopped
from studio.data.store import VersionInfo, get_version
from studio.workspace import Workspace

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

EDITION = "1"
SCANNING = 0.7
OVERHEAD_ROWS = 500


class QualityReport(BaseModel):
    """What is known of a version. `lengths` are in tokens where a tokenizer counted, else in characters; sections that do not belong to the
    kind of row are None or empty. `languages`, `personal` and `flags` give rows by code, type and flag."""

    ref: str
    kind: str
    rows: int
    splits: dict[str, int]
    model: str
    max_length: int
    lengths: numbers.Distribution
    tokens: numbers.Tokens | None
    turns: numbers.Turns | None
    classes: list[numbers.LabelCount]
    duplicates: numbers.Duplicates
    leakage: numbers.Leakage
    languages: dict[str, int]
    personal: dict[str, int]
    length_bias: numbers.LengthBias | None
    flags: dict[str, int]
    findings: list[Finding]
    verdict: str


def report(
    ws: Workspace,
    ref: str,
    tokenizer: PreTrainedTokenizerBase | None = None,
    max_length: int = 512,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    model: str = "",
) -> QualityReport:
    """The report of a version, as it was kept or worked out now.

    With a `tokenizer` lengths are tokens in the model's chat template, and rows above `max_length` are flagged `truncated`; `model` is its
    name in the workspace, which a length step needs. `progress(done, total)` counts rows. Raises `Stopped` when `stop` is set.
    """
    info = get_version(ws, ref)
    key = _key(info, tokenizer, max_length, model)
    path = info.folder / f"report-{key}.json"
    if path.is_file():
        try:
            kept = QualityReport.model_validate_json(path.read_bytes())
        except ValidationError:
            path.unlink(missing_ok=True)  # of another edition, or damaged: it is worked out again
        else:
            if tokenizer is None or flags.counted(info, key):
                return kept.model_copy(update={"ref": info.ref})
    measured = _measured(info, tokenizer, max_length, model, key, progress, stop)
    found = findings(measured)
    made = QualityReport(
        ref=info.ref,
        lengths=_lengths(measured),
        findings=found,
        verdict=verdict(found),
        flags=dict(measured.flags),
        **{name: getattr(measured, name) for name in Measured.model_fields if name in QualityReport.model_fields and name != "flags"},
    )
    flags.write_aside(path, made.model_dump_json(indent=1).encode())
    if progress is not None:
        progress(info.rows, info.rows)
    return made


def latest(ws: Workspace, ref: str) -> QualityReport | None:
    """The report that was last made of a version, whatever it was counted with; `None` when there is none."""
    info = get_version(ws, ref)
    for path in sorted(info.folder.glob("report-*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True):
        try:
            return QualityReport.model_validate_json(path.read_bytes()).model_copy(update={"ref": info.ref})
        except ValidationError:
            continue  # of another edition: the next check makes it anew
    return None


def _key(info: VersionInfo, tokenizer: PreTrainedTokenizerBase | None, max_length: int, model: str) -> str:
    """What the report depends on, as a short name."""
    parts = [EDITION, flags.EDITION, info.sha256]
    if tokenizer is not None:
        vocabulary = tokenizer.backend_tokenizer.to_str() if tokenizer.is_fast else str(sorted(tokenizer.get_vocab().items()))
        parts += [vocabulary, str(tokenizer.chat_template), str(max_length), model]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=8).hexdigest()


def _measured(
    info: VersionInfo,
    tokenizer: PreTrainedTokenizerBase | None,
    max_length: int,
    model: str,
    key: str,
    progress: Progress | None,
    stop: threading.Event | None,
) -> Measured:
    """Everything that the checks look at."""
    scanning = SCANNING if tokenizer is not None else 1.0
    told = (lambda done, total: progress(round(done * scanning), total)) if progress is not None else None
    table = flags.facts(info, told, stop)
    counted = None
    if tokenizer is not None:
        counted = _count(info, tokenizer, max_length, progress, stop)
        table = flags.with_tokens(info, table, counted.lengths, max_length, key)
    labelled = info.kind in ("labelled", "unpaired")
    bias = None
    if info.kind == "preference":
        bias = numbers.length_bias(table["answer"].to_pylist(), table["rejected"].to_pylist())
    return Measured(
        kind=info.kind,
        rows=info.rows,
        splits=info.splits,
        table=table,
        flags=numbers.flag_counts(table),
        model=model,
        max_length=max_length,
        tokens=counted.summary(model, max_length) if counted else None,
        length_fix=_length_fix(info, tokenizer, table, max_length) if tokenizer is not None and model else None,
        turns=numbers.turns(table) if info.kind == "chat" else None,
        classes=numbers.labels(table) if labelled else [],
        duplicates=numbers.duplicates(table),
        leakage=numbers.leakage(table),
        languages=numbers.value_counts(table, "language"),
        personal=numbers.value_counts(table, "personal"),
        length_bias=bias,
    )


def _lengths(measured: Measured) -> numbers.Distribution:
    if measured.tokens is not None:
        return numbers.distribution(measured.table["tokens"].to_pylist(), "tokens", measured.max_length)
    return numbers.distribution(measured.table["characters"].to_pylist(), "characters")


@dataclass
class _Count:
    """Tokens of each row, and the sums over rows after the cut."""

    lengths: list[int]
    tokens: int
    trained: int
    untrained: int

    def summary(self, model: str, max_length: int) -> numbers.Tokens:
        over = sum(length > max_length for length in self.lengths)
        return numbers.Tokens(model=model, total=self.tokens, trained=self.trained, truncated=over, untrained=self.untrained)


def _count(
    info: VersionInfo,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    progress: Progress | None,
    stop: threading.Event | None,
) -> _Count:
    """The rows' tokens in the model's template; of a pair those of the longer answer."""
    from studio.data.rendering import statistics

    def passing(other: bool) -> Iterator[Row]:
        for count, (_, _, row) in enumerate(version_rows(info)):
            if count % BATCH_ROWS == 0:
                if stop is not None and stop.is_set():
                    raise Stopped
                if progress is not None and not other:
                    progress(round(info.rows * SCANNING + count * (1 - SCANNING)), info.rows)
            yield {**row, "chosen": row["rejected"]} if other else row

    found = statistics(tokenizer, passing(False), info.kind, max_length=max_length)
    lengths = found.lengths
    if info.kind == "preference":
        second = statistics(tokenizer, passing(True), info.kind, max_length=max_length)
        lengths = [max(pair) for pair in zip(lengths, second.lengths, strict=True)]
    return _Count(lengths, found.tokens, found.trained_tokens, found.untrained_rows)


def _length_fix(info: VersionInfo, tokenizer: PreTrainedTokenizerBase, table: pa.Table, max_length: int) -> int | None:
    """How many tokens of plain text a row may have so that it fits with what the template adds, judged by the rows that do not fit."""
    if not is_conversational(info.kind):
        return max_length
    over = {
        (split, row): tokens
        for split, row, tokens in zip(*(table[name].to_pylist() for name in ("split", "row", "tokens")), strict=True)
        if tokens > max_length
    }
    added, seen = 0, 0
    for side, index, row in version_rows(info) if over else ():
        if (side, index) in over:
            plain = tokenizer(row_text(row, info.kind), add_special_tokens=False, verbose=False).input_ids
            added = max(added, over[side, index] - len(plain))
            seen += 1
            if seen == min(OVERHEAD_ROWS, len(over)):
                break
    return max(1, max_length - added) if over else None
