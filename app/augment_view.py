"""What the Augment tab says: the ways to augment and their fields, previews, problems and outcomes. Pure functions to escaped HTML.

A way is a step of `studio/data/augment/settings.py` or a task for a model of `studio/inference/writing.py`, by its `kind`; a new one of
either appears by itself.
"""

from __future__ import annotations

from pydantic import ValidationError

from app import html
from studio.data.augment.apply import AugmentPreview
from studio.data.augment.settings import STEPS, AugmentStep
from studio.data.schema import Row
from studio.inference.writing import WRITERS, NewExamples, Paraphrase, Written
from studio.settings import FieldSpec, field_spec

Way = type[AugmentStep] | type[Paraphrase] | type[NewExamples]

WRITTEN_KINDS = ("labelled", "text", "chat", "prompt")
PAIRS_SHOWN = 5
HIDDEN = ("augmented", "group", "source")


def kind_of(way: Way) -> str:
    """The name of a way."""
    return str(way.model_fields["kind"].default)


WAYS: dict[str, Way] = {kind_of(way): way for way in STEPS} | WRITERS


def ways(kind: str) -> list[tuple[str, str]]:
    """`(title, name)` of what can be done with rows of this kind."""
    plain = [step for step in STEPS if not step.row_kinds or kind in step.row_kinds]
    return [(way.title, kind_of(way)) for way in (*plain, *(WRITERS.values() if kind in WRITTEN_KINDS else ()))]


def writes(way: str | None) -> bool:
    """Whether a model does this."""
    return way in WRITERS


def specs_of(way: str) -> list[FieldSpec]:
    """The fields of a way, without those of sampling."""
    return [field_spec(info, "augment", name, name) for name, info in WAYS[way].model_fields.items() if name not in ("kind", "sampling")]


def element_id(way: str, name: str) -> str:
    """The id of a field's element on the page."""
    return f"augment-{way}-{name}".replace("_", "-")


def problems_of(error: ValidationError, way: str) -> dict[str, str]:
    """What is wrong, by the id of the field's element."""
    found: dict[str, str] = {}
    for item in error.errors(include_url=False):
        loc = [str(part) for part in item["loc"]]
        owner, name = ("sampling", loc[1]) if loc[:1] == ["sampling"] and len(loc) > 1 else (way, loc[-1] if loc else "")
        message = item["msg"].removeprefix("Value error, ").rstrip(".")
        found.setdefault(element_id(owner, name), f"{message[:1].upper()}{message[1:]}.")
    return found


def preview_html(seen: AugmentPreview) -> str:
    """Counts, labels before and after, and pairs of a row and what is made of it."""
    if not seen.added and not seen.removed:
        return html.muted(f"Nothing would change: the {html.plural(seen.rows_before, 'training row')} would stay as they are.")
    done = [f"{count:,} {word}" for count, word in ((seen.added, "added"), (seen.removed, "left out")) if count]
    words = f"{html.plural(seen.rows_before, 'training row')} would become {seen.rows_after:,}: {', '.join(done)}."
    labels = ""
    if seen.labels_before:
        rows = [("", (label, f"{count:,}", f"{seen.labels_after.get(label, 0):,}")) for label, count in seen.labels_before.items()]
        labels = html.table([html.Column("Label"), html.Column("Now", number=True), html.Column("Then", number=True)], rows, label="Labels")
    pairs = [(source, row) for source, row in seen.examples if _own(source) != _own(row)][:PAIRS_SHOWN]
    shown = "".join(f'<div class="pair">{_side("A row", source)}{_side("What is added", row)}</div>' for source, row in pairs)
    return f'<div class="augment-preview"><p>{html.esc(words)}</p>{labels}{shown}</div>'


def _own(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in HIDDEN}


def _side(title: str, row: Row) -> str:
    return f'<div><div class="part">{html.esc(title)}</div>{html.row_view(_own(row))}</div>'


def written_words(written: Written, stopped: bool = False) -> str:
    """What came of a model's writing."""
    start = "Stopped. " if stopped else ""
    kept = f"{html.plural(written.kept, 'new draft')} to review" if written.kept else "No new draft"
    dropped = f"; {written.dropped:,} dropped, because they were empty or repeat what is there" if written.dropped else ""
    return f"{start}{kept}{dropped}."
