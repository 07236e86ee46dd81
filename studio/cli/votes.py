"""`luthier votes`: give a judgement, see them and what they are worth, and make datasets and files of them.

How a report is printed stands in `vote_report.py`. Answers of an item are counted from 1 here, as they are printed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from studio.cli.opener import Opener
from studio.cli.output import console, emit_json, emit_table, json_option
from studio.cli.tasks import import_command, ranks_from
from studio.cli.vote_report import print_report
from studio.errors import FeedbackError
from studio.feedback.answers import FLAG_REASONS, SKIP_REASONS, Answer
from studio.feedback.judgements import JudgementInfo

KINDS = ("preference", "ranking", "unpaired", "rating")
RULES = ("all", "majority", "adjudicated")
MARKS = {"yes": True, "no": False, "-": None}
SHOWN = 20


@click.group()
def votes() -> None:
    """Judgements: what people say of answers, what that is worth, and what it becomes."""


@votes.command()
@click.option("--lease", type=int, help="The item that `luthier tasks next` gave, by the number of its lease.")
@click.option("--task", type=int, help="Any item by its number; its answers in the order of `luthier tasks show PROJECT --task NUMBER`.")
@click.option("--person", default="", help="Who judges; default whoever sits here.")
@click.option("--strength", type=click.IntRange(-3, 3), help="Of two: -3, the first is much better ... 3, the second is; 0, the same.")
@click.option("--ranks", help="A rank for each answer, 1 is best, equal ranks are ties: 1,2,2.")
@click.option("--best", type=click.IntRange(1), help="The number of the best answer.")
@click.option("--rate", "rates", multiple=True, metavar="NAME=1..7,...", help="Ratings of one answer by criteria; once for each, in order.")
@click.option("--acceptable", help="A mark for each answer: yes,no,- (- for none).")
@click.option("--edited", help="A better answer, written by the person.")
@click.option("--edited-from", type=click.IntRange(1), help="The number of the answer that it was made from.")
@click.option("--flag", "flags", multiple=True, type=click.Choice(FLAG_REASONS), help="Something that a person should look at.")
@click.option("--comment", default="", help="Anything else.")
@click.option("--decide", is_flag=True, help="Settle a disagreement about --task; for those who lead.")
@json_option
@click.pass_obj
def add(opener: Opener, lease: int | None, task: int | None, person: str, decide: bool, as_json: bool, **said: Any) -> None:
    """Judge an item: the one that was handed out (--lease), or any (--task)."""
    if (lease is None) == (task is None):
        raise FeedbackError("It is not clear which item is judged.", "Give either --lease or --task.")
    if decide and task is None:
        raise FeedbackError("A decision is about an item, not about a lease.", "Name it with --task.")
    feedback, answer = opener.studio.feedback, answer_from(said)
    if lease is not None:
        stored = feedback.submit_lease(lease, person, **answer)
    elif decide:
        stored = feedback.adjudicate(task or 0, person, **answer)
    else:
        stored = feedback.vote(task or 0, person, **answer)
    _stored(stored, "Stored", as_json)


def answer_from(said: dict[str, Any]) -> dict[str, Any]:
    """The fields of an `Answer` from the options of `votes add`. Raises `FeedbackError`."""
    found = {name: value for name, value in said.items() if name in ("strength", "edited", "comment") and value not in (None, "")}
    if said["ranks"]:
        found["ranks"] = ranks_from(said["ranks"])
    for option, name in (("best", "best"), ("edited_from", "edited_from")):
        if said[option] is not None:
            found[name] = said[option] - 1
    if said["rates"]:
        found["ratings"] = [_ratings(text) for text in said["rates"]]
    if said["acceptable"]:
        found["acceptable"] = [_mark(part.strip()) for part in said["acceptable"].split(",")]
    if said["flags"]:
        found["flags"] = [{"reason": reason} for reason in said["flags"]]
    return found


def _ratings(text: str) -> dict[str, int]:
    try:
        return {name.strip(): int(value) for name, value in (part.split("=") for part in text.split(","))}
    except ValueError as error:
        raise FeedbackError(f"{text!r} are no ratings.", "Write criterion=number, divided by commas: helpful=5,honest=7.") from error


def _mark(word: str) -> bool | None:
    if word not in MARKS:
        raise FeedbackError(f"{word!r} is no mark.", "Write yes, no or - for each answer, divided by commas.")
    return MARKS[word]


def _stored(row: JudgementInfo, words: str, as_json: bool) -> None:
    if as_json:
        emit_json(row)
    else:
        console.print(f"{words}: judgement {row.id} of {row.person} on item {row.task_id}.", markup=False)


@votes.command()
@click.argument("lease", type=int)
@click.option("--person", default="", help="Who skips; default whoever sits here.")
@click.option("--reason", type=click.Choice(SKIP_REASONS), default="cannot tell", show_default=True)
@click.option("--note", default="", help="Anything to add.")
@json_option
@click.pass_obj
def skip(opener: Opener, lease: int, person: str, reason: str, note: str, as_json: bool) -> None:
    """Pass over the item that `luthier tasks next` gave; it goes to others."""
    _stored(opener.studio.feedback.skip_lease(lease, person, reason, note), "Skipped", as_json)


@votes.command()
@click.argument("project")
@click.option("--person", default="", help="Whose judgement; default of whoever sits here.")
@json_option
@click.pass_obj
def undo(opener: Opener, project: str, person: str, as_json: bool) -> None:
    """Take back what a person said last in PROJECT, and hand them that item again."""
    item = opener.studio.feedback.undo(project, person)
    if as_json:
        emit_json(item)
    elif item is None:
        console.print("There is nothing to take back.")
    else:
        console.print(f"Taken back. The item is lease {item.lease} again:\n\n{item}", markup=False)


@votes.command("list")
@click.argument("project")
@click.option("--person", default="", help="Only those of this person.")
@click.option("--history", is_flag=True, help="All rows, with those that were changed or taken back.")
@click.option("--rows", default=SHOWN, show_default=True, type=click.IntRange(0), help="How many of the newest to show; 0 for all.")
@json_option
@click.pass_obj
def list_(opener: Opener, project: str, person: str, history: bool, rows: int, as_json: bool) -> None:
    """The judgements of PROJECT that count, newest first."""
    found = [row for row in reversed(opener.studio.feedback.judgements(project, history)) if person in ("", row.person)]
    shown = found[:rows] if rows else found
    if as_json:
        emit_json(shown)
        return
    lines = [(row.id, row.task_id, row.person, _said(row), row.source, f"{row.created_at:%Y-%m-%d %H:%M}") for row in shown]
    emit_table("Judgements", ("number", "item", "person", "said", "source", "when (UTC)"), lines, "No judgements yet.")
    if len(shown) < len(found):
        console.print(f"The newest {len(shown)} of {len(found)}; --rows 0 shows all.")


def _said(row: JudgementInfo) -> str:
    return said_words(row.answer) if row.state == "judged" else " ".join(filter(None, (row.state, row.reason)))


def said_words(answer: Answer) -> str:
    """What an answer says, in a few words; answers are counted from 1."""
    words = []
    if answer.strength is not None:
        words.append("the same" if answer.strength == 0 else f"{1 if answer.strength < 0 else 2} is better ({abs(answer.strength)} of 3)")
    if answer.ranks is not None:
        words.append(f"ranks {','.join(str(rank) for rank in answer.ranks)}")
    if answer.best is not None:
        words.append(f"{answer.best + 1} is best")
    for number, ratings in enumerate(answer.ratings or [], 1):
        words.append(f"{number}: " + ",".join(f"{name}={value}" for name, value in ratings.items()))
    if answer.acceptable:
        words.append("acceptable " + ",".join(word for mark in answer.acceptable for word, value in MARKS.items() if value is mark))
    if answer.edited is not None:
        words.append("a better answer")
    words += [f"flag: {flag.reason}" for flag in answer.flags]
    return "; ".join(words + ([f"“{answer.comment}”"] if answer.comment else []))


@votes.command()
@click.argument("project")
@json_option
@click.pass_obj
def disagreements(opener: Opener, project: str, as_json: bool) -> None:
    """The items of PROJECT on which people said opposite things, the surest first; settle one with `votes add --task N --decide`."""
    found = opener.studio.feedback.disagreements(project)
    if as_json:
        emit_json(found)
        return
    rows = [
        (split.task.id, f"{split.confidence:.0%}", "  |  ".join(f"{v.person}: {said_words(v.answer)}" for v in split.votes))
        for split in found
    ]
    emit_table("Disagreements", ("item", "sure", "votes"), rows, "Nobody contradicts anybody.")


@votes.command()
@click.argument("projects", nargs=-1, required=True)
@click.option("--side", type=click.Choice(["train", "held_out"]), default=None, help="Only prompts of this side of the split.")
@click.option(
    "--rule", type=click.Choice(["all", "adjudicated"]), default="all", show_default=True, help="Whether decisions replace votes."
)
@click.option("--raw", is_flag=True, help="Without the fit that takes length and format out.")
@json_option
@click.pass_obj
def report(opener: Opener, projects: tuple[str, ...], side: str | None, rule: str, raw: bool, as_json: bool) -> None:
    """What the judgements of PROJECTS are worth: who is better and how sure that is, how far people agree, what leans."""
    found = opener.studio.feedback.report(*projects, length_controlled=not raw, side=side or "", rule=rule)
    emit_json(found) if as_json else print_report(found)


@votes.command()
@click.argument("projects", nargs=-1, required=True)
@click.option("--out", "path", required=True, type=click.Path(path_type=Path), help="A .jsonl file; with --kind also a folder or a .zip.")
@click.option("--kind", type=click.Choice(KINDS), help="Training rows in TRL's format instead of the judgements themselves.")
@click.option("--rule", type=click.Choice(RULES), default="all", show_default=True, help="With --kind: whose vote counts.")
@click.option("--criterion", default="", help="With --kind rating: one criterion instead of the mean.")
@json_option
@click.pass_obj
def export(opener: Opener, projects: tuple[str, ...], path: Path, kind: str | None, rule: str, criterion: str, as_json: bool) -> None:
    """Write the judgements of PROJECTS with everything known about them, or the rows that they give."""
    how = {"criterion": criterion} if criterion else {}
    files = opener.studio.feedback.export(projects, path, kind or "", rule, **how)
    if as_json:
        emit_json(files)
        return
    for file in files:
        console.print(f"Wrote {file}", markup=False)


@votes.command()
@click.argument("projects", nargs=-1, required=True)
@click.option("--name", required=True, help="Name of the dataset; the rows become its next version.")
@click.option("--kind", type=click.Choice(KINDS), default="preference", show_default=True, help="What the rows are.")
@click.option("--rule", type=click.Choice(RULES), default="all", show_default=True, help="Whose vote counts.")
@click.option("--criterion", default="", help="With --kind rating: one criterion instead of the mean.")
@click.option("--edits/--no-edits", default=True, help="Count written answers as better than all that were shown.")
@click.option("--note", default="", help="A note for the version.")
@json_option
@click.pass_obj
def dataset(opener: Opener, projects: tuple[str, ...], name: str, kind: str, rule: str, as_json: bool, **how: Any) -> None:
    """Make training rows of the judgements of PROJECTS, with a manifest from which the same rows can be made again."""
    made = opener.studio.feedback.dataset(projects, kind, name, rule, **how)
    if as_json:
        emit_json(made)
        return
    splits = ", ".join(f"{split} {count}" for split, count in made.splits.items())
    console.print(f"Made {made.ref}: {made.rows} rows, {made.kind} ({splits}).", markup=False)


votes.add_command(
    import_command(
        votes=True,
        words="Make a project of SOURCE, a preference or ranking file or a dataset (NAME or NAME@VERSION): its answers become items, its "
        "votes judgements. Models and annotators keep the names that it gives them.",
    )
)
COMMANDS = (votes,)
