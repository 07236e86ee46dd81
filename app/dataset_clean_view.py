"""What cleaning shows: the steps of a pipeline, the steps to choose from, what each would do, and rows with what changes in them.

All of it is escaped HTML from plain values; `STEP_LIST` is the browser's half of the list of steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app import html
from app.dataset_clean_steps import Values, changed_settings, spec_of
from studio.data.cleaning import Example, PipelinePreview, StepEffect, step_specs
from studio.data.store import VersionInfo

AROUND = 160
"""Characters of unchanged text that are shown on each side of a change."""
MOST_MARKED = 1200
"""Characters that are shown of a piece that is put in or taken out."""
WORD_LENGTH = 40
INVISIBLE = {ord(sign): f"⟨{name}⟩" for sign, name in (
    ("\u200b", "zero-width space"), ("\u2060", "word joiner"), ("\ufeff", "byte order mark"), ("\u00ad", "soft hyphen"),
    ("\u00a0", "fixed space"), ("\u202f", "narrow space"), ("\u3000", "wide space"), ("\x0b", "vertical tab"), ("\x0c", "page break"),
)}  # fmt: skip
SPACES = {ord(" "): "␣", ord("\t"): "⇥", ord("\n"): "↵\n", ord("\r"): "␍"}

EMPTY = html.empty_state(
    "No steps yet",
    "A pipeline of steps tidies texts and removes rows that do harm. Choose a step from the list, or load a saved pipeline. "
    "Preview shows what each step does; nothing changes until you make a version.",
)

STEP_LIST = """
let wanted = null;
const stepOf = (target) => { const step = target.closest('[data-step]'); return step && element.contains(step) ? step : null; };
const act = (step, what) => {
  const key = Number(step.dataset.step);
  wanted = {key: what === 'up' ? key - 1 : what === 'down' ? key + 1 : key, what};
  trigger('act', {key, act: what});
};
element.addEventListener('click', (event) => {
  const step = stepOf(event.target);
  const button = event.target.closest('[data-act]');
  if (step) act(step, button ? button.dataset.act : 'open');
});
element.addEventListener('keydown', (event) => {
  const step = stepOf(event.target);
  const what = event.altKey && event.key === 'ArrowUp' ? 'up' : event.altKey && event.key === 'ArrowDown' ? 'down'
    : event.key === 'Delete' ? 'remove' : '';
  if (!step || !what) return;
  event.preventDefault();
  act(step, what);
});
watch('value', () => {
  if (!wanted) return;
  const steps = element.querySelectorAll('[data-step]');
  const step = steps[Math.min(Math.max(wanted.key, 0), steps.length - 1)];
  const button = step && (step.querySelector(`[data-act="${wanted.what}"]:not(:disabled)`) || step.querySelector('[data-act="open"]'));
  if (button) button.focus();
  wanted = null;
});
"""


def steps_list(steps: Sequence[Values], current: int, problems: Sequence[dict[str, str]]) -> str:
    """The steps in their order, each with its changed settings, what is wrong with it, and buttons to move and remove it."""
    if not steps:
        return EMPTY
    items = zip(steps, problems, strict=True)
    lines = "".join(_step(number, values, wrong, number == current, len(steps)) for number, (values, wrong) in enumerate(items))
    return f'<ol class="steps" aria-label="Steps">{lines}</ol>'


def _step(number: int, values: Values, wrong: dict[str, str], is_open: bool, count: int) -> str:
    title = spec_of(values["kind"]).title
    words = settings_words(values)
    badge = html.badge("to mend" if any(wrong) else "to fill in" if wrong else "", "warn") if wrong else ""
    why = f'<span class="step-why">{html.esc(next(iter(wrong.values())))}</span>' if wrong else ""
    opener = f'<button type="button" class="step-name" data-act="open"><span class="number">{number + 1}.</span> {html.esc(title)}</button>'
    buttons = "".join(
        f'<button type="button" class="icon" data-act="{act}" aria-label="{html.esc(f"{label} {title}, step {number + 1}")}" '
        f'title="{label}"{" disabled" if off else ""}>{sign}</button>'
        for act, label, sign, off in (
            ("up", "Move up", "↑", number == 0),
            ("down", "Move down", "↓", number == count - 1),
            ("remove", "Remove", "✕", False),
        )
    )
    settings = f'<span class="step-settings muted">{html.esc(words)}</span>' if words else ""
    top = f'<li data-step="{number}" aria-current="{str(is_open).lower()}">'
    return f'{top}<div class="step-words">{opener}{badge}{settings}{why}</div><div class="step-acts">{buttons}</div></li>'


def settings_words(values: Values) -> str:
    """The settings that differ from their defaults: `Keep: longest; At most: 2000`."""
    return "; ".join(f"{field.title}: {_said(value)}" for field, value in changed_settings(values))


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    text = html.shorten(str(value), WORD_LENGTH)
    return text if text else "empty"


def adding_table(kind: str) -> str:
    """The steps that work on rows of `kind`, each with what it does; choosing one adds it."""
    rows = [
        (spec.kind, (html.Cell(f"<strong>{html.esc(spec.title)}</strong> <span>{html.esc(spec.summary)}</span>"),))
        for spec in step_specs()
        if kind in spec.kinds
    ]
    return html.table([html.Column("Choose a step to add it")], rows, label="Steps that can be added")


def step_heading(values: Values, number: int) -> str:
    """The title of the open step's form, and what the step does."""
    spec = spec_of(values["kind"])
    return html.heading(f"{number}. {spec.title}") + html.muted(spec.summary)


def preview_view(preview: PipelinePreview) -> str:
    """What the pipeline would do: the rows before and after, each step's counts, its notes and the first rows that it changes."""
    before, after = sum(preview.before.values()), sum(preview.after.values())
    changed, removed = sum(step.changed for step in preview.steps), sum(step.removed for step in preview.steps)
    if not preview.changes:
        words = f"Nothing would change: these steps find nothing to do in the {html.plural(before, 'row')} of {preview.ref}."
        return html.heading("What would change") + html.muted(words)
    splits = ", ".join(f"{name} {count:,} → {preview.after.get(name, 0):,}" for name, count in preview.before.items())
    words = f"{html.plural(before, 'row')} of {preview.ref} would become {after:,} ({splits}). {counts_words(changed, removed)}."
    details = "".join(_effect(number, step, number == _first_effect(preview.steps)) for number, step in enumerate(preview.steps, 1))
    return f'{html.heading("What would change")}<p class="lead">{html.esc(words)}</p>{_effects_table(preview.steps)}{details}'


def counts_words(changed: int, removed: int) -> str:
    """`14 rows removed, 55 changes to rows`."""
    return f"{html.plural(removed, 'row')} removed, {html.plural(changed, 'change')} to rows"


def _first_effect(steps: Sequence[StepEffect]) -> int:
    return next((number for number, step in enumerate(steps, 1) if step.examples), 0)


def _effects_table(steps: Sequence[StepEffect]) -> str:
    columns = [html.Column("Step"), *(html.Column(title, number=True) for title in ("Rows before", "After", "Changed", "Removed"))]
    rows = [
        ("", (f"{number}. {s.title}", f"{s.rows_before:,}", f"{s.rows_after:,}", f"{s.changed:,}", f"{s.removed:,}"))
        for number, s in enumerate(steps, 1)
    ]
    return html.table(columns, rows, label="What each step would do")


def _effect(number: int, step: StepEffect, is_open: bool) -> str:
    """One step's notes and examples behind its title."""
    if not step.notes and not step.examples:
        return ""
    notes = "".join(f"<li>{html.esc(note)}</li>" for note in step.notes)
    shown, touched = len(step.examples), step.changed + step.removed
    said = f"the first {shown} of {html.plural(touched, 'row')} that it changes" if touched > shown else html.plural(touched, "row")
    top = f'<summary>{number}. {html.esc(step.title)} <span class="muted">{html.esc(said if shown else "notes")}</span></summary>'
    examples = "".join(example_view(example) for example in step.examples)
    listed = f'<ul class="notes">{notes}</ul>' if notes else ""
    return f'<details class="effect"{" open" if is_open else ""}>{top}{listed}{examples}</details>'


def example_view(example: Example) -> str:
    """A row as a word diff: what is put in underlined, what is taken out struck through."""
    removed = example.after is None
    badge = html.badge("removed", "bad") if removed else html.badge("changed")
    place = f'<div class="part">{html.esc(example.split)}, row {example.index + 1:,} {badge}</div>'
    pieces = shortened(example.diff)
    same = all(op == "equal" for op, _ in pieces)
    hint = html.muted("What changes is not part of the text that is shown.") if same else ""
    return f'<div class="preview-row">{place}{html.difference(pieces)}{hint}</div>'


def shortened(diff: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """A diff with long unchanged stretches left out, and white space and invisible signs that change made visible."""
    pieces = []
    for place, (op, text) in enumerate(diff):
        if op == "equal":
            pieces.append((op, _context(text, first=place == 0, last=place == len(diff) - 1)))
        else:
            pieces.append((op, _visible(_cut(text))))
    return pieces


def _context(text: str, first: bool, last: bool) -> str:
    """What stands beside a change, from where it is near enough."""
    before = 0 if first else AROUND
    after = 0 if last else AROUND
    if first and last:
        return _cut(text)
    if len(text) <= before + after + AROUND // 4:
        return text
    return f"{text[:before]} … {text[len(text) - after :] if after else ''}"


def _cut(text: str) -> str:
    left = len(text) - MOST_MARKED
    return f"{text[:MOST_MARKED]} … ({html.plural(left, 'more character')})" if left > 0 else text


def _visible(text: str) -> str:
    """White space alone as signs, invisible characters by name."""
    return text.translate(SPACES | INVISIBLE) if not text.strip() else text.translate(INVISIBLE)


def outcome(version: VersionInfo) -> str:
    """What a new version holds, in one sentence."""
    counts = version.step["counts"]
    words = counts_words(counts["changed"], counts["removed"])
    return f"{version.dataset} v{version.number} is made: {counts['kept']:,} of {html.plural(counts['read'], 'row')} kept; {words}."
