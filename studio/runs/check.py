"""What must be true of a recipe before it may become a run: its datasets and its model exist and suit the method.

Used when a run is created and before the start, in the plan. To refuse another impossible combination, add a problem in `problems`.
"""

from __future__ import annotations

from studio import device as devices
from studio.data.store import VersionInfo, get_version
from studio.errors import FieldProblem, ModelError, NotFoundError, RecipeError
from studio.methods.base import MethodSettings
from studio.models.registry import ModelInfo, get_model, registered
from studio.recipe import Recipe
from studio.workspace import Workspace


def versions_of(ws: Workspace, recipe: Recipe) -> list[VersionInfo]:
    """The dataset versions that the recipe names; raises `RecipeError` at `data.sources` for those that do not exist."""
    found, problems = [], []
    for source in recipe.train_sources():
        try:
            found.append(get_version(ws, source.name))
        except NotFoundError as error:
            problems.append(FieldProblem("data.sources", str(error)))
    if problems:
        raise RecipeError(problems)
    return found


def model_of(ws: Workspace, recipe: Recipe) -> ModelInfo:
    """The model that the recipe starts from; raises `RecipeError` at `model`."""
    try:
        return registered(get_model(ws, recipe.model))
    except (NotFoundError, ModelError) as error:
        raise RecipeError([FieldProblem("model", str(error))]) from error


def longest_row(recipe: Recipe, model: ModelInfo) -> int | None:
    """The longest row in tokens that the model can read under this recipe: its context less virtual tokens; `None` when unknown."""
    if not model.context_length:
        return None
    return model.context_length - int(getattr(recipe.adaptation, "virtual_tokens", 0))


def problems(recipe: Recipe, versions: list[VersionInfo], model: ModelInfo) -> list[FieldProblem]:
    """Why this recipe cannot run, beyond what the recipe itself refuses; empty when it can. See also `unsuitable`."""
    found = []
    kinds = sorted({version.kind for version in versions})
    if len(kinds) > 1:
        found.append(FieldProblem("data.sources", f"the datasets hold different kinds of rows ({', '.join(kinds)}); choose one kind"))
    if recipe.method.task == "causal" and model.task != "causal":
        found.append(FieldProblem("model", f"{model.name} is a {model.called} and cannot write text; choose a language model"))
    limit = longest_row(recipe, model)
    if limit is not None and recipe.data.max_length > limit:
        message = f"{model.name} reads at most {limit:,} tokens at once; choose {limit} or fewer"
        found.append(FieldProblem("data.max_length", message))
    if recipe.compute.device == "cuda" and devices.describe().kind != "cuda":
        found.append(FieldProblem("compute.device", "this machine has no GPU that can be used; choose auto or cpu"))
    return found


def unsuitable(recipe: Recipe, versions: list[VersionInfo]) -> list[FieldProblem]:
    """Datasets whose rows the method cannot train on; the plan offers the method that can."""
    method: MethodSettings = recipe.method
    wanted = " or ".join(method.row_kinds)
    return [
        FieldProblem("data.sources", f"{version.ref} has {version.kind} rows; {method.title.lower()} needs {wanted} rows")
        for version in versions
        if version.kind not in method.row_kinds
    ]


def pinned(ws: Workspace, recipe: Recipe) -> Recipe:
    """The recipe with each dataset named by its version; raises `RecipeError` with every problem when it cannot run."""
    found: list[FieldProblem] = []
    versions: list[VersionInfo] = []
    model: ModelInfo | None = None
    try:
        versions = versions_of(ws, recipe)
    except RecipeError as error:
        found += error.problems
    try:
        model = model_of(ws, recipe)
    except RecipeError as error:
        found += error.problems
    if model is not None:
        found += problems(recipe, versions, model)
    found += recipe.method.problems(ws)
    found += unsuitable(recipe, versions)
    if found:
        raise RecipeError(found)
    sources = [source.model_copy(update={"name": version.ref}) for source, version in zip(recipe.data.sources, versions, strict=True)]
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"sources": sources})})
