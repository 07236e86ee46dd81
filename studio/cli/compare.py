"""`luthier compare`: the answers of several models to the same prompts, made, listed, shown, renamed, deleted and brought back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from studio.cli.answers import given_sampling, sampling_options
from studio.cli.opener import Opener
from studio.cli.output import console, emit_json, emit_table, json_option, progress_line
from studio.errors import DataError
from studio.inference import comparisons, prompt_sets
from studio.inference.outputs import Messages
from studio.inference.sampling import Sampling
from studio.session import Studio


@click.command()
@click.option("--model", "models", multiple=True, help="Name of a model, or of a checkpoint as RUN@step-STEP; repeat it, up to nine times.")
@click.option("--prompt", "prompts", multiple=True, help="What to ask; repeat it for more prompts.")
@click.option("--prompts", "file", type=click.Path(path_type=Path), help="A file of prompts: text with one a line, JSON lines, CSV.")
@click.option("--data", "ref", help="Ask the held-out prompts of this dataset, NAME or NAME@VERSION.")
@click.option("--count", default=prompt_sets.MOST_PROMPTS, show_default=True, type=click.IntRange(1), help="At most so many prompts.")
@click.option("--system", default="", help="System prompt, for prompts that have none of their own.")
@click.option("--turns", is_flag=True, help="Answer every turn of each conversation; the lines of a --prompt are its turns.")
@click.option("--n", default=1, show_default=True, help="How many answers a model.", type=click.IntRange(1, 64))
@click.option("--name", help="What the comparison is called.")
@click.option("--round", default=1, show_default=True, type=click.IntRange(1), help="The round of the work that it belongs to.")
@click.option("--list", "listing", is_flag=True, help="List the comparisons instead.")
@click.option("--show", type=int, metavar="NUMBER", help="Show a comparison instead.")
@click.option("--rename", type=(int, str), metavar="NUMBER NAME", help="Rename a comparison instead.")
@click.option("--delete", type=int, metavar="NUMBER", help="Delete a comparison instead; --restore brings it back.")
@click.option("--restore", type=int, metavar="NUMBER", help="Bring a deleted comparison back instead.")
@sampling_options
@json_option
@click.pass_obj
def compare(opener: Opener, **options: Any) -> None:
    """Answers of one to nine models to the same prompts, stored as a comparison; or one of the comparisons that there are."""
    studio: Studio = opener.studio
    as_json = options.pop("as_json")
    ws = studio.workspace
    if options["listing"]:
        _list(studio, as_json)
    elif options["show"] is not None:
        _show(comparisons.get_comparison(ws, options["show"]), as_json)
    elif options["rename"]:
        renamed = comparisons.rename_comparison(ws, *options["rename"])
        _said(f"Comparison {renamed.id} is called {renamed.name} now.", renamed, as_json)
    elif options["delete"] is not None:
        comparisons.delete_comparison(ws, options["delete"])
        gone = comparisons.get_comparison(ws, options["delete"])
        _said(f"Comparison {gone.id} is deleted; luthier compare --restore {gone.id} brings it back.", gone, as_json)
    elif options["restore"] is not None:
        back = comparisons.restore_comparison(ws, options["restore"])
        _said(f"Comparison {back.id} is back.", back, as_json)
    else:
        _make(studio, options, as_json)


def _make(studio: Studio, options: dict[str, Any], as_json: bool) -> None:
    prompts = _prompts(studio, options)
    sampling = {name: options[name] for name in Sampling.model_fields}
    with progress_line("answers") as told:
        candidates = studio.compare(
            list(options["models"]), prompts, options["n"], options["name"], options["turns"], options["round"], told,
            **given_sampling(sampling),
        )  # fmt: skip
    if as_json:
        emit_json(candidates)
        return
    _show(comparisons.get_comparison(studio.workspace, candidates[0].comparison_id), False)


def _prompts(studio: Studio, options: dict[str, Any]) -> list[Messages]:
    """The prompts from the one source that was named. Raises `DataError`."""
    system, count, turns = options["system"], options["count"], options["turns"]
    if sum(bool(options[name]) for name in ("prompts", "file", "ref")) != 1:
        raise DataError("It is not clear what to ask.", "Give one of --prompt, --prompts FILE and --data NAME.")
    if options["ref"]:
        return prompt_sets.held_out(studio.workspace, options["ref"], count, system, turns)
    if options["file"]:
        return prompt_sets.from_file(options["file"], count, system, turns)
    return [typed for prompt in options["prompts"] for typed in prompt_sets.typed(prompt, system, "whole", turns)]


def _list(studio: Studio, as_json: bool) -> None:
    found = comparisons.list_comparisons(studio.workspace)
    if as_json:
        emit_json(found)
        return
    rows = [(c.id, c.name, ", ".join(c.models), len(c.prompts), c.outputs, f"{c.created_at:%Y-%m-%d %H:%M}") for c in found]
    emit_table("Comparisons", ("number", "name", "models", "prompts", "answers", "made (UTC)"), rows, "Nothing was compared yet.")


def _show(comparison: comparisons.ComparisonInfo, as_json: bool) -> None:
    if as_json:
        emit_json(comparison)
        return
    console.print(f"{comparison.name} ({comparison.id}): {', '.join(comparison.models)}", markup=False)
    for index, prompt in enumerate(comparison.prompts):
        console.print(f"[bold]{index + 1}.[/bold] ", end="")
        console.print(prompt[-1]["content"], markup=False)
        for candidate in comparison.candidates:
            if candidate.prompt_index == index:
                console.print(f"  {candidate.model}: {candidate.error or _spoken(candidate)}", markup=False)


def _spoken(candidate: comparisons.CandidateInfo) -> str:
    """The answer, or the conversation that followed the prompt."""
    if candidate.messages is None:
        return candidate.text
    return "\n    ".join(f"{'> ' if m['role'] == 'user' else ''}{m['content']}" for m in candidate.messages)


def _said(words: str, comparison: comparisons.ComparisonInfo, as_json: bool) -> None:
    if as_json:
        emit_json(comparison)
    else:
        console.print(words, markup=False)


COMMANDS = (compare,)
