"""How a report on votes is printed: tables of figures, and a sentence for each that says what it means.

The figures and sentences are made by `studio/feedback/statistics`. To print another figure, add a function and call it in `print_report`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio.cli.output import console, emit_table
from studio.feedback.statistics.words import percent, percent_interval

if TYPE_CHECKING:
    from studio.feedback.statistics.results import Report, Standing

DASH = "–"


def print_report(report: Report) -> None:
    """The whole report, what matters most first."""
    _say(report.sentence)
    if not report.judgements:
        return
    if report.disconnected:
        _say(report.disconnected)
    _standings("Standings", report.standings, report.standings_sentence)
    for verdict in report.verdicts:
        _say(f"  {verdict.sentence}")
    if report.controlled:
        _standings("Standings with length and format taken out", report.controlled, report.controlled_sentence)
    else:
        _say(report.controlled_sentence)
    for effect in report.effects:
        _say(f"  {effect.sentence}")
    _matrix(report)
    console.print()
    if report.whole_rankings:
        _say(report.whole_rankings.sentence)
    _say(report.agreement.sentence)
    for bias in report.biases:
        _say(f"{'Look at this: ' if bias.warning else ''}{bias.sentence}")
    _say(report.consistency.sentence)
    _answers(report)
    _people(report)


def _say(sentence: str) -> None:
    if sentence:
        console.print(sentence, markup=False)


def _percent(value: float | None) -> str:
    return DASH if value is None else percent(value)


def _interval(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or low is None or high is None:
        return _percent(value)
    return percent_interval(value, low, high)


def _standings(title: str, standings: Sequence[Standing], sentence: str) -> None:
    rows = [
        (s.model, _interval(s.win_rate, s.win_low, s.win_high), f"{s.strength:+.2f} [{s.low:+.2f}, {s.high:+.2f}]", s.games)
        for s in standings
    ]
    if rows:
        console.print()
        emit_table(title, ("model", "wins on average", "strength", "comparisons"), rows, "")
    _say(sentence)


def _matrix(report: Report) -> None:
    """Who won against whom; without the rows of models that met nobody."""
    matrix = report.matrix
    if len(matrix.models) < 2:
        return
    rows = []
    for i, model in enumerate(matrix.models):
        cells = [f"{_percent(share)} of {n}" if n else DASH for share, n in zip(matrix.wins[i], matrix.games[i], strict=True)]
        rows.append((model, *cells))
    console.print()
    emit_table("Wins of the row against the column", ("", *matrix.models), rows, "")


def _answers(report: Report) -> None:
    """Ratings and marks of each model's answers."""
    ratings = [
        (r.model, r.criterion, f"{r.mean:.2f}" + (f" [{r.low:.2f}, {r.high:.2f}]" if r.low is not None and r.high is not None else ""), r.n)
        for r in report.ratings
    ]
    if ratings:
        console.print()
        emit_table("Mean ratings", ("model", "criterion", "mean", "ratings"), ratings, "")
    marks = [(a.model, _interval(a.share, a.low, a.high), a.n) for a in report.acceptable]
    if marks:
        console.print()
        emit_table("Acceptable answers", ("model", "share", "marks"), marks, "")


def _people(report: Report) -> None:
    columns = ("person", "judgements", "an hour", "time each", "left", "longer", "too fast", "same again", "gold right", "with others")
    rows = [
        (
            a.person, a.judgements, DASH if a.per_hour is None else f"{a.per_hour:.0f}",
            DASH if a.median_seconds is None else f"{a.median_seconds:.0f} s", _percent(a.left_share), _percent(a.longer_share),
            _percent(a.too_fast_share), _percent(a.consistency), _percent(a.gold), DASH if a.tau is None else f"{a.tau:.2f}",
        )
        for a in report.annotators
    ]  # fmt: skip
    console.print()
    emit_table("People", columns, rows, "")
    for annotator in report.annotators:
        for warning in annotator.warnings:
            _say(f"  {annotator.person}: {warning}")
