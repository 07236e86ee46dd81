"""The choices of a dropdown change without taking back what a person chose meanwhile."""

from __future__ import annotations

from app.choices import kept

MODELS = [("starter  (base)", "starter"), ("mine", "mine-1")]


def test_a_choice_that_is_still_there_is_not_sent_back() -> None:
    assert "value" not in kept(MODELS, "mine-1", "starter")
    assert kept(MODELS, "mine-1", "starter")["choices"] == MODELS
    assert "value" not in kept(MODELS, ["starter", "mine-1"], [])
    assert "value" not in kept(MODELS, [], [])


def test_a_choice_that_is_gone_gives_way() -> None:
    assert kept(MODELS, "old", "starter")["value"] == "starter"
    assert kept(MODELS, None, "starter")["value"] == "starter"
    assert kept(MODELS, ["old", "mine-1"], [])["value"] == ["mine-1"]
