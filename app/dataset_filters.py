"""The filters over the rows of a version: split, flag, label, source, length and order. The search box stands with the pager."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.data import rows, store
from studio.data.rows import RowFilter
from studio.errors import DataError
from studio.workspace import Workspace

ALL = "all splits"
ANY = {"flag": "any flag", "label": "any label", "source": "any source"}
ORDERS = (("in the file's order", ""), ("shortest first", "shortest"), ("longest first", "longest"))


def filter_of(values: tuple[Any, ...]) -> tuple[RowFilter, str]:
    """The filter and the order that the components' values say, in the order of `Filters.inputs`."""
    search, split, flag, label, source, shortest, longest, order = values
    chosen = {name: "" if value in (None, ANY[name]) else str(value) for name, value in zip(ANY, (flag, label, source), strict=True)}
    limits = [_limit(value) for value in (shortest, longest)]
    return RowFilter(
        "" if split in (None, "", ALL) else split, str(search or ""), **chosen, min_characters=limits[0], max_characters=limits[1]
    ), (order or "")


def _limit(value: str | int | None) -> int | None:
    """A number of characters as typed; None where nothing stands. Raises `DataError`."""
    typed = str(value if value is not None else "").strip().replace(",", "")
    if not typed:
        return None
    if not typed.isdecimal():
        raise DataError(f"“{typed}” is not a number of characters.", "Write a whole number such as 200, or leave the field empty.")
    return int(typed)


@dataclass
class Filters:
    """The components; `inputs` are what `filter_of` takes, `show` gives their updates for another version."""

    search: gr.Textbox
    split: gr.Dropdown
    flag: gr.Dropdown
    label: gr.Dropdown
    source: gr.Dropdown
    shortest: gr.Textbox
    longest: gr.Textbox
    order: gr.Dropdown

    @property
    def inputs(self) -> list[Any]:
        return [self.search, self.split, self.flag, self.label, self.source, self.shortest, self.longest, self.order]

    def show(self, ws: Workspace, ref: str) -> list[Any]:
        """Updates of `inputs` that filter nothing and offer what occurs in the version."""
        splits = [ALL, *(store.get_version(ws, ref).splits if ref else [])]
        facets = rows.facets(ws, ref) if ref else rows.Facets([], [], [], False)
        found = {"flag": facets.flags, "label": facets.labels, "source": facets.sources}
        choices = [gr.update(choices=[ANY[name], *values], value=ANY[name], visible=bool(values)) for name, values in found.items()]
        return ["", gr.update(choices=splits, value=ALL), *choices, "", "", ""]


def build_search() -> gr.Textbox:
    """The search box."""
    box: gr.Textbox = gr.Textbox(
        "", placeholder="Search the rows", label="Search", show_label=False, container=False, elem_id="data-search", scale=3, min_width=160
    )
    return box


def build(search: gr.Textbox) -> Filters:
    """The other filters, in one row."""

    def dropdown(choices: list[Any], label: str, id: str, visible: bool = True) -> gr.Dropdown:
        value = choices[0][1] if isinstance(choices[0], tuple) else choices[0]
        return gr.Dropdown(
            choices, value=value, label=label, show_label=False, container=False, elem_id=id, scale=2, min_width=120, visible=visible
        )

    with gr.Row(elem_classes="tools bar filters"):
        split = dropdown([ALL], "Split", "data-split")
        flag, label, source = (dropdown([ANY[name]], name.capitalize(), f"data-{name}", False) for name in ANY)
        numbers = [
            gr.Textbox("", label=words, placeholder=words, show_label=False, container=False, max_lines=1, elem_id=id, min_width=150)
            for words, id in (("At least, characters", "data-shortest"), ("At most, characters", "data-longest-characters"))
        ]
        order = dropdown(list(ORDERS), "Order", "data-order")
    return Filters(search, split, flag, label, source, numbers[0], numbers[1], order)
