"""Where a model comes from, told as sentences: model, run, recipe, datasets, base, and so on down to the first. No torch."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.db import Model, Run
from studio.errors import NotFoundError
from studio.workspace import Workspace

SOURCES = {
    "embedded": "{name} is the embedded model that comes with Luthier.",
    "local": "{name} was added from the folder {path}.",
    "hub": "{name} was downloaded from the Hugging Face Hub.",
    "run": "{name} was made by a run that is no longer recorded.",
}


def lineage(ws: Workspace, name: str) -> list[str]:
    """The steps that led to a model, newest first, one sentence each, dataset versions included."""
    with ws.db.read() as session:
        row = session.scalar(select(Model).where(Model.name == name))
        if row is None:
            raise NotFoundError(f"There is no model {name}.", "See the list of models.")
        steps: list[str] = []
        seen: set[int] = set()
        while row is not None and row.id not in seen:
            seen.add(row.id)
            run = session.get(Run, row.run_id) if row.run_id else None
            steps.append(_made_by(row, run) if run else _origin(row))
            row = _before(session, row)
        return steps


def _before(session: Session, row: Model) -> Model | None:
    continued = row.info.get("continued_from_id")
    below = continued or row.base_id
    return session.get(Model, below) if below else None


def _origin(row: Model) -> str:
    return SOURCES[row.source].format(name=row.name, path=row.path)


def _made_by(row: Model, run: Run) -> str:
    recipe: dict[str, Any] = run.recipe
    method = recipe.get("method", {}).get("kind", "an unknown method")
    adaptation = recipe.get("adaptation", {})
    how = adaptation.get("kind", "full")
    size = f" of rank {adaptation['rank']}" if "rank" in adaptation else ""
    sources = recipe.get("data", {}).get("sources", [])
    data = ", ".join(f"{source['name']}{_weight(source)}" for source in sources) or "no recorded dataset"
    start = recipe.get("model", "its base")
    verb = "continuing the adapter" if row.info.get("continued_from") else "starting from"
    return f"{row.name} was made by the run {run.name} with {method} and {how}{size} on {data}, {verb} {start}."


def _weight(source: dict[str, Any]) -> str:
    weight = source.get("weight", 1.0)
    return "" if weight == 1.0 else f" (weight {weight:g})"
