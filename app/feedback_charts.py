"""What is drawn of judgements: pure functions from a `studio.feedback.statistics.results.Report` to plotly figures, in light or dark.

`figures` gives the charts that there is something for, in the order of the page, each with a sentence that says what it means. To draw
another, write a function to a figure and name it there. Shares are drawn in per cent; lines through a dot are 95 % intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from app.figures import Chart, Colours, bare, colours_of, escaped, short

if TYPE_CHECKING:
    from studio.feedback.statistics.results import Acceptable, Agreement, Bias, Rating, Report, Standing, WinMatrix

ROW_HEIGHT = 34
MOST_CELLS_WITH_WORDS = 12
MOST_SENTENCES = 4
YARDSTICKS = (("InstructGPT's labellers", 72.6, 1.5), ("its held-out labellers", 77.3, 1.3))
BIAS_WORDS = {"position": "left one chosen", "length": "longer one chosen", "speed": "too fast"}
EVEN = 50.0


@dataclass(frozen=True)
class Dot:
    """One value in per cent with its interval, and what the pointer is told over it."""

    name: str
    value: float
    low: float
    high: float
    hover: str = ""


def figures(report: Report, dark: bool = False) -> list[Chart]:
    """The charts of a report; none before there is a judgement."""
    if not report.judgements:
        return []
    colours = colours_of(dark)
    charts = []
    if report.standings:
        charts += [
            Chart(
                "strengths",
                "Chance to win against the others",
                f"{report.standings_sentence} {report.controlled_sentence}".strip(),
                strengths(report, colours),
            ),
            Chart("matrix", "Who beats whom", matrix_words(report.matrix), win_matrix(report.matrix, colours)),
        ]
    if report.ratings:
        meaning = "Mean rating of each model from 1 to 7. " + _said(report.ratings)
        charts.append(Chart("ratings", "Ratings", meaning, ratings(report.ratings, colours)))
    if report.acceptable:
        meaning = "Whatever people think of the order: " + _said(report.acceptable)
        charts.append(Chart("acceptable", "Acceptable answers", meaning, acceptable(report.acceptable, colours)))
    if report.agreement.raw is not None:
        charts.append(Chart("agreement", "Agreement of two people", report.agreement.sentence, agreement(report.agreement, colours)))
    if any(bias.share is not None for bias in report.biases):
        meaning = " ".join(bias.sentence for bias in report.biases)
        charts.append(Chart("bias", "What sways people", meaning, biases(report.biases, colours)))
    return charts


def _said(found: Sequence[Rating] | Sequence[Acceptable]) -> str:
    """The first sentences of a group; the chart has them all."""
    return " ".join(one.sentence for one in found[:MOST_SENTENCES])


def strengths(report: Report, colours: Colours) -> go.Figure:
    """The chance of each model to win against the others, best on top; beside it the same with length held equal."""
    ranked = sorted(report.standings, key=lambda s: -s.win_rate)
    controlled = {s.model: s for s in report.controlled or []}
    names = [s.model for s in ranked]
    traces = [_dots([_standing_dot(s) for s in ranked], colours.bar, "as judged", -0.16 if controlled else 0.0)]
    if controlled:
        again = [_standing_dot(controlled[name]) for name in names if name in controlled]
        traces.append(_dots(again, colours.second, "length held equal", 0.16, [names.index(dot.name) for dot in again], "diamond"))
    return _dot_figure(traces, names, colours, "chance to win, %", line=EVEN, legend=bool(controlled))


def _standing_dot(standing: Standing) -> Dot:
    hover = f"{standing.games:,.0f} comparisons, strength {standing.strength:+.2f} [{standing.low:+.2f}, {standing.high:+.2f}] logits"
    return Dot(standing.model, 100 * standing.win_rate, 100 * standing.win_low, 100 * standing.win_high, hover)


def matrix_words(matrix: WinMatrix) -> str:
    """What the matrix says in a sentence: the clearest couple."""
    couples = [
        (_share(matrix, i, j), matrix.games[i][j] or 0, a, b)
        for i, a in enumerate(matrix.models)
        for j, b in enumerate(matrix.models)
        if i != j and matrix.games[i][j]
    ]
    if not couples:
        return "No two models have met yet."
    share, games, a, b = max(couples, key=lambda couple: (couple[0], couple[1]))
    times = f"{games:,.0f} comparison{'' if games == 1 else 's'}"
    return f"How often the model of a row beat that of a column, ties as half: {a} won {100 * share:.0f} % of {times} with {b}."


def _share(matrix: WinMatrix, i: int, j: int) -> float:
    """How often model i beat model j; ties count as half."""
    return float(matrix.wins[i][j] or 0)


def win_matrix(matrix: WinMatrix, colours: Colours) -> go.Figure:
    """Row beats column, in per cent; a cell is blank where the two never met."""
    names, count = [escaped(short(name, 18)) for name in matrix.models], len(matrix.models)
    shares = [[100 * _share(matrix, i, j) if i != j and matrix.games[i][j] else None for j in range(count)] for i in range(count)]
    spare = count <= MOST_CELLS_WITH_WORDS
    words = [
        [
            "" if share is None else f"{share:.0f} %<br>of {matrix.games[i][j]:,.0f}" if spare else f"{share:.0f}"
            for j, share in enumerate(row)
        ]
        for i, row in enumerate(shares)
    ]
    places = list(range(count))
    heat = go.Heatmap(
        z=shares, x=places, y=places, zmin=0, zmax=100, zmid=EVEN, xgap=2, ygap=2, showscale=False, hoverongaps=False,
        colorscale=[[0, colours.lost], [0.5, colours.behind], [1, colours.won]],
        text=words, texttemplate="%{text}", textfont={"size": 12, "color": colours.ink},
        customdata=[[f"{a} against {b}" for b in names] for a in names],
        hovertemplate="%{customdata}: %{text}<extra></extra>",
    )  # fmt: skip
    figure = bare([heat], colours, height=90 + max(48 * count, 96))
    figure.update_xaxes(side="top", tickmode="array", tickvals=places, ticktext=names, showgrid=False, zeroline=False)
    figure.update_yaxes(autorange="reversed", tickmode="array", tickvals=places, ticktext=names, showgrid=False, zeroline=False)
    return figure


def agreement(found: Agreement, colours: Colours) -> go.Figure:
    """How often two people say the same of an item, beside what was published of others."""
    rows = [Dot("people here", 100 * (found.raw or 0), 100 * (found.raw_low or 0), 100 * (found.raw_high or 0), f"{found.units:,} items")]
    known = [Dot(name, value, value - spread, value + spread, "published") for name, value, spread in YARDSTICKS]
    names = [dot.name for dot in (*rows, *known)]
    traces = [_dots(rows, colours.bar, "here"), _dots(known, colours.third, "published", 0.0, [1, 2], "square")]
    return _dot_figure(traces, names, colours, "same answer, %")


def biases(found: Sequence[Bias], colours: Colours) -> go.Figure:
    """The share of choices that fell on one side; without a bias the line holds 50 %."""
    known = [(bias, bias.share, bias.low or 0.0, bias.high or 0.0) for bias in found if bias.share is not None]
    dots = [Dot(BIAS_WORDS[bias.kind], 100 * share, 100 * low, 100 * high, f"of {bias.n:,} judgements") for bias, share, low, high in known]
    plain = [i for i, (bias, *_) in enumerate(known) if not bias.warning]
    doubtful = [i for i, (bias, *_) in enumerate(known) if bias.warning]
    traces = [_dots([dots[i] for i in plain], colours.bar, "no sign of bias", 0.0, plain)]
    if doubtful:
        traces.append(_dots([dots[i] for i in doubtful], colours.limit, "bias", 0.0, doubtful, "x"))
    return _dot_figure(traces, [dot.name for dot in dots], colours, "share of choices, %", line=EVEN, legend=bool(doubtful))


def acceptable(found: Sequence[Acceptable], colours: Colours) -> go.Figure:
    """The share of each model's answers that are marked acceptable."""
    dots = [Dot(one.model, 100 * one.share, 100 * one.low, 100 * one.high, f"of {one.n:,} marked answers") for one in found]
    return _dot_figure([_dots(dots, colours.bar, "acceptable")], [dot.name for dot in dots], colours, "acceptable, %")


def ratings(found: Sequence[Rating], colours: Colours) -> go.Figure:
    """The mean rating by criterion, a colour and a sign for each model."""
    models = list(dict.fromkeys(one.model for one in found))
    criteria = list(dict.fromkeys(one.criterion for one in found))
    tints, signs = (colours.bar, colours.second, colours.third, colours.limit, colours.text), ("circle", "diamond", "square", "x", "cross")
    traces = []
    for number, model in enumerate(models):
        mine = [one for one in found if one.model == model]
        dots = [
            Dot(one.criterion, one.mean, _or(one.low, one.mean), _or(one.high, one.mean), f"{escaped(model)}, {one.n:,} ratings")
            for one in mine
        ]
        shift = (number - (len(models) - 1) / 2) * 0.6 / max(len(models), 2)
        places = [criteria.index(dot.name) for dot in dots]
        traces.append(_dots(dots, tints[number % len(tints)], short(model), shift, places, signs[number % len(signs)]))
    figure = _dot_figure(traces, criteria, colours, "mean rating, 1 to 7", legend=len(models) > 1, rows=max(1, len(models) / 2))
    figure.update_xaxes(range=[0.8, 7.2])
    return figure


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _dots(
    dots: Sequence[Dot], colour: str, name: str, shift: float = 0.0, places: Sequence[int] | None = None, sign: str = "circle"
) -> go.Scatter:
    """Values with their intervals, each on its own line."""
    at = places if places is not None else range(len(dots))
    return go.Scatter(
        x=[dot.value for dot in dots],
        y=[place + shift for place in at],
        mode="markers",
        name=escaped(name),
        marker={"color": colour, "size": 9, "symbol": sign},
        error_x={
            "type": "data", "symmetric": False, "color": colour, "thickness": 2, "width": 5,
            "array": [max(dot.high - dot.value, 0) for dot in dots], "arrayminus": [max(dot.value - dot.low, 0) for dot in dots],
        },
        customdata=[[escaped(dot.name), round(dot.low, 1), round(dot.high, 1), dot.hover] for dot in dots],
        hovertemplate="%{customdata[0]}: %{x:.1f} [%{customdata[1]}, %{customdata[2]}]<br>%{customdata[3]}<extra></extra>",
    )  # fmt: skip


def _dot_figure(
    traces: list[go.Scatter],
    names: Sequence[str],
    colours: Colours,
    title: str,
    line: float | None = None,
    legend: bool = False,
    rows: float = 1,
) -> go.Figure:
    """Lines of dots below each other, with a mark where the two sides would be even."""
    figure = bare(traces, colours, height=round(84 + ROW_HEIGHT * rows * max(len(names), 1)) + (22 if legend else 0))
    figure.update_xaxes(title=title, range=[-2, 102], zeroline=False)
    ticks = [escaped(short(name)) for name in names]
    figure.update_yaxes(range=[len(names) - 0.5, -0.5], tickmode="array", tickvals=list(range(len(names))), ticktext=ticks, showgrid=False)
    if line is not None:
        figure.add_vline(x=line, line={"color": colours.text, "width": 1, "dash": "dot"})
    if legend:
        figure.update_layout(showlegend=True, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    return figure
