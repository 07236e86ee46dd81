"""Metrics against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest

from studio.evaluate.metrics import classification_report, perplexity

TRUE = ["good", "good", "good", "bad", "bad", "odd"]
PREDICTED = ["good", "good", "bad", "bad", "good", "bad"]


def test_precision_recall_and_f1_by_class():
    report = classification_report(TRUE, PREDICTED, ["bad", "good", "odd"])
    assert report.accuracy == pytest.approx(3 / 6)
    good, bad, odd = (report.by_class[name] for name in ("good", "bad", "odd"))
    assert (good.precision, good.recall, good.f1, good.support) == pytest.approx((2 / 3, 2 / 3, 2 / 3, 3))
    assert (bad.precision, bad.recall, bad.f1, bad.support) == pytest.approx((1 / 3, 1 / 2, 0.4, 2))
    assert (odd.precision, odd.recall, odd.f1, odd.support) == (0, 0, 0, 1)
    assert report.f1 == pytest.approx((2 / 3 + 0.4) / 3)
    assert report.precision == pytest.approx(1 / 3)
    assert report.recall == pytest.approx((2 / 3 + 1 / 2) / 3)
    assert report.confusion == [[1, 1, 0], [1, 2, 0], [1, 0, 0]]


def test_the_majority_baseline_is_always_answering_the_commonest_label():
    report = classification_report(TRUE, PREDICTED, ["bad", "good", "odd"])
    assert (report.majority_label, report.majority_baseline) == ("good", 0.5)


def test_a_label_that_the_model_does_not_know_counts_as_missed():
    report = classification_report(["new", "good"], ["good", "good"], ["bad", "good"])
    assert list(report.by_class) == ["bad", "good", "new"]
    assert report.by_class["new"].recall == 0


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="0 true"):
        classification_report([], [], ["a"])


def test_perplexity_of_a_uniform_guess_is_the_number_of_choices():
    assert perplexity(math.log(50)) == pytest.approx(50)
    assert perplexity(1e6) == math.inf
