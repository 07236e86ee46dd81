"""Votes as files for others: training rows in TRL's formats, and all judgements with everything that is known of how they came about.

Each file is written aside and put into its place whole. To keep another column for TRL, name it in `COLUMNS`.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from studio.data.schema import Row
from studio.errors import FeedbackError
from studio.feedback import judgements, tasks, training
from studio.feedback.manifest import FILE
from studio.feedback.opinions import Rule
from studio.feedback.projects import ProjectInfo, get_project, guidelines
from studio.feedback.standing import JudgementInfo
from studio.feedback.tasks import TaskInfo
from studio.feedback.training import TrainingKind
from studio.workspace import Workspace

COLUMNS: dict[str, tuple[str, ...]] = {
    "preference": ("prompt", "chosen", "rejected", "margin"),
    "unpaired": ("prompt", "completion", "label"),
    "ranking": ("prompt", "completions", "ranks"),
    "rating": ("prompt", "completion", "score"),
}


def export_jsonl(
    ws: Workspace,
    project_ids: Sequence[int],
    kind: TrainingKind,
    path: str | Path,
    rule: Rule = "all",
    criterion: str = "",
    edits: bool = True,
) -> list[Path]:
    """Write the rows of `training.rows_for` as JSON lines with the columns that TRL takes; gives the files.

    A folder or a `.zip` gets `train.jsonl`, `validation.jsonl` with the prompts that are held out, and the manifest. A path that ends in
    `.jsonl` gets the rows to train on, and those held out go beside it with `-validation` behind the name. Raises `FeedbackError` when
    there are no rows or the file cannot be written.
    """
    found, target = training.rows_for(ws, project_ids, kind, rule, criterion, edits), Path(path).expanduser()
    texts = {f"{side}.jsonl": "".join(_line(row, kind) for row in rows) for side, rows in found.splits.items()}
    if target.suffix.lower() == ".jsonl":
        if "train.jsonl" not in texts:
            raise FeedbackError("Every prompt of these votes is held out, so there is no row to train on.", "Judge more prompts.")
        beside = target.with_name(f"{target.stem}-validation{target.suffix}")
        return [_put(target if name == "train.jsonl" else beside, text.encode()) for name, text in texts.items()]
    texts[FILE] = found.manifest.model_dump_json(indent=1) + "\n"
    if target.suffix.lower() == ".zip":
        return [_put(target, _zipped(texts))]
    return [_put(target / name, text.encode()) for name, text in texts.items()]


def _line(row: Row, kind: str) -> str:
    return json.dumps({name: row[name] for name in COLUMNS[kind] if name in row}, ensure_ascii=False) + "\n"


def export_judgements(ws: Workspace, project_ids: Sequence[int], path: str | Path) -> Path:
    """Write every judgement of these projects as a line of JSON, also those that were skipped, changed or taken back (`counts` is false).

    Each says who judged when, for how long, with which guidelines, in which order the answers stood, and for each answer its text, model
    and how it was made. What was said is in the order of `candidates`.
    """
    lines: list[str] = []
    for project in (get_project(ws, id) for id in dict.fromkeys(project_ids)):
        lines += (json.dumps(line, ensure_ascii=False) + "\n" for line in _lines(ws, project))
    return _put(Path(path).expanduser(), "".join(lines).encode())


def _lines(ws: Workspace, project: ProjectInfo) -> Iterator[dict[str, Any]]:
    known = {task.id: _task(task) for task in tasks.tasks(ws, project.id)}
    told = {guideline.number: guideline.text for guideline in guidelines(ws, project.id)}
    counting = {row.id for row in judgements.effective(ws, [project.id])}
    about = {"id": project.id, "name": project.name, "mode": project.mode, "round": project.round, "source": project.source}
    for row in judgements.history(ws, project.id):
        yield {
            **_said(row),
            "counts": row.id in counting,
            "guidelines": told.get(row.guideline, ""),
            "project": about,
            **known[row.task_id],
        }


def _said(row: JudgementInfo) -> dict[str, Any]:
    return {
        "id": row.id,
        "key": row.key,
        "person": row.person,
        "role": row.role,
        "state": row.state,
        "reason": row.reason,
        "supersedes": row.supersedes_id,
        "repeat": bool(row.repeat),
        "answer": row.answer.model_dump(exclude_defaults=True),
        "shown": row.shown,
        "source": row.source,
        "guideline": row.guideline,
        "active_seconds": row.active_seconds,
        "wall_seconds": row.wall_seconds,
        "app_version": row.app_version,
        "created_at": f"{row.created_at.isoformat()}Z",
    }


def _task(task: TaskInfo) -> dict[str, Any]:
    candidates = [
        {
            "id": each.id,
            "model": each.model,
            "text": each.text,
            **({"messages": each.messages} if each.messages else {}),
            "sample": each.sample,
            "tokens": each.tokens,
            "seconds": each.seconds,
            "finish_reason": each.finish_reason,
            "provenance": each.provenance,
        }
        for each in task.candidates
    ]
    return {
        "task": task.id,
        "prompt": task.prompt,
        "prompt_sha256": task.prompt_sha256,
        "side": task.side,
        "gold": task.gold,
        "candidates": candidates,
    }


def _put(target: Path, content: bytes) -> Path:
    """Write a file as a whole."""
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(content)
        os.replace(aside, target)
    except OSError as error:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise FeedbackError(f"{target} cannot be written: {error.strerror or error}.", "Choose a folder that you can write to.") from error
    return target


def _zipped(texts: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    return packed.getvalue()
