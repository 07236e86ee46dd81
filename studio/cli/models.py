"""`luthier models`: what there is to train from and chat with, and what fits this machine."""

from __future__ import annotations

import click

from studio.cli.opener import Opener
from studio.cli.output import console, emit_json, emit_table, json_option, parameters, size
from studio.device import describe
from studio.models import guidance, registry


@click.group()
def models() -> None:
    """Models: list, show, add."""


@models.command("list")
@json_option
@click.pass_obj
def list_(opener: Opener, as_json: bool) -> None:
    """Every model of the workspace."""
    found = opener.studio.models()
    if as_json:
        emit_json(found)
        return
    rows = [(m.name, m.kind, m.source, m.architecture, parameters(m.parameters), m.context_length, m.base or "") for m in found]
    emit_table(
        "Models",
        ("name", "kind", "from", "architecture", "parameters", "context", "base"),
        rows,
        "No models. Add one: luthier models add FOLDER",
    )


@models.command()
@click.argument("name")
@json_option
@click.pass_obj
def show(opener: Opener, name: str, as_json: bool) -> None:
    """A model: what it is, where it came from and what fits this machine."""
    workspace = opener.studio.workspace
    model = registry.get_model(workspace, name)
    advice = guidance.advice(model, describe())
    lineage = registry.lineage(workspace, name)
    if as_json:
        emit_json({"model": model, "good_for": guidance.good_for(model), "advice": advice, "lineage": lineage})
        return
    console.print(f"[bold]{model.name}[/bold]: {model.architecture}, {parameters(model.parameters)} parameters, {model.layers} layers, "
                  f"context {model.context_length} tokens, licence {model.license or 'not stated'}, {size(model.bytes)}")  # fmt: skip
    console.print(guidance.good_for(model))
    for step in lineage:
        console.print(f"  {step}")
    rows = [(a.adaptation, "fits" if a.fits else "does not fit", size(a.bytes), a.sentence) for a in advice]
    emit_table("What fits this machine", ("adaptation", "", "memory", ""), rows, "")


@models.command()
@click.argument("source")
@click.option("--name", help="Name in this workspace; default the folder's.")
@click.option("--base", help="For an adapter: the model of this workspace that it belongs to.")
@click.option("--allow-network", is_flag=True, help="Allow this workspace to download models from the Hugging Face Hub.")
@json_option
@click.pass_obj
def add(opener: Opener, source: str, name: str | None, base: str | None, allow_network: bool, as_json: bool) -> None:
    """Add SOURCE: a local folder in Hugging Face format (safetensors), or a Hub id with --allow-network."""
    studio = opener.studio
    if allow_network:
        registry.allow_network(studio.workspace, True)
    model = studio.add_model(source, name, base)
    if as_json:
        emit_json(model)
        return
    console.print(f"Added {model.name}: {model.architecture}, {parameters(model.parameters)} parameters.")


COMMANDS = (models,)
