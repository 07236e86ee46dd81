"""The model card that goes with a trained model: what it was made of and how, in Markdown with the Hub's front matter. No torch.

To tell more, add a line to one of the sections; everything comes from the lineage.
"""

from __future__ import annotations

from typing import Any

from studio.methods import metric_names
from studio.models.registry import ModelInfo
from studio.recipe import Recipe


def model_card(name: str, recipe: Recipe, base: ModelInfo, origin: dict[str, Any]) -> str:
    """The card of the run `name`; `origin` is its lineage."""
    parts = [_front_matter(recipe, base), f"# {name}", _what(recipe, base), _results(origin), _data(recipe, origin), _settings(recipe)]
    return "\n\n".join(part for part in [*parts, _terms(base)] if part) + "\n"


def _front_matter(recipe: Recipe, base: ModelInfo) -> str:
    pipeline = "text-generation" if recipe.method.task == "causal" else "text-classification"
    license_line = f"license: {base.license}\n" if base.license else ""
    library = "peft" if recipe.adaptation.peft else "transformers"
    return f"---\n{license_line}library_name: {library}\npipeline_tag: {pipeline}\ntags:\n- luthier\n---"


def _what(recipe: Recipe, base: ModelInfo) -> str:
    made = f"Made from **{base.name}** by {recipe.method.title.lower()} ({recipe.adaptation.title}) with Luthier."
    if recipe.adaptation.peft:
        made += f" This folder holds an adapter: it works only together with {base.name}."
    return made


def _results(origin: dict[str, Any]) -> str:
    before, last, best = (origin["metrics"][key] for key in ("before", "last", "best"))
    names = metric_names()
    rows = [f"| {_upper(name)} | {_number(before.get(key))} | {_number(last.get(key))} |" for key, name in names.items() if key in last]
    if not rows:
        return ""
    table = "\n".join(["| | before training | at the last evaluation |", "|---|---|---|", *rows])
    chosen = f"\n\nThe weights are those of step {origin['step']}."
    if best:
        chosen += f" The best {names.get(best['metric'], best['metric'])} was {_number(best['value'])} at step {best['step']}."
    return f"## Results\n\n{table}{chosen}"


def _data(recipe: Recipe, origin: dict[str, Any]) -> str:
    lines = [
        f"- {source.name}"
        + (f", weight {source.weight:g}" if source.weight != 1 else "")
        + (f", at most {source.cap:,} rows" if source.cap is not None else "")
        for source in recipe.data.sources
    ]
    counts = f"{origin['rows']['train']:,} rows to train on, {origin['rows']['held_out']:,} held out."
    labels = f"\n\nLabels: {', '.join(origin['labels'])}." if origin["labels"] else ""
    return "## Data\n\n" + "\n".join(lines) + f"\n\n{counts}{labels}"


def _settings(recipe: Recipe) -> str:
    optim = recipe.optim
    length = f"{optim.max_steps} steps" if optim.max_steps else f"{optim.epochs:g} epochs"
    return (
        "## Training\n\n"
        f"{length}, learning rate {optim.learning_rate:g} ({optim.schedule}), {optim.optimizer}, "
        f"{optim.per_device_batch_size} rows x {optim.gradient_accumulation} a step, rows of at most {recipe.data.max_length} tokens, "
        f"seed {recipe.seed}. The whole recipe is in `lineage.json`."
    )


def _terms(base: ModelInfo) -> str:
    if not base.license:
        return f"## Licence\n\nThe licence of {base.name} is not recorded; find out before you pass this model on."
    return f"## Licence\n\n{base.name} is under {base.license}; this model is derived from it and its terms apply."


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _number(value: Any) -> str:
    return "" if value is None else f"{value:.4g}"
