"""What a dataset was made from, frozen: the numbers of the judgements, the rule, and a hash of the rows, in a file beside them.

Judgements are only ever added, so that these numbers give the same rows for good, whatever people say later. Names stand in the manifest
as they were, because projects can be renamed. To freeze something else, add a field with a default: old manifests stay readable.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from studio.data.schema import Row
from studio.errors import FeedbackError

FILE = "manifest.json"


class Manifest(BaseModel):
    """From which `judgements` (of which `tasks`, by which `people`, in which `projects`) rows of a `kind` come, and by which `rule`.

    `rows` counts them by split, `sha256` is their hash; both are empty until they are made.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = 1
    kind: str
    rule: str
    criterion: str = ""
    edits: bool = True
    projects: dict[int, str]
    people: dict[int, str]
    tasks: list[int]
    judgements: list[int]
    rows: dict[str, int] = {}
    sha256: str = ""


def sealed(manifest: Manifest, rows: dict[str, list[Row]]) -> Manifest:
    """The manifest with what its rows came to."""
    return manifest.model_copy(update={"rows": {side: len(part) for side, part in rows.items()}, "sha256": rows_sha256(rows)})


def rows_sha256(rows: dict[str, list[Row]]) -> str:
    """The hash of rows by split, in their order."""
    digest = hashlib.sha256()
    for side in sorted(rows):
        for row in rows[side]:
            digest.update(json.dumps([side, row], sort_keys=True, ensure_ascii=True).encode())
    return digest.hexdigest()


def write(folder: Path, manifest: Manifest) -> None:
    """Put the manifest into the folder of a version that is being written."""
    (folder / FILE).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read(folder: Path) -> Manifest | None:
    """The manifest of a version; None when it was not made from votes. Raises `FeedbackError` when the file cannot be read."""
    try:
        values: Any = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return Manifest.model_validate(values)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, ValidationError) as error:
        raise FeedbackError(f"The manifest {folder / FILE} cannot be read: {error}.", "Restore it from a backup.") from error


def verify(manifest: Manifest, rows: dict[str, list[Row]]) -> None:
    """Raise `FeedbackError` unless these are the rows that the manifest was sealed with."""
    if rows_sha256(rows) != manifest.sha256:
        counts = ", ".join(f"{side} {len(part):,} of {manifest.rows.get(side, 0):,}" for side, part in sorted(rows.items()))
        raise FeedbackError(
            f"The rows come out different from those that were stored ({counts} rows).",
            "Somebody has changed the database by hand: restore it from a backup, or make the dataset anew.",
        )
