"""A comparison as HTML: one prompt at a time, a column for each model, its outputs below each other."""

from __future__ import annotations

from typing import Any

from app import html
from app.transcript import figures
from studio.data.cleaning.diff import diff_texts
from studio.inference.compare import CandidateInfo, ComparisonInfo


def prompt_view(comparison: ComparisonInfo, at: int, diff: bool) -> str:
    """Prompt number `at` with what each model said to it; with `diff` against the first column, output by output."""
    mine = [c for c in comparison.candidates if c.prompt_index == at]
    by_model = {m: sorted((c for c in mine if c.model == m), key=lambda c: c.sample) for m in comparison.models}
    reference = by_model[comparison.models[0]]
    columns = "".join(
        _column(model, outputs, reference if diff and i else [], comparison.n) for i, (model, outputs) in enumerate(by_model.items())
    )
    legend = (
        f'<p class="muted">Differences from {html.esc(comparison.models[0])}: <ins>added</ins>, <del>left out</del>.</p>' if diff else ""
    )
    return f'<div class="asked">{html.messages(comparison.prompts[at])}</div>{legend}<div class="answers">{columns}</div>'


def _column(model: str, outputs: list[CandidateInfo], reference: list[CandidateInfo], owed: int) -> str:
    cards = "".join(_card(o, reference[i] if i < len(reference) else None, owed) for i, o in enumerate(outputs))
    missing = '<div class="answer"><div class="verbatim muted">not answered</div></div>' if not outputs else ""
    return f'<section class="answer-column"><h2 class="clip" title="{html.esc(model)}">{html.esc(model)}</h2>{cards}{missing}</section>'


def _card(output: CandidateInfo, reference: CandidateInfo | None, owed: int) -> str:
    if output.finish_reason == "error":
        body = f'<div class="notice error">{html.esc(output.error)}</div>'
    elif reference is not None and reference.finish_reason != "error":
        body = html.difference(diff_texts(reference.text, output.text))
    else:
        body = html.text_block(output.text)
    number = f"answer {output.sample + 1} of {owed}, " if owed > 1 else ""
    same = html.badge("same text as another answer") if output.duplicate_of else ""
    said: dict[str, Any] = {"tokens": output.tokens, "seconds": output.seconds, "finish_reason": output.finish_reason}
    ended = {"stop": ", ended by itself"}.get(output.finish_reason, "")
    foot = "" if output.finish_reason == "error" else html.esc(number + figures(said) + ended)
    return f'<div class="answer">{body}<div class="foot"><span class="muted number">{foot}</span>{same}</div></div>'


def answered(comparison: ComparisonInfo) -> str:
    """What there is of a comparison, in words."""
    owed = len(comparison.prompts) * len(comparison.models) * comparison.n
    done = len(comparison.candidates)
    temperature = comparison.sampling.temperature
    settings = f"temperature {temperature:g}, seed {comparison.sampling.seed}" if temperature else "temperature 0"
    return f"{done:,} of {html.plural(owed, 'answer')}" + f", {settings}" if done < owed else f"{html.plural(owed, 'answer')}, {settings}"


def saved_table(comparisons: list[ComparisonInfo], selected: int | None = None) -> str:
    """The earlier comparisons, newest first."""
    rows = [
        (
            str(c.id),
            (html.shorten(c.name, 70), ", ".join(c.models), f"{len(c.prompts):,}", f"{c.outputs:,}", f"{c.created_at:%d %b %Y, %H:%M} UTC"),
        )
        for c in comparisons
    ]
    columns = [
        html.Column("Earlier comparisons"),
        html.Column("Models"),
        html.Column("Prompts", number=True, wide_only=True),
        html.Column("Answers", number=True, wide_only=True),
        html.Column("Made", wide_only=True),
    ]
    return html.table(columns, rows, selected=str(selected or ""), label="Earlier comparisons", empty="Nothing was compared yet.")
