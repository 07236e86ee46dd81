"""`luthier runs`: what ran, what runs, and what to do with it."""

from __future__ import annotations

import click

from studio.cli.opener import Opener
from studio.cli.output import console, duration, emit_json, emit_table, json_option
from studio.cli.train import follow_run, print_end
from studio.fields import summary, to_yaml
from studio.runs import store


@click.group()
def runs() -> None:
    """Runs: list, show, stop, pause, resume."""


@runs.command("list")
@json_option
@click.pass_obj
def list_(opener: Opener, as_json: bool) -> None:
    """Every run, newest first."""
    found = opener.studio.runs()
    if as_json:
        emit_json(found)
        return
    rows = []
    for run in found:
        seconds = (run.ended_at - run.started_at).total_seconds() if run.started_at and run.ended_at else None
        best = run.folder.status().get("best") or {}
        shown = f"{best['metric']} {best['value']:.4f}" if best else ""
        rows.append((run.name, run.state, summary(run.recipe), shown, duration(seconds) if seconds else ""))
    emit_table(
        "Runs", ("name", "state", "recipe", "best", "took"), rows, "No runs yet. Start one: luthier train chat-lora --data.sources NAME"
    )


@runs.command()
@click.argument("name")
@json_option
@click.pass_obj
def show(opener: Opener, name: str, as_json: bool) -> None:
    """A run: state, recipe, result and the end of its log."""
    run = store.get_run(opener.studio.workspace, name)
    if as_json:
        emit_json({"run": run, "status": run.folder.status()})
        return
    print_end(run)
    console.print(to_yaml(run.recipe), markup=False)
    console.print(run.folder.read_log(20), markup=False)


def _command(name: str, help: str) -> click.Command:
    """A command that asks something of a run by its name and says how the run then stands."""
    action = getattr(store, f"{name}_run")

    @click.command(name, help=help)
    @click.argument("run_name", metavar="NAME")
    @json_option
    @click.pass_obj
    def command(opener: Opener, run_name: str, as_json: bool) -> None:
        workspace = opener.studio.workspace
        action(workspace, run_name)
        run = store.get_run(workspace, run_name)
        if as_json:
            emit_json(run)
        else:
            console.print(f"{run.name}: {run.state}")

    return command


@runs.command()
@click.argument("name")
@json_option
@click.pass_obj
def resume(opener: Opener, name: str, as_json: bool) -> None:
    """Continue a paused, stopped, interrupted or failed run from its newest complete checkpoint, and follow it to its end."""
    studio = opener.studio
    store.resume_run(studio.workspace, name)
    follow_run(studio, name, as_json)


runs.add_command(_command("stop", "Stop a run and save it; a queued run is taken out of the queue."))
runs.add_command(_command("pause", "Pause a run between two steps."))

COMMANDS = (runs,)
