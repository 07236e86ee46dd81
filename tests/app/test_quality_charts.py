"""The charts of a quality report show its numbers, in light and in dark, and take names from the data as plain text."""

from __future__ import annotations

import json

import pytest

from app import figures
from app import quality_charts as charts
from studio.data import store
from studio.data.quality import report
from studio.data.quality.statistics import Duplicates, LabelCount, Turns, distribution


def test_the_bars_hold_every_row_and_the_line_stands_at_the_limit() -> None:
    lengths = distribution([5] * 90 + [30] * 8 + [70, 900], "tokens", limit=40)
    figure = charts.length_histogram(lengths)
    bars = figure.data[0]
    assert sum(bars.y) == 100
    assert figure.layout.shapes[0].x0 == pytest.approx(40.5)
    assert "2 longer" in figure.layout.annotations[0].text
    over = [count for count, colour in zip(bars.y, bars.marker.color, strict=True) if colour == figures.LIGHT.limit]
    assert sum(over) == 2
    assert bars.customdata[-1].endswith("and more")


def test_without_a_limit_there_is_no_line() -> None:
    figure = charts.length_histogram(distribution([3, 4, 5], "characters"))
    assert not figure.layout.shapes
    assert sum(figure.data[0].y) == 3


def test_all_fit() -> None:
    figure = charts.length_histogram(distribution([3, 4, 5], "tokens", limit=512))
    assert figure.layout.annotations[0].text == "limit 512: all fit"
    assert sum(figure.data[0].y) == 3


def test_classes_by_split_and_the_rest_together() -> None:
    classes = [LabelCount(label=f"class {i}", rows=100 - i, splits={"train": 90 - i, "validation": 10}) for i in range(40)]
    figure = charts.class_balance(classes)
    train, validation = figure.data
    assert (train.name, validation.name) == ("training", "validation")
    assert len(train.x) == charts.MOST_CLASSES + 1
    assert sum(train.x) + sum(validation.x) == sum(item.rows for item in classes)
    assert figure.layout.yaxis.ticktext[-1] == "10 others"
    assert figure.layout.showlegend


def test_names_from_the_data_are_plain_text_and_stay_apart() -> None:
    classes = [LabelCount(label=label, rows=2, splits={"train": 2}) for label in ("<b>x</b>", "a" * 40 + "1", "a" * 40 + "2", " ")]
    figure = charts.class_balance(classes)
    assert figure.layout.yaxis.ticktext[0] == "&lt;b&gt;x&lt;/b&gt;"
    assert figure.layout.yaxis.ticktext[3] == "(empty)"
    assert len(set(figure.data[0].y)) == 4
    assert not figure.layout.showlegend


def test_languages_turns_and_duplicates() -> None:
    figure = charts.language_mix({"en": 90, "und": 7, "de": 3})
    assert list(figure.data[0].x) == [90, 7, 3]
    assert list(figure.layout.yaxis.ticktext) == ["en", "not clear", "de"]
    turns = Turns(conversations=5, counts={2: 3, 4: 2}, mean=2.8, system=0, unanswered=0, irregular=0)
    assert list(charts.turn_structure(turns).data[0].y) == [3, 2]
    sizes = {size: 100 - size for size in range(2, 60)}
    figure = charts.duplicate_groups(Duplicates(exact=0, near=9, groups=sum(sizes.values()), sizes=sizes))
    assert sum(figure.data[0].y) == sum(sizes.values())
    assert figure.data[0].x[-1] == "21 and more"


@pytest.mark.parametrize("dark", [False, True])
def test_the_charts_of_a_report(workspace, dark: bool) -> None:
    rows = [{"text": f"{word} is what I was looking for all day", "label": word[0]} for word in ("apples", "berries", "bread", "almonds")]
    store.add_version(workspace, "data", "labelled", {"train": [*rows, rows[0]]}, {"kind": "test"})
    made = charts.figures(report(workspace, "data"), dark)
    assert [chart.id for chart in made] == ["lengths", "classes", "duplicates"]
    assert all(chart.title and chart.meaning.endswith(".") for chart in made)
    colours = figures.colours_of(dark)
    for chart in made:
        assert chart.figure.layout.font.color == colours.text
        assert chart.figure.layout.paper_bgcolor == "rgba(0,0,0,0)"
        json.loads(chart.figure.to_json())
