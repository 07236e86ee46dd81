"""A pipeline at work: rows stream from a version through its steps, each watched for what it changes and removes.

`preview` and `clean` both read `_Flow.rows`, so what a preview shows is what a clean version holds.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from studio.data.cleaning.base import Context, Item, Progress, StepSettings, Tracker
from studio.data.cleaning.diff import Diff, diff_texts
from studio.data.cleaning.parts import shown
from studio.data.cleaning.pipeline import Pipeline
from studio.data.schema import SPLITS, Row, without_nulls
from studio.data.store import VersionInfo, get_version, new_version
from studio.errors import DataError
from studio.workspace import Workspace

EXAMPLES = 10
READ_ROWS = 1000


@dataclass(frozen=True)
class Example:
    """A row that a step changed, or removed (`after` is None), and where it stands in the version that is cleaned."""

    split: str
    index: int
    before: Row
    after: Row | None
    diff: Diff


@dataclass
class StepEffect:
    """What one step did: rows before and after it, how many it changed or removed, sentences about it, and the first ten such rows."""

    kind: str
    title: str
    rows_before: int = 0
    rows_after: int = 0
    changed: int = 0
    removed: int = 0
    notes: list[str] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)


@dataclass(frozen=True)
class PipelinePreview:
    """What a pipeline does to a version, step by step, and the rows of each split before and after."""

    ref: str
    kind: str
    steps: list[StepEffect]
    before: dict[str, int]
    after: dict[str, int]

    @property
    def changes(self) -> bool:
        """Whether any row is changed or removed."""
        return any(step.changed or step.removed for step in self.steps)


def preview(
    ws: Workspace, ref: str, pipeline: Pipeline, progress: Progress | None = None, stop: threading.Event | None = None
) -> PipelinePreview:
    """What `clean` would do, with ten examples a step; nothing is stored.

    `progress(rows_done, rows)` is called on the way. Raises `DataError` when a step cannot work on this kind of row, and `Stopped` (a
    `DataError`) when `stop` is set.
    """
    flow = _Flow(ws, get_version(ws, ref), pipeline, progress, stop)
    after = Counter(item.split for item in flow.rows())
    return flow.preview(after)


def clean(
    ws: Workspace,
    ref: str,
    pipeline: Pipeline,
    author: str = "",
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> VersionInfo:
    """A new version with the rows that come out of the pipeline; where nothing changes, the version that it was given.

    The version's `step` holds the pipeline as YAML and the counts of each step. Raises as `preview` does, and `DataError` when no row is
    left; then, and when it is stopped, nothing is stored.
    """
    info = get_version(ws, ref)
    flow = _Flow(ws, info, pipeline, progress, stop)
    with new_version(ws, info.dataset, info.kind, flow.schema) as writer:
        for item in flow.rows():
            writer.write(item.split, item.row)
        done = flow.preview(Counter(writer.counts))
        if not any(done.after.values()):
            heaviest = max(done.steps, key=lambda step: step.removed)
            raise DataError(
                f"No row of {info.ref} would be left: {heaviest.title} removes {heaviest.removed:,} of {heaviest.rows_before:,}.",
                "Change the settings of that step.",
            )
        return writer.commit(_step(info, pipeline, done, author)) if done.changes else info


def _step(info: VersionInfo, pipeline: Pipeline, done: PipelinePreview, author: str) -> dict[str, Any]:
    """How the new version was made."""
    return {
        "kind": "clean",
        "from": info.ref,
        "pipeline": pipeline.to_yaml(),
        "effects": [{name: value for name, value in asdict(step).items() if name != "examples"} for step in done.steps],
        "counts": {
            "read": info.rows,
            "kept": sum(done.after.values()),
            "removed": sum(step.removed for step in done.steps),
            "changed": sum(step.changed for step in done.steps),
        },
        **({"author": author} if author else {}),
    }


class _Flow:
    """One pass of a version through a pipeline."""

    def __init__(
        self, ws: Workspace, info: VersionInfo, pipeline: Pipeline, progress: Progress | None, stop: threading.Event | None
    ) -> None:
        pipeline.require(info.kind)
        self.info = info
        self.steps: list[StepSettings] = list(pipeline.steps)
        self.effects = [StepEffect(step.kind, step.title) for step in self.steps]
        self.tracker = Tracker(info.rows, 2 + sum(step.groups for step in self.steps), progress, stop)
        self.contexts = [Context(ws, info.kind, self.tracker) for _ in self.steps]

    @property
    def schema(self) -> pa.Schema:
        """The columns of the version; steps add none."""
        return self._file(next(iter(self.info.splits))).schema_arrow

    def rows(self) -> Iterator[Item]:
        """The rows that come out at the end; effects are complete when there are no more."""
        items: Iterable[Item] = self._read()
        for step, effect, context in zip(self.steps, self.effects, self.contexts, strict=True):
            items = self._watched(step, items, effect, context)
        for item in items:
            self.tracker.advance()
            yield item
        for effect, context in zip(self.effects, self.contexts, strict=True):
            effect.notes = [f"{words}: {count:,}" for words, count in context.counts.most_common() if count]
        self.tracker.finish()

    def preview(self, after: Counter[str]) -> PipelinePreview:
        counts = {side: after[side] for side in self.info.splits}
        emptied = [side for side, count in counts.items() if not count]
        if emptied and self.effects:
            self.effects[-1].notes.append(f"no row is left in {' and '.join(emptied)}")
        return PipelinePreview(self.info.ref, self.info.kind, self.effects, dict(self.info.splits), counts)

    def _read(self) -> Iterator[Item]:
        for side in (side for side in SPLITS if side in self.info.splits):
            index = 0
            for batch in self._file(side).iter_batches(READ_ROWS):
                for row in batch.to_pylist():
                    self.tracker.advance()
                    yield Item(side, index, without_nulls(row))
                    index += 1

    def _file(self, side: str) -> pq.ParquetFile:
        path = self.info.folder / f"{side}.parquet"
        try:
            return pq.ParquetFile(path)
        except (OSError, pa.ArrowInvalid) as error:
            raise DataError(
                f"The file {path} of {self.info.ref} cannot be read: {error}.", "Restore it from a backup, or import the data again."
            ) from error

    def _watched(self, step: StepSettings, items: Iterable[Item], effect: StepEffect, context: Context) -> Iterator[Item]:
        """What a step lets through, while its effect is counted."""
        for item, after in step.run(items, context):
            effect.rows_before += 1
            if after is not item.row:
                if len(effect.examples) < EXAMPLES:
                    effect.examples.append(self._example(item, after))
                effect.changed += after is not None
            if after is None:
                effect.removed += 1
                self.tracker.advance()
            else:
                effect.rows_after += 1
                yield Item(item.split, item.index, after)

    def _example(self, item: Item, after: Row | None) -> Example:
        before = shown(item.row, self.info.kind)
        diff = diff_texts(before, shown(after, self.info.kind)) if after is not None else [("delete", before)]
        return Example(item.split, item.index, item.row, after, diff)
