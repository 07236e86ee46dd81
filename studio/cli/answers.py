"""`luthier generate` and `luthier eval`: what a model says, and how good it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from studio.cli.opener import Opener
from studio.cli.output import console, emit_json, emit_table, json_option
from studio.inference.sampling import Sampling
from studio.session import Studio


def sampling_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds one option for each field of `Sampling`, from its declaration."""
    for name, info in reversed(Sampling.model_fields.items()):
        option = click.option(f"--{name.replace('_', '-')}", name, help=info.description, default=None)
        command = option(command)
    return command


def given_sampling(values: dict[str, str | None]) -> dict[str, str]:
    """The sampling options that were given."""
    return {name: value for name, value in values.items() if value is not None}


@click.command()
@click.option("--model", required=True, help="Name of a model.")
@click.option("--prompt", required=True, help="What to ask.")
@click.option("--system", default="", help="System prompt.")
@click.option("--n", default=1, show_default=True, help="How many answers.", type=click.IntRange(1, 64))
@sampling_options
@json_option
@click.pass_obj
def generate(opener: Opener, model: str, prompt: str, system: str, n: int, as_json: bool, **sampling: str | None) -> None:
    """Answers of a model to a prompt; a classifier says its labels."""
    studio: Studio = opener.studio
    if _is_classifier(studio, model):
        probabilities = studio.probabilities(model, [prompt])[0]
        if as_json:
            emit_json({"model": model, "prompt": prompt, "labels": probabilities})
            return
        for label, share in sorted(probabilities.items(), key=lambda item: -item[1]):
            console.print(f"{share:6.1%}  {label}", markup=False)
        return
    texts = studio.generate(model, prompt, system, n, **given_sampling(sampling))
    if as_json:
        emit_json({"model": model, "prompt": prompt, "outputs": texts})
        return
    for text in texts:
        console.print(text, markup=False)
        if n > 1:
            console.print()


@click.command("eval")
@click.option("--model", required=True, help="Name of a model.")
@click.option("--data", "dataset", required=True, help="A dataset, NAME or NAME@VERSION.")
@click.option("--split", default="validation", show_default=True, help="Which split.")
@click.option("--max-rows", type=click.IntRange(1), help="Use at most this many rows.")
@json_option
@click.pass_obj
def evaluate(opener: Opener, model: str, dataset: str, split: str, max_rows: int | None, as_json: bool) -> None:
    """Loss and perplexity on chats and texts; accuracy, precision, recall and F1 on labelled rows."""
    studio: Studio = opener.studio
    report = studio.evaluate(model, dataset, split, max_rows)
    if as_json:
        emit_json(report)
        return
    console.print(f"{model} on {dataset}, {split}: {report.rows} rows")
    for name, value in report.metrics.items():
        console.print(f"  {name}: {value:.4f}" if isinstance(value, float) else f"  {name}: {value}", markup=False)
    if report.by_class:
        columns = ("class", *next(iter(report.by_class.values())))
        rows = [(label, *(f"{v:.3f}" if isinstance(v, float) else v for v in row.values())) for label, row in report.by_class.items()]
        emit_table("By class", columns, rows, "")


def _is_classifier(studio: Studio, model: str) -> bool:
    from studio.models.registry import get_model

    return get_model(studio.workspace, model).kind == "classifier"


COMMANDS = (generate, evaluate)
