"""`luthier rounds`: the loop as it stands, the next run from the votes, the blind re-match of its model, lineage down to each vote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from studio.cli.opener import Opener
from studio.cli.output import console, emit_json, emit_table, json_option, progress_line
from studio.cli.tasks import given_settings, settings_options
from studio.cli.train import follow_run
from studio.inference.sampling import Sampling
from studio.runs.store import create_run

NOTHING = "No rounds yet. A round begins with a labelling project: luthier compare, then luthier tasks create NUMBER"


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def rounds(context: click.Context, as_json: bool) -> None:
    """The rounds of the work: votes, agreement, verdict, runs, models, and what comes next. Without a command, lists them."""
    if context.invoked_subcommand is not None:
        return
    found = context.obj.studio.rounds()
    if as_json:
        emit_json(found)
        return
    rows = [
        (each.number, each.judgements, "" if each.agreement is None else f"{each.agreement:.2f}",
         ", ".join(data.ref for data in each.datasets), ", ".join(run.name for run in each.runs), ", ".join(each.models))
        for each in found
    ]  # fmt: skip
    emit_table("Rounds", ("round", "judgements", "agreement", "datasets", "runs", "models"), rows, NOTHING)
    for each in found:
        console.print(f"\n{each.sentence}\n  {each.verdict}", markup=False)


@rounds.command("next")
@click.option("--project", "projects", multiple=True, help="A labelling project, by name or number; default those of the newest round.")
@click.option("--data", default="", help="A dataset made of votes instead: NAME or NAME@VERSION.")
@click.option("--method", help="What to learn with (dpo, kto, reward, orpo, ppo ...); default what suits the votes.")
@click.option("--rule", type=click.Choice(["all", "majority", "adjudicated"]), default="all", show_default=True, help="Whose vote counts.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the recipe to this file.")
@click.option("--train", is_flag=True, help="Train it at once.")
@json_option
@click.pass_obj
def next_(
    opener: Opener, projects: tuple[str, ...], data: str, method: str | None, rule: Any, out: Path | None, train: bool, as_json: bool
) -> None:
    """The run that the votes call for, with its settings filled in; makes the dataset of votes where there is none."""
    from studio.fields import to_command, to_yaml
    from studio.rounds.advance import next_run

    studio = opener.studio
    found = next_run(studio.workspace, projects, data, method, rule)
    if out is not None:
        out.write_text(to_yaml(found.recipe), encoding="utf-8")
    if train:
        follow_run(studio, create_run(studio.workspace, found.recipe).name, as_json)
    elif as_json:
        emit_json(found)
    else:
        console.print(to_yaml(found.recipe), markup=False)
        for sentence in found.why:
            console.print(sentence, markup=False)
        console.print(f"\nTrain it: {to_command(found.recipe)}", markup=False)


def sampling_option(name: str, kind: type) -> Callable[..., Any]:
    """One setting of generation as an option, from its declaration."""
    info = Sampling.model_fields[name]
    return click.option(f"--{name.replace('_', '-')}", name, type=kind, default=info.default, show_default=True, help=info.description)


@rounds.command("rematch")
@click.argument("model")
@click.option("--prompts", "n", default=30, show_default=True, type=click.IntRange(1, 1000), help="Held-out prompts, at most.")
@click.option("--samples", default=1, show_default=True, type=click.IntRange(1, 9), help="Answers of each model to each prompt.")
@click.option("--name", default="", help="Name of the project.")
@click.option("--guidelines", default="", help="What annotators are told; default what they were told last.")
@click.option("--plan", "plan_only", is_flag=True, help="Say who would meet on which prompts, without generating.")
@sampling_option("max_new_tokens", int)
@sampling_option("temperature", float)
@settings_options
@json_option
@click.pass_obj
def rematch_(
    opener: Opener, model: str, n: int, samples: int, name: str, guidelines: str, plan_only: bool, max_new_tokens: int, temperature: float,
    as_json: bool, **settings: Any,
) -> None:  # fmt: skip
    """Compare MODEL, or what a run of that name made, blindly with the model before it and the base, on held-out prompts."""
    from studio.rounds.rematch import rematch, start_rematch

    studio = opener.studio
    plan = rematch(studio.workspace, model, n)
    if plan_only:
        emit_json(plan) if as_json else console.print(f"{' against '.join(plan.models)} on {len(plan.prompts)} held-out prompts.")
        return
    sampling = Sampling(max_new_tokens=max_new_tokens, temperature=temperature)
    with progress_line("answers") as told:
        made = start_rematch(studio, model, n, samples, name, guidelines, sampling, progress=told, **given_settings(settings))
    if as_json:
        emit_json(made)
        return
    console.print(f"Made project {made.id}, {made.name}: {made.tasks} items, {made.wanted} judgements wanted.", markup=False)
    for note in plan.notes:
        console.print(note, markup=False)
    console.print(f"Next: luthier tasks next {made.id}, or the tab Label of the page.", markup=False)


@rounds.command("lineage")
@click.argument("model")
@json_option
@click.pass_obj
def lineage_(opener: Opener, model: str, as_json: bool) -> None:
    """Where MODEL, or what a run of that name made, comes from: run, recipe, datasets, projects and the number of each judgement."""
    from studio.rounds.lineage import lineage, ranges, walk

    found = lineage(opener.studio.workspace, model)
    if as_json:
        emit_json(found)
        return
    for depth, node in walk(found):
        console.print(f"{'  ' * depth}{node.sentence}", markup=False)
        if node.judgements:
            console.print(f"{'  ' * (depth + 1)}Judgements {ranges(node.judgements)}", markup=False)


COMMANDS = (rounds,)
