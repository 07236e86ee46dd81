"""What is drawn of a quality report: pure functions from its numbers to plotly figures, in light or dark.

`figures` gives the charts that a report has something for, in the order of the page, each with its title and one sentence on what it shows.
To draw another, write a function to a figure and name it there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from app.figures import Chart, Colours, bare, colours_of, escaped, short

if TYPE_CHECKING:
    from studio.data.quality.reports import QualityReport
    from studio.data.quality.statistics import Distribution, Duplicates, LabelCount, Turns

HEIGHT = 240
ROW_HEIGHT = 22
MOST_CLASSES = 30
MOST_LANGUAGES = 12
MOST_SIZES = 20
SPLIT_NAMES = {"train": "training", "validation": "validation", "test": "test"}


def figures(report: QualityReport, dark: bool = False) -> list[Chart]:
    """The charts of a report."""
    unit = report.lengths.unit
    charts = [
        Chart(
            "lengths",
            f"Length of rows, in {unit}",
            "How many rows have which length; the last bar takes all longer ones. What is right of the line is cut off.",
            length_histogram(report.lengths, dark),
        )
    ]
    if report.classes:
        title, meaning = "Rows by class", "A model that hardly ever sees a class hardly ever names it."
        charts.append(Chart("classes", title, meaning, class_balance(report.classes, dark)))
    if report.turns is not None:
        meaning = "How many conversations have how many messages, the system text counted."
        charts.append(Chart("turns", "Messages a conversation", meaning, turn_structure(report.turns, dark)))
    if report.duplicates.sizes:
        meaning = "Rows that say nearly the same form a group; each group should be one row."
        charts.append(Chart("duplicates", "Groups of near duplicates", meaning, duplicate_groups(report.duplicates, dark)))
    if len(report.languages) > 1:
        meaning = "The language that each row seems to be in; of short texts it cannot be told."
        charts.append(Chart("languages", "Rows by language", meaning, language_mix(report.languages, dark)))
    return charts


def length_histogram(lengths: Distribution, dark: bool = False) -> go.Figure:
    """Rows by length, with a line at the limit and what is beyond it in another colour."""
    colours = colours_of(dark)
    last = len(lengths.bins) - 1
    names = [
        f"{start:,} and more"
        if index == last and lengths.maximum >= end
        else f"{start:,} to {end - 1:,}"
        if end - start > 1
        else f"{start:,}"
        for index, (start, end, _) in enumerate(lengths.bins)
    ]
    beyond = [lengths.limit is not None and start > lengths.limit for start, _, _ in lengths.bins]
    bars = go.Bar(
        x=[(start + end) / 2 for start, end, _ in lengths.bins],
        y=[count for *_, count in lengths.bins],
        width=[end - start for start, end, _ in lengths.bins],
        customdata=names,
        hovertemplate=f"%{{customdata}} {lengths.unit}: %{{y:,}} rows<extra></extra>",
        marker={"color": [colours.limit if over else colours.bar for over in beyond], "line": {"width": 0}},
    )
    figure = _figure([bars], colours, x=lengths.unit, y="rows")
    if lengths.limit is not None:
        words = f"limit {lengths.limit:,}: {lengths.over:,} longer" if lengths.over else f"limit {lengths.limit:,}: all fit"
        crowded = lengths.bins and lengths.limit > 0.6 * lengths.bins[-1][1]
        figure.add_vline(
            x=lengths.limit + 0.5,
            line={"color": colours.limit, "width": 2, "dash": "dash"},
            annotation={"text": words, "font": {"color": colours.limit}, "xanchor": "right" if crowded else "left"},
            annotation_position="top",
        )
    return figure


def class_balance(classes: list[LabelCount], dark: bool = False) -> go.Figure:
    """Rows of each class, by split; classes beyond the most frequent ones are put together."""
    colours = colours_of(dark)
    shown, rest = classes[:MOST_CLASSES], classes[MOST_CLASSES:]
    names = [short(item.label) for item in shown] + ([f"{len(rest):,} others"] if rest else [])
    present = [split for split in SPLIT_NAMES if any(split in item.splits for item in classes)]
    bars = []
    for split, colour in zip(SPLIT_NAMES, (colours.bar, colours.second, colours.third), strict=True):
        if split in present:
            counts = [item.splits.get(split, 0) for item in shown] + ([sum(item.splits.get(split, 0) for item in rest)] if rest else [])
            bars.append(_lying(names, counts, colour, SPLIT_NAMES[split]))
    return _lying_figure(bars, names, colours, legend=len(present) > 1)


def language_mix(languages: dict[str, int], dark: bool = False) -> go.Figure:
    """Rows by language, the most frequent on top."""
    colours = colours_of(dark)
    items = list(languages.items())
    names = ["not clear" if code == "und" else code for code, _ in items[:MOST_LANGUAGES]]
    counts = [count for _, count in items[:MOST_LANGUAGES]]
    if len(items) > MOST_LANGUAGES:
        names.append(f"{len(items) - MOST_LANGUAGES} others")
        counts.append(sum(count for _, count in items[MOST_LANGUAGES:]))
    return _lying_figure([_lying(names, counts, colours.bar, "rows")], names, colours)


def turn_structure(turns: Turns, dark: bool = False) -> go.Figure:
    """Conversations by number of messages."""
    colours = colours_of(dark)
    bars = _standing(turns.counts.items(), "%{x} messages: %{y:,} conversations", colours)
    figure = _figure([bars], colours, x="messages", y="conversations")
    if len(turns.counts) <= MOST_SIZES:
        figure.update_xaxes(type="category")
    if len(turns.counts) == 1:
        figure.update_layout(bargap=0.8)  # one bar as wide as the chart reads as a block
    return figure


def duplicate_groups(duplicates: Duplicates, dark: bool = False) -> go.Figure:
    """Groups of near duplicates by number of rows; the largest sizes are put together."""
    colours = colours_of(dark)
    sizes = [(str(size), groups) for size, groups in duplicates.sizes.items()]
    if len(sizes) > MOST_SIZES:
        rest = sizes[MOST_SIZES - 1 :]
        sizes = [*sizes[: MOST_SIZES - 1], (f"{rest[0][0]} and more", sum(groups for _, groups in rest))]
    bars = _standing(sizes, "%{x} rows alike: %{y:,} groups", colours)
    figure = _figure([bars], colours, x="rows in the group", y="groups")
    figure.update_xaxes(type="category")
    if len(sizes) == 1:
        figure.update_layout(bargap=0.8)
    return figure


def _standing(items: Iterable[tuple[int | str, int]], hover: str, colours: Colours) -> go.Bar:
    pairs = list(items)
    return go.Bar(x=[x for x, _ in pairs], y=[y for _, y in pairs], hovertemplate=f"{hover}<extra></extra>", marker={"color": colours.bar})


def _lying(names: list[str], counts: list[int], colour: str, name: str) -> go.Bar:
    """Lying bars; they stand at their place rather than their name, so that two names cut alike stay two bars."""
    hover = "%{customdata}: %{x:,} " + name + "<extra></extra>"
    places = list(range(len(names)))
    return go.Bar(x=counts, y=places, orientation="h", name=name, customdata=names, hovertemplate=hover, marker={"color": colour})


def _figure(bars: list[go.Bar], colours: Colours, x: str = "", y: str = "", height: int = HEIGHT) -> go.Figure:
    figure = bare(bars, colours, height)
    figure.update_layout(bargap=0.08, barmode="stack")
    figure.update_xaxes(title=x, tickformat=",d", showgrid=False)
    figure.update_yaxes(title=y, tickformat=",d", rangemode="tozero")
    return figure


def _lying_figure(bars: list[go.Bar], names: list[str], colours: Colours, legend: bool = False) -> go.Figure:
    figure = _figure(bars, colours, x="rows", height=max(120, 70 + ROW_HEIGHT * len(names)))
    places = list(range(len(names)))
    figure.update_yaxes(autorange="reversed", tickmode="array", tickvals=places, ticktext=[escaped(name) for name in names])
    figure.update_yaxes(showgrid=False)
    figure.update_xaxes(showgrid=True)
    figure.update_layout(showlegend=legend, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    for bar in figure.data:
        bar.customdata = [escaped(name) for name in names]
    return figure
