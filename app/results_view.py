"""What judgements are worth, in words and tables: pure functions from a `studio.feedback.statistics.results.Report` to escaped HTML.

The charts beside it stand in `app/feedback_charts.py`. To show another figure of the report, add a function and name it in `details`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app import html
from app.guard import notice

if TYPE_CHECKING:
    from studio.feedback.report import AnnotatorReport, Report

SURE = 0.95
LIKELY = 0.8
WAITING = html.empty_state(
    "No judgement yet",
    "Send people the link above, or judge items yourself. What the judgements say appears here as they come.",
)
WATCHING = html.empty_state("No judgement yet", "What people say appears here as it comes.")
"""The same for those who may only look."""


def share(value: float | None) -> str:
    """A share in per cent, or a dash where there is none."""
    return "–" if value is None else f"{100 * value:.0f} %"


def number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def summary(report: Report, waiting: str = WAITING) -> str:
    """What came out, in sentences, the surest first; what could not be compared is said first of all. `waiting` stands there before."""
    if not report.judgements:
        return waiting
    lead = f'<p class="lead">{html.esc(report.sentence)}</p>'
    warning = notice(report.disconnected, "warning") if report.disconnected else ""
    lines = "".join(f"<li>{_sureness(verdict.confidence)} {html.esc(verdict.sentence)}</li>" for verdict in report.verdicts)
    return f'{lead}{warning}<ul class="verdicts">{lines}</ul>' if lines else lead + warning


def _sureness(confidence: float | None) -> str:
    """How sure a verdict is, as a badge."""
    if confidence is None:
        return html.badge("never met", "bad")
    if confidence >= SURE:
        return html.badge("sure", "good")
    return html.badge("likely", "") if confidence >= LIKELY else html.badge("open", "warn")


def details(report: Report, by_person: bool = True) -> str:
    """The figures behind the charts: what length does, how steady people are, and, for those who lead them, each of them."""
    if not report.judgements:
        return ""
    return effects(report) + agreement(report) + (people(report) if by_person else "")


def effects(report: Report) -> str:
    """What length and format do to the choice, a sentence each."""
    sentences = [effect.sentence for effect in report.effects] + ([report.whole_rankings.sentence] if report.whole_rankings else [])
    if not sentences:
        return ""
    lines = "".join(f"<li>{html.esc(sentence)}</li>" for sentence in sentences)
    return f'{html.heading("What besides the model decides")}<ul class="verdicts">{lines}</ul>'


def agreement(report: Report) -> str:
    """Why there is no chart of agreement; nothing where there is one."""
    if report.agreement.raw is not None or not report.standings:
        return ""
    return f"{html.heading('Agreement')}{html.muted(report.agreement.sentence)}"


PEOPLE_COLUMNS = [
    html.Column("Person"),
    html.Column("Judgements", number=True, help="Judgements of this person that count."),
    html.Column("An hour", number=True, wide_only=True, help="Judgements in an hour of active work."),
    html.Column("Time each", number=True, wide_only=True, help="Median of the active seconds for one judgement."),
    html.Column("Left chosen", number=True, wide_only=True, help="How often the answer shown first won; 50 % is even."),
    html.Column("Longer chosen", number=True, wide_only=True, help="How often the longer answer won."),
    html.Column("Too fast", number=True, wide_only=True, help="Share of judgements given faster than the texts can be read."),
    html.Column("Same again", number=True, help="How often the person said the same of an item that came back in another order."),
    html.Column("Gold right", number=True, help="How often the person was right on items whose answer is known."),
    html.Column("With others", number=True, wide_only=True, help="Kendall's tau against the others on shared items: 1 the same order."),
    html.Column("Look at", help="Signs that a person should look at; nobody is shut out by them."),
]


def people(report: Report) -> str:
    """Each annotator in a row. Signs are for a person to look at: nobody is shut out by a figure."""
    lines = [("", _person(one)) for one in sorted(report.annotators, key=lambda a: -a.judgements)]
    table = html.table(PEOPLE_COLUMNS, lines, label="People", empty="Nobody has judged yet.")
    note = f"{report.consistency.sentence} A sign under “Look at” is for you to look into; nobody is shut out by it."
    return f'{html.heading("People")}<p class="muted">{html.esc(note)}</p>{table}'


def _person(one: AnnotatorReport) -> tuple[object, ...]:
    warnings = "".join(f"<div>{html.esc(text)}</div>" for text in one.warnings)
    return (
        html.Cell(f"<strong>{html.esc(one.person)}</strong>"),
        f"{one.judgements:,}",
        number(one.per_hour, 0),
        "–" if one.median_seconds is None else f"{one.median_seconds:.0f} s",
        share(one.left_share),
        share(one.longer_share),
        share(one.too_fast_share),
        share(one.consistency),
        share(one.gold),
        number(one.tau),
        html.Cell(f'<div class="signs">{warnings}</div>' if warnings else '<span class="muted">nothing</span>'),
    )
