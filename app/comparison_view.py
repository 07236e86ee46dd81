"""A comparison as HTML: one prompt at a time, a column for each model, its outputs below each other, with their differences.

`Answers` is the component that shows it; `differences` in another unit are one more branch in `_cut`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from app import html
from app.transcript import figures
from studio.data.cleaning.diff import Diff, diff_characters, diff_pieces, diff_texts
from studio.errors import StudioError
from studio.inference.comparisons import CandidateInfo, ComparisonInfo
from studio.models.token_pieces import token_pieces
from studio.workspace import Workspace

OFF, WORDS, LETTERS, TOKENS = "No differences", "Differences by word", "Differences by letter", "Differences by token"
UNITS = (OFF, WORDS, LETTERS, TOKENS)
ENDED = {"stop": ", ended by itself"}
COPY = """
element.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-act="copy"]');
  if (!button || !element.contains(button)) return;
  const text = button.closest('.answer').querySelector('template').content.textContent;
  if (navigator.clipboard && window.isSecureContext) await navigator.clipboard.writeText(text);
  else {
    const area = document.createElement('textarea');
    area.value = text; document.body.appendChild(area); area.select(); document.execCommand('copy'); area.remove();
  }
  button.textContent = 'Copied';
  setTimeout(() => { button.textContent = 'Copy'; }, 1500);
});
"""
Cut = Callable[[str, str], Diff]


class Answers(gr.HTML):
    """What `prompt_view` gives; a click on Copy copies an answer as it was written."""

    def __init__(self, value: str = "", **options: Any) -> None:
        super().__init__(value, js_on_load=COPY, apply_default_css=False, **options)

    def get_block_name(self) -> str:
        return "html"


def prompt_view(ws: Workspace, comparison: ComparisonInfo, at: int, unit: str = OFF, waiting: bool = False) -> str:
    """Prompt number `at` with what each model said to it, differences marked against the first column, output by output; `waiting` while
    answers are still being made."""
    mine = [c for c in comparison.candidates if c.prompt_index == at]
    by_model = {m: sorted((c for c in mine if c.model == m), key=lambda c: c.sample) for m in comparison.models}
    if not comparison.generated:
        by_model = {model: outputs for model, outputs in by_model.items() if outputs}
    first = next(iter(by_model), "")
    reference = by_model.get(first, [])
    cut, legend = _cut(ws, first, unit, [c.text for c in mine]) if len(by_model) > 1 else (None, "")
    names = {c.id: c for c in mine}
    columns = "".join(
        _column(model, outputs, reference if i else [], cut, comparison.n, names, waiting)
        for i, (model, outputs) in enumerate(by_model.items())
    )
    asked = html.messages(comparison.prompts[at])
    return f'<div class="asked">{asked}</div>{legend}<div class="answers of-{len(by_model)}">{columns}</div>'


def _cut(ws: Workspace, first: str, unit: str, texts: Sequence[str]) -> tuple[Cut | None, str]:
    """How two texts are compared, and the words above the columns."""
    marks = f'<p class="muted">Differences from {html.esc(first)}: <ins>added</ins>, <del>left out</del>.</p>'
    if unit == TOKENS:
        try:
            pieces = {text: token_pieces(ws, first, text) for text in texts}
        except StudioError as error:
            return diff_texts, f'<p class="muted">Words are compared, not tokens. {html.esc(str(error))}</p>{marks}'
        return lambda a, b: diff_pieces(pieces[a], pieces[b]) if a in pieces and b in pieces else diff_texts(a, b), marks
    cut: Cut | None = {WORDS: diff_texts, LETTERS: diff_characters}.get(unit)
    return cut, marks if cut else ""


def _column(
    model: str,
    outputs: list[CandidateInfo],
    reference: list[CandidateInfo],
    cut: Cut | None,
    owed: int,
    names: dict[int, CandidateInfo],
    waiting: bool,
) -> str:
    cards = "".join(_card(o, reference[i] if i < len(reference) else None, cut, owed, names) for i, o in enumerate(outputs))
    left = '<div class="verbatim muted waiting">no answer yet</div>' if waiting else '<div class="verbatim muted">not answered</div>'
    missing = f'<div class="answer">{left}</div>' if not outputs else ""
    title = f'<h2 class="clip" title="{html.esc(model)}">{html.esc(model)}</h2>'
    return f'<section class="answer-column" aria-label="{html.esc(model)}">{title}{cards}{missing}</section>'


def _card(output: CandidateInfo, reference: CandidateInfo | None, cut: Cut | None, owed: int, names: dict[int, CandidateInfo]) -> str:
    failed = f'<div class="notice error">{html.esc(output.error)}</div>' if output.finish_reason == "error" else ""
    compared = reference if cut and reference is not None and reference.finish_reason != "error" else None
    said = _said(output, compared, cut) if not failed or output.text else ""
    number = f"answer {output.sample + 1} of {owed}, " if owed > 1 else ""
    spent: dict[str, Any] = {"tokens": output.tokens, "seconds": output.seconds, "finish_reason": output.finish_reason}
    foot = number.removesuffix(", ") if failed else number + figures(spent) + ENDED.get(output.finish_reason, "")
    copy = '<button type="button" class="act" data-act="copy">Copy</button>' if output.text else ""
    text = f"<template>{html.esc(output.text)}</template>" if output.text else ""
    top = f'<div class="answer-text" tabindex="0">{said}</div>' if said else ""
    marks = (f'<span class="muted number">{html.esc(foot)}</span>' if foot else "") + _same(output, names) + copy
    bottom = f'<div class="foot">{marks}</div>' if marks else ""
    return f'<div class="answer">{failed}{top}{bottom}{_made(output)}{text}</div>'


def _said(output: CandidateInfo, reference: CandidateInfo | None, cut: Cut | None) -> str:
    """The answer, or the conversation that followed the prompt, with its differences from `reference`."""
    if output.messages is None:
        return html.difference(cut(reference.text, output.text)) if cut and reference else html.text_block(output.text)
    others = [m["content"] for m in (reference.messages or [] if reference else []) if m["role"] == "assistant"]
    blocks, turn = [], 0
    for message in output.messages:
        body = html.text_block(message["content"])
        if message["role"] == "assistant":
            if cut and turn < len(others):
                body = html.difference(cut(others[turn], message["content"]))
            turn += 1
        role = html.ROLE_WORDS.get(message["role"], message["role"])
        blocks.append(f'<div class="message {html.esc(message["role"])}"><div class="role">{html.esc(role)}</div>{body}</div>')
    return "".join(blocks)


def _same(output: CandidateInfo, names: dict[int, CandidateInfo]) -> str:
    """The mark of an output whose text an earlier one has."""
    if not output.duplicate_of:
        return ""
    earlier = names.get(output.duplicate_of)
    if earlier is None:
        return html.badge("same text as another answer")
    return html.badge(f"same text as {earlier.model}" if earlier.model != output.model else f"same text as answer {earlier.sample + 1}")


def _made(output: CandidateInfo) -> str:
    """Everything that it takes to make an output again, folded away."""
    facts = output.provenance
    if not facts:
        return ""
    sampling = {name.replace("_", " "): value for name, value in facts.get("sampling", {}).items() if name != "seed"}
    pairs = [
        ("Weights", facts.get("sha256")),
        ("Base", facts.get("base")),
        ("Weights of the base", facts.get("base_sha256")),
        ("Run", f"{facts['run']}, step {facts['step']}" if facts.get("step") else facts.get("run")),
        ("Round", facts.get("round")),
        ("System prompt", facts.get("system")),
        ("Chat template", facts.get("template_sha256")),
        ("Sampling", ", ".join(f"{name} {value}" for name, value in sampling.items())),
        ("Seed", facts.get("seed")),
        ("Messages left out", facts.get("dropped_messages")),
        ("Device", facts.get("device")),
        ("Made with", ", ".join(f"{name} {number}" for name, number in facts.get("libraries", {}).items())),
    ]
    told = html.facts((name, value) for name, value in pairs if value not in (None, "", 0))
    return f'<details class="made"><summary>How it was made</summary>{told}</details>'


def answered(comparison: ComparisonInfo) -> str:
    """What there is of a comparison, in words."""
    owed = len(comparison.prompts) * len(comparison.models) * comparison.n
    done, noun = comparison.outputs, "conversation" if comparison.turns else "answer"
    if not comparison.generated:
        return html.plural(done, noun)
    temperature = comparison.sampling.temperature
    settings = f"temperature {temperature:g}, seed {comparison.sampling.seed}" if temperature else "temperature 0"
    return f"{done:,} of {html.plural(owed, noun)}, {settings}" if done < owed else f"{html.plural(owed, noun)}, {settings}"


def saved_table(comparisons: list[ComparisonInfo], selected: int | None = None, wanted: str = "") -> str:
    """The comparisons whose name or models hold `wanted`, newest first."""
    needle = wanted.strip().casefold()
    rows = [
        (
            str(c.id),
            (html.shorten(c.name, 70), ", ".join(c.models), f"{len(c.prompts):,}", f"{c.outputs:,}", f"{c.created_at:%d %b %Y, %H:%M} UTC"),
        )
        for c in comparisons
        if needle in " ".join([c.name, *c.models]).casefold()
    ]
    columns = [
        html.Column("Name"),
        html.Column("Models"),
        html.Column("Prompts", number=True, wide_only=True),
        html.Column("Answers", number=True, wide_only=True),
        html.Column("Made", wide_only=True),
    ]
    empty = "No comparison has such a name." if comparisons else "Nothing was compared yet."
    return html.table(columns, rows, selected=str(selected or ""), label="Earlier comparisons", empty=empty)
