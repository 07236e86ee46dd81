"""`luthier tasks`: labelling projects, their items, guidelines and gold items, and the next item for a person.

Judgements stand in `votes.py`. A setting of projects becomes an option by itself: see `ProjectSettings`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click

from studio.cli.opener import Opener
from studio.cli.output import console, emit_json, emit_table, json_option
from studio.data.mapping import Mapping
from studio.errors import FeedbackError
from studio.feedback.projects import GuidelineInfo, ProjectInfo, State
from studio.feedback.settings import MODE_WORDS, ProjectSettings
from studio.feedback.tasks import TaskInfo

BAD_ROWS_SHOWN = 5
NOTHING = "No projects yet. Make one of a comparison: luthier tasks create NUMBER (luthier compare --list names them)"


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds one option for each field of `ProjectSettings`, from its declaration."""
    for name, info in reversed(ProjectSettings.model_fields.items()):
        choices = get_args(info.annotation)
        default = str(info.default).replace("\n", ",")
        option = click.option(
            f"--{name.replace('_', '-')}",
            name,
            type=click.Choice(choices) if choices else str,
            help=f"{info.description}  [default: {default}]",
            metavar=None if choices else "VALUE",
        )
        command = option(command)
    return command


def given_settings(values: dict[str, Any]) -> dict[str, Any]:
    """The settings that were given; criteria may be divided by commas."""
    given = {name: value for name, value in values.items() if value is not None and name in ProjectSettings.model_fields}
    if "criteria" in given:
        given["criteria"] = given["criteria"].replace(",", "\n")
    return given


def ranks_from(text: str) -> list[int]:
    """Ranks as they are written on a command line: `1,2,2`."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise FeedbackError(f"{text!r} are no ranks.", "Write one number for each answer: 1,2,2 says that the first is best.") from error


@click.group()
def tasks() -> None:
    """Labelling projects: what people are asked about the answers of a comparison."""


@tasks.command()
@click.argument("comparison", type=int)
@click.option("--name", default="", help="Name of the project; default the comparison's.")
@click.option("--guidelines", default="", help="What annotators are told.")
@click.option("--guidelines-file", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file with the guidelines.")
@click.option("--round", "round_", default=1, show_default=True, type=click.IntRange(1), help="The round of the work.")
@settings_options
@json_option
@click.pass_obj
def create(
    opener: Opener, comparison: int, name: str, guidelines: str, file: Path | None, round_: int, as_json: bool, **settings: Any
) -> None:
    """Make a labelling project of the answers of COMPARISON (a number)."""
    feedback, asked = opener.studio.feedback, given_settings(settings)
    words = file.read_text(encoding="utf-8") if file else guidelines
    made = feedback.create(comparison, name, asked.pop("mode", "pair"), words, round_, **asked)
    _made(made, as_json)


def import_command(votes: bool, words: str) -> click.Command:
    """`import`, with the votes of the file or without."""

    @click.command("import", help=words)
    @click.argument("source")
    @click.option("--name", default="", help="Name of the project; default the file's.")
    @click.option("--guidelines", default="", help="What annotators are told.")
    @click.option("--kind", type=click.Choice(["preference", "ranking"]), help="What the rows are, when columns are named with --map.")
    @click.option("--map", "maps", multiple=True, metavar="FIELD=COLUMN", help="Which column (or '{a} {b}' template) gives a field.")
    @settings_options
    @json_option
    @click.pass_obj
    def run(
        opener: Opener, source: str, name: str, guidelines: str, kind: str | None, maps: tuple[str, ...], as_json: bool, **settings: Any
    ) -> None:
        feedback = opener.studio.feedback
        mapping = Mapping.parse([*([f"kind={kind}"] if kind else []), *maps]) if maps or kind else None
        made = feedback.import_votes(source, name, votes, guidelines, mapping, **given_settings(settings))
        told = feedback.imported(made)
        if as_json:
            emit_json({"project": made, "imported": told})
            return
        _made(made, False)
        if told is not None:
            console.print(f"{told.read} rows read, {told.votes} votes, {told.set_aside} set aside. {told.why}".strip(), markup=False)
            for bad in told.bad_rows[:BAD_ROWS_SHOWN]:
                console.print(f"  set aside, line {bad.line}: {bad.reason}", markup=False)

    return run


tasks.add_command(
    import_command(
        votes=False,
        words="Make a labelling project of the answers in SOURCE, a preference or ranking file or a dataset (NAME or NAME@VERSION). "
        "`luthier votes import` takes its votes too.",
    )
)


@tasks.command("list")
@click.option("--deleted", is_flag=True, help="Those that were deleted and can be restored.")
@json_option
@click.pass_obj
def list_(opener: Opener, deleted: bool, as_json: bool) -> None:
    """All projects, newest first."""
    found = opener.studio.feedback.projects(deleted)
    if as_json:
        emit_json(found)
        return
    rows = [(p.id, p.name, p.mode, ", ".join(p.models), p.tasks, f"{p.judged} of {p.wanted}", p.state) for p in found]
    emit_table("Projects", ("number", "name", "mode", "models", "items", "judged", "state"), rows, NOTHING)


@tasks.command()
@click.argument("project")
@click.option("--task", type=int, help="Only this item, with its answers in full.")
@click.option("--side", type=click.Choice(["train", "held_out"]), default=None, help="Only items of this side of the split.")
@click.option("--state", type=click.Choice(["open", "done", "gold"]), default=None, help="Only items in this state.")
@click.option("--rows", default=20, show_default=True, type=click.IntRange(0), help="How many items to show.")
@json_option
@click.pass_obj
def show(opener: Opener, project: str, task: int | None, side: str | None, state: str | None, rows: int, as_json: bool) -> None:
    """PROJECT (a name or a number) with its items. This names the models: whoever judges should use `tasks next`."""
    feedback = opener.studio.feedback
    info = feedback.project(project)
    found = [each for each in feedback.tasks(info, side or "", state or "") if task is None or each.id == task]
    if as_json:
        emit_json({"project": info, "tasks": found[:rows]})
        return
    if task is not None and found:
        _whole(found[0])
        return
    _about(info)
    lines = [
        (t.id, t.side, t.state, f"{t.judged} of {t.overlap}", ", ".join(c.model for c in t.candidates), _asked(t)) for t in found[:rows]
    ]
    emit_table("Items", _COLUMNS, lines, "No such items.")
    if len(found) > rows:
        console.print(f"{rows} of {len(found)} items; --rows shows more.")


_COLUMNS = ("task", "side", "state", "judged", "answers of", "prompt")


def _about(info: ProjectInfo) -> None:
    console.print(f"[bold]{info.name}[/bold] (project {info.id}): {MODE_WORDS[info.mode]}. {info.state}, round {info.round}.")
    console.print(f"{info.judged} of {info.wanted} judgements on {info.tasks} items of comparison {info.comparison_id}.")
    if info.guideline:
        console.print(f"Guidelines, version {info.guideline.number}: {info.guideline.text}", markup=False)


def _asked(task: TaskInfo) -> str:
    words = " ".join(str(task.prompt[-1]["content"]).split()) if task.prompt else ""
    return words if len(words) <= 60 else f"{words[:59]}…"


def _whole(task: TaskInfo) -> None:
    for message in task.prompt:
        console.print(f"{message['role']}: {message['content']}", markup=False)
    for number, candidate in enumerate(task.candidates, 1):
        console.print(f"\n[bold]{number}[/bold] {candidate.model}")
        for message in candidate.messages or [{"role": "assistant", "content": candidate.text}]:
            console.print(message["content"] if not candidate.messages else f"{message['role']}: {message['content']}", markup=False)


@tasks.command("next")
@click.argument("project")
@click.option("--person", default="", help="Who judges; default whoever sits here.")
@json_option
@click.pass_obj
def next_(opener: Opener, project: str, person: str, as_json: bool) -> None:
    """The next item of PROJECT for a person, without the models' names; answer it with `luthier votes add --lease NUMBER`."""
    feedback = opener.studio.feedback
    item = feedback.next(project, person)
    if as_json:
        emit_json(item)
    elif item is None:
        info = feedback.project(project)
        console.print("Nothing is left to judge here." if info.state == "open" else f"{info.name} is {info.state}; open it first.")
    else:
        console.print(str(item), markup=False)
        console.print(
            f"\nLease {item.lease}, mode {item.mode}. Answer with: luthier votes add --lease {item.lease} {_HOW[item.mode]}", markup=False
        )


_HOW = {
    "pair": "--strength N  (-3: 1 is much better, 0: the same, 3: 2 is much better)",
    "forced": "--strength N  (-1: 1 is better, 1: 2 is better)",
    "rank": "--ranks 1,2,...  (a rank for each, 1 is best, equal ranks are ties)",
    "best": "--best N",
    "rating": "--rate helpful=5,...  (once for each, in order)",
}


@tasks.command()
@click.argument("project")
@click.option("--set", "text", help="The new text.")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file with the new text.")
@json_option
@click.pass_obj
def guidelines(opener: Opener, project: str, text: str | None, file: Path | None, as_json: bool) -> None:
    """What annotators of PROJECT are told; with --set or --file a new version of it."""
    new = file.read_text(encoding="utf-8") if file else text
    found: GuidelineInfo | None = opener.studio.feedback.guidelines(project, new)
    if as_json:
        emit_json(found)
    elif found is None:
        console.print("There are no guidelines yet. Write some: luthier tasks guidelines PROJECT --set TEXT", markup=False)
    else:
        console.print(f"Version {found.number}, {found.created_at:%Y-%m-%d %H:%M} UTC, {found.author}", markup=False)
        console.print(found.text, markup=False)


def _state_command(name: str, state: State, words: str) -> click.Command:
    @click.command(name, help=words)
    @click.argument("project")
    @json_option
    @click.pass_obj
    def change(opener: Opener, project: str, as_json: bool) -> None:
        _said(opener.studio.feedback.set_state(project, state), f"is {state} now", as_json)

    return change


tasks.add_command(_state_command("open", "open", "Hand out the items of PROJECT."))
tasks.add_command(_state_command("pause", "paused", "Hand out no more items of PROJECT for now; what people hold may still be judged."))
tasks.add_command(_state_command("close", "closed", "Hand out no more items of PROJECT: it is finished."))


@tasks.command()
@click.argument("task", type=int)
@click.option("--ranks", help="The right rank of each answer, in the order of `tasks show --task`: 1,2.")
@click.option("--clear", is_flag=True, help="Make it an ordinary item again.")
@json_option
@click.pass_obj
def gold(opener: Opener, task: int, ranks: str | None, clear: bool, as_json: bool) -> None:
    """Say what is right about item TASK, which then goes to everybody, to see how well people judge."""
    if (ranks is None) != clear:
        raise FeedbackError("It is not clear what is right about this item.", "Give --ranks, or --clear.")
    found = opener.studio.feedback.gold(task, ranks_from(ranks) if ranks else None)
    if as_json:
        emit_json(found)
    else:
        console.print(f"Item {found.id} is a gold item: {found.gold}." if found.gold else f"Item {found.id} is an ordinary item.")


@tasks.command()
@click.argument("project")
@click.argument("name")
@json_option
@click.pass_obj
def rename(opener: Opener, project: str, name: str, as_json: bool) -> None:
    """Give PROJECT the name NAME."""
    _said(opener.studio.feedback.rename(project, name), "is its name now", as_json)


@tasks.command()
@click.argument("project")
@json_option
@click.pass_obj
def delete(opener: Opener, project: str, as_json: bool) -> None:
    """Take PROJECT off the list; its judgements stay."""
    feedback = opener.studio.feedback
    info = feedback.project(project)
    feedback.delete(info)
    _said(info, f"is deleted; luthier tasks restore '{info.name}' brings it back", as_json)


@tasks.command()
@click.argument("project")
@json_option
@click.pass_obj
def restore(opener: Opener, project: str, as_json: bool) -> None:
    """Bring PROJECT, which was deleted, back."""
    _said(opener.studio.feedback.restore(project), "is back", as_json)


def _made(info: ProjectInfo, as_json: bool) -> None:
    if as_json:
        emit_json(info)
        return
    console.print(f"Made project {info.id}, {info.name}: {info.tasks} items, {info.wanted} judgements wanted.", markup=False)
    console.print(f"Next: luthier tasks next {info.id}, or the tab Label of the page.", markup=False)


def _said(info: ProjectInfo, words: str, as_json: bool) -> None:
    if as_json:
        emit_json(info)
    else:
        console.print(f"{info.name} {words}.", markup=False)


COMMANDS = (tasks,)
