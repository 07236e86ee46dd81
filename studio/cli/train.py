"""`luthier train`: a recipe file or a shipped recipe, with any field overridden by its dotted path."""

from __future__ import annotations

from pathlib import Path

import click
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from studio.cli.opener import Opener
from studio.cli.output import console, duration, emit_json, json_option, size
from studio.errors import FieldProblem, RecipeError
from studio.fields import apply_overrides, load_recipe, specs
from studio.methods import metric_names
from studio.recipe import Recipe
from studio.runs.plan import Plan
from studio.runs.store import RunInfo, create_run
from studio.session import Studio


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[RECIPE.yaml] [--optim.learning_rate 1e-4 ...]")
@click.option("--plan", "plan_only", is_flag=True, help="Say what would happen, without training.")
@click.option("--fields", is_flag=True, help="List every field that can be overridden.")
@json_option
@click.pass_obj
def train(opener: Opener, arguments: tuple[str, ...], plan_only: bool, fields: bool, as_json: bool) -> None:
    """Train a recipe: a YAML file, or a shipped one by its name (chat-lora, sentiment-lora ...).

    Every field can be overridden by its dotted path: --optim.learning_rate 1e-4 --data.sources support,reviews@2=0.5
    """
    if fields:
        _list_fields()
        return
    recipe = read_arguments(arguments)
    studio: Studio = opener.studio
    planned = studio.plan(recipe)
    if plan_only:
        emit_json(planned) if as_json else _print_plan(planned)
        return
    if not as_json:
        _print_plan(planned)
    run = create_run(studio.workspace, recipe)
    follow_run(studio, run.name, as_json)


def read_arguments(arguments: tuple[str, ...]) -> Recipe:
    """The recipe that a command line describes. Raises `RecipeError`."""
    rest = list(arguments)
    recipe = load_recipe(Path(rest.pop(0))) if rest and not rest[0].startswith("--") else Recipe()
    overrides: dict[str, str] = {}
    while rest:
        option = rest.pop(0)
        if not option.startswith("--"):
            raise RecipeError([FieldProblem("", f"{option} stands where an option such as --optim.learning_rate was expected")])
        name, equals, value = option[2:].partition("=")
        if not equals:
            if not rest:
                raise RecipeError([FieldProblem(name, "needs a value")])
            value = rest.pop(0)
        overrides[name] = value
    return apply_overrides(recipe, overrides)


def follow_run(studio: Studio, name: str, as_json: bool) -> RunInfo:
    """Wait for a run with a progress bar, then print how it ended."""
    if as_json:
        run = studio.wait(name)
        emit_json(run)
        return run
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(name, total=None)

        def show(run: RunInfo) -> None:
            status = run.folder.status()
            loss = f"  loss {status['loss']:.3f}" if isinstance(status.get("loss"), float) else ""
            progress.update(
                task, description=f"{name}  {run.state}{loss}", completed=status.get("step", 0), total=status.get("steps") or None
            )

        run = studio.wait(name, show)
    print_end(run)
    return run


def print_end(run: RunInfo) -> None:
    """How a run ended, with its figures before and after."""
    console.print(f"{run.name}: {run.state}. {run.message}".strip(), markup=False)
    before, after = run.summary.get("baseline", {}), run.summary.get("final", {})
    names = metric_names()
    for metric, name in names.items():
        if metric in before and metric in after:
            console.print(f"  {name}: {before[metric]:.3f} before, {after[metric]:.3f} after", markup=False)
    if best := run.summary.get("best"):
        console.print(f"  best {names.get(best['metric'], best['metric'])}: {best['value']:.3f} at step {best['step']}", markup=False)
    if "seconds" in run.summary:
        speed = f"{run.summary['tokens_per_second']:,.0f} tokens/s"
        console.print(f"  {run.summary['steps']} steps in {duration(run.summary['seconds'])}, {speed}", markup=False)
    if run.model:
        judge = f"Audit it before you train against it: luthier rewards audit {run.model} --data {run.recipe.data.sources[0].name}"
        answer = f"Try it: luthier generate --model {run.model} --prompt 'Hello'"
        console.print(judge if run.recipe.method.task == "reward" else answer, markup=False, soft_wrap=True)


def _print_plan(plan: Plan) -> None:
    time = "time not known yet" if plan.seconds is None else f"about {duration(plan.seconds)}"
    console.print(
        f"{plan.rows} rows, {plan.held_out} held out; {plan.trained_tokens:,} tokens trained on; {plan.cut_rows} rows cut; "
        f"{plan.steps} steps; {time}; memory {size(plan.memory.total)} of {size(plan.memory.available)}"
    )
    for warning in plan.warnings:
        console.print(f"  {warning.text}", markup=False)


def _list_fields() -> None:
    for spec in specs():
        bounds = "|".join(spec.choices) if spec.choices else spec.type
        console.print(f"--{spec.path}  {bounds}  {spec.help}", markup=False)


COMMANDS = (train,)
