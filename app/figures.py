"""Static charts: what all of them look like, and the component that shows them.

A file of charts (`quality_charts.py`, `feedback_charts.py`) has pure functions from numbers to plotly figures, each in light or dark, and
one function that lists them as `Chart`s. `in_both` makes of that function's answers what `board`, the component, shows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from app.theme import script

HEIGHT = 240
FONT = "IBM Plex Sans, system-ui, sans-serif"


@dataclass(frozen=True)
class Colours:
    """Text, grid, bars, the bars of other groups, what is too much; for cells: what lies behind them, lost, won, and the words on them."""

    text: str
    grid: str
    bar: str
    second: str
    third: str
    limit: str
    behind: str
    lost: str
    won: str
    ink: str


LIGHT = Colours(
    text="#475569", grid="#e2e8f0", bar="#4f46e5", second="#0891b2", third="#a16207", limit="#b91c1c",
    behind="#f8fafc", lost="#fca5a5", won="#a5b4fc", ink="#0f172a",
)  # fmt: skip
DARK = Colours(
    text="#cbd5e1", grid="#1e293b", bar="#818cf8", second="#22d3ee", third="#fbbf24", limit="#f87171",
    behind="#1e293b", lost="#991b1b", won="#4338ca", ink="#f1f5f9",
)  # fmt: skip


@dataclass(frozen=True)
class Chart:
    """One chart: its title, what it says in a sentence, and the figure. A `wide` one takes a line of its own."""

    id: str
    title: str
    meaning: str
    figure: go.Figure
    wide: bool = False


def colours_of(dark: bool) -> Colours:
    return DARK if dark else LIGHT


def bare(traces: Sequence[Any], colours: Colours, height: int = HEIGHT) -> go.Figure:
    """A figure without any of plotly's own decoration."""
    figure = go.Figure(traces)
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 24, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": 12, "color": colours.text},
        showlegend=False,
        template="none",
        dragmode=False,
    )
    axis = {"gridcolor": colours.grid, "zerolinecolor": colours.grid, "linecolor": colours.grid, "automargin": True}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    return figure


def short(text: str, most: int = 28) -> str:
    """A name as it fits beside a chart."""
    text = " ".join(text.split()) or "(empty)"
    return text if len(text) <= most else f"{text[: most - 1]}…"


def escaped(text: str) -> str:
    """A name from the data as plain text: plotly reads tags such as <b> and <a> in names."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def in_both(charts: Callable[[bool], list[Chart]]) -> list[dict[str, Any]]:
    """What `charts(dark)` gives as plain values, each chart in a light and a dark version, for `board`."""
    return [
        {
            "id": light.id,
            "title": light.title,
            "meaning": light.meaning,
            "wide": light.wide,
            "light": json.loads(light.figure.to_json()),
            "dark": json.loads(dark.figure.to_json()),
        }
        for light, dark in zip(charts(False), charts(True), strict=True)
    ]


def board(elem_id: str) -> gr.HTML:
    """The component; its value is what `in_both` gives."""
    return gr.HTML(
        [], html_template="", js_on_load=script("figures.js"), apply_default_css=False, elem_id=elem_id, elem_classes="figure-board"
    )
