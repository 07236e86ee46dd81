"""The panel "What will happen": what a recipe would do, what to watch out for, and a button that mends it.

Pure functions from a plan to escaped HTML; `build` makes the component, which fires `mend` with the changes of a warning's button.
"""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

import gradio as gr

from app.guard import notice

if TYPE_CHECKING:
    from studio.runs.measure import Measurement
    from studio.runs.plan import Plan

GIB = 2**30
MEND = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-changes]");
  if (button) trigger("mend", { changes: JSON.parse(button.dataset.changes) });
});
"""
NO_DATA = """
<div class="plan empty"><h2>What will happen</h2><p>Choose a dataset, and rows, steps, time and memory are worked out here before anything
is trained. If there is none yet, the <button type="button" class="link" onclick="luthier.openTab('Data')">Data</button> tab has
samples.</p></div>
"""


def build() -> gr.HTML:
    """The panel's component."""
    return gr.HTML(NO_DATA, js_on_load=MEND, apply_default_css=False, elem_id="plan")


def plan_html(plan: Plan, measured: Measurement | None = None) -> str:
    """The panel for a plan; times and memory are the measured ones where there are any."""
    lines = [_line(label, value, meaning) for label, value, meaning in [*_facts(plan, measured), *_mix(plan)]]
    warnings = "".join(_warning(warning) for warning in plan.warnings)
    count = len(plan.warnings)
    summary = "Nothing to watch out for." if not count else f"{count} {'thing' if count == 1 else 'things'} to watch out for"
    return (
        f'<div class="plan"><h2>What will happen</h2><dl>{"".join(lines)}</dl>'
        f'<p class="warn-count">{summary}</p><div class="warnings">{warnings}</div></div>'
    )


def waiting_html(loading: bool) -> str:
    """The panel while the plan is worked out; `loading` says that the libraries are still being loaded."""
    words = "Loading the training libraries, once after the start" if loading else "Reading the model's tokenizer and counting tokens"
    return f'<div class="plan"><h2>What will happen</h2><p class="waiting" role="status">{words}</p></div>'


def trouble_html(error: Exception) -> str:
    """The panel when there is no plan."""
    return f'<div class="plan"><h2>What will happen</h2>{notice(error)}</div>'


def _facts(plan: Plan, measured: Measurement | None) -> list[tuple[str, str, str]]:
    share = plan.trained_tokens / plan.tokens if plan.tokens else 0
    held = f", {plan.held_out:,} held out" if plan.held_out else ", none held out"
    facts = [
        ("Rows", f"{plan.rows:,} to train on{held}", "Held-out rows are never trained on; they measure progress."),
        ("Tokens", f"{plan.trained_tokens:,} trained on ({share:.0%} of {plan.tokens:,})", "The rest is prompt, which is only read."),
        ("Cut rows", f"{plan.cut_rows:,} longer than the longest row" if plan.cut_rows else "none", "Rows that lose a part."),
        ("Steps", f"{plan.steps:,}, {plan.evaluations:,} evaluations", "One step is one change of the weights."),
    ]
    if measured is not None:
        step = f"{measured.seconds_per_step:.2g} s" if measured.seconds_per_step < 10 else duration(measured.seconds_per_step)
        facts.append(("A step", f"{step}, {measured.tokens_per_second:,.0f} tokens a second (measured)", "On the longest rows."))
        facts.append(("Time", f"about {duration(measured.total_seconds)} (measured)", "From a few real steps on the longest rows."))
        facts.append(("Memory", f"{size(measured.peak_bytes)} at most (measured)", "From a few real steps on the longest rows."))
    else:
        time = "not known before a measurement" if plan.seconds is None else f"about {duration(plan.seconds)}"
        facts.append(("Time", time, "An estimate; Measure takes a few real steps."))
        facts.append(("Memory", _memory(plan), "Weights, gradients, optimiser and activations."))
    ways = [plan.precision, "packed" if plan.packing else "", "with gradient checkpointing" if plan.checkpointing else ""]
    facts.append(("Done in", ", ".join(way for way in ways if way), "What the settings on auto came to."))
    return facts


def _mix(plan: Plan) -> list[tuple[str, str, str]]:
    """For a mix of datasets, what each comes to: its part of an epoch, and how often its rows come in the whole run."""
    if len(plan.shares) < 2:
        return []
    words = "; ".join(f"{s.name} {s.share:.0%} ({s.rows:,} rows, {s.times * plan.resolved.epochs:.3g} times)" for s in plan.shares)
    return [("Mix", words, "Each dataset's part of what is trained on, and how often its rows come in the whole run.")]


def _memory(plan: Plan) -> str:
    memory = plan.memory
    words = f"{size(memory.total)} of {size(memory.available)}"
    return words if memory.fits else f"{words}: too much"


def _line(label: str, value: str, meaning: str) -> str:
    return f'<div title="{html.escape(meaning)}"><dt>{html.escape(label)}</dt><dd>{html.escape(value)}</dd></div>'


def _warning(warning: Any) -> str:
    button = ""
    if warning.changes:
        changes = html.escape(json.dumps(warning.changes))
        button = f'<button type="button" class="remedy" data-changes="{changes}">{html.escape(warning.label)}</button>'
    return f'<div class="notice warning"><span>{html.escape(warning.text)}</span> {button}</div>'


def size(count: float) -> str:
    """Bytes as people say them: `640 MB`, `17.4 GB`."""
    return f"{count / GIB:.1f} GB" if count >= GIB / 2 else f"{max(count / 2**20, 1):.0f} MB"


def duration(seconds: float) -> str:
    """Seconds as people say them: `40 s`, `1 min 40 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
