"""What the Models tab shows and does, without a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import model_add, model_view
from app.tabs import models
from studio.errors import ModelError
from studio.models import registry
from studio.workspace import Workspace


@pytest.fixture
def tiny(workspace: Workspace, tiny_model: Path) -> registry.ModelInfo:
    return registry.add_local(workspace, tiny_model, "tiny")


def test_the_list_counts_filters_and_names_sources(workspace: Workspace, tiny: registry.ModelInfo) -> None:
    heading, table = models.listed(workspace, "", "tiny")
    assert f"Models ({len(registry.list_models(workspace))})" in heading
    assert "a folder here" in table
    assert 'data-key="tiny" tabindex="0" aria-current="true"' in table
    assert 'data-key="starter"' not in models.listed(workspace, "tiny", "")[1]


def test_the_advice_has_words_beside_its_colours(tiny: registry.ModelInfo) -> None:
    advice = model_view.advice_table(tiny)
    assert "✓ fits" in advice
    assert "LoRA" in advice
    assert 'aria-current="true"' not in advice


def test_facts_lineage_and_template(workspace: Workspace, tiny: registry.ModelInfo) -> None:
    facts = model_view.details(tiny)
    assert "<dt>Context length</dt><dd>256 tokens</dd>" in facts
    assert "was added from the folder" in model_view.history(workspace, "tiny")
    assert "generation" in model_view.template_of(tiny)


def test_the_embedded_model_cannot_be_renamed_or_deleted(workspace: Workspace) -> None:
    shown = models.shown(workspace, "starter")
    assert [update["interactive"] for update in (shown[5], shown[7], shown[8])] == [False, False, False]


def test_adding_says_what_is_missing(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No folder"):
        model_add.add_folder(workspace, " ", "", None)
    with pytest.raises(ModelError):
        model_add.add_folder(workspace, str(tmp_path), "", None)
    with pytest.raises(ModelError, match="does not use the network"):
        model_add.add_from_hub(workspace, "owner/name", "")


def test_a_name_with_markup_is_text(tiny: registry.ModelInfo) -> None:
    from dataclasses import replace

    evil = replace(tiny, name="<img src=x onerror=alert(1)>", license="<b>x</b>")
    for view in (model_view.models_table([evil], "", ""), model_view.summary(evil), model_view.details(evil)):
        assert "<img" not in view
        assert "<b>x" not in view
