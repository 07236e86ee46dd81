"""Recipes that fit what they are for: a dataset's kind, and the longest row that a model can read."""

from __future__ import annotations

from app.page import Page
from studio import fields
from studio.data import store
from studio.errors import StudioError
from studio.models import registry
from studio.recipe import Recipe


def context_limit(page: Page, model: str) -> int | None:
    """The longest row that a model can read, if it is known."""
    return next((info.context_length for info in registry.list_models(page.workspace) if info.name == model), None)


def fitted(page: Page, recipe: Recipe) -> Recipe:
    """The recipe with rows no longer than its model can read."""
    limit = context_limit(page, recipe.model)
    if not limit or recipe.data.max_length <= limit:
        return recipe
    return fields.apply_overrides(recipe, {"data.max_length": limit})


def trained_on() -> set[str]:
    """The kinds of rows that a method of this version learns from."""
    return {kind for preset in fields.presets() for kind in preset.recipe.method.row_kinds}


def for_dataset(page: Page, ref: str) -> Recipe:
    """A recipe for a dataset: the shipped one whose method takes its rows, named after it, with the longest row that its texts need."""
    version = store.get_version(page.workspace, ref)
    fitting = [preset.recipe for preset in fields.presets() if version.kind in preset.recipe.method.row_kinds]
    if not fitting:
        raise StudioError(f"No method trains on rows of kind {version.kind}.", "Choose a dataset of chats, texts or labelled texts.")
    usual = [recipe for recipe in fitting if recipe.adaptation.kind == "lora"] or fitting
    return fields.apply_overrides(usual[0], {"name": version.dataset, "data.sources": [{"name": version.ref}]})
