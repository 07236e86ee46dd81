"""`luthier rewards`: reward functions that a person wrote in Python, what any reward says of an answer, and audits of reward models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from studio.cli.opener import Opener
from studio.cli.output import console, emit_json, emit_table, json_option, progress_line
from studio.errors import DataError, NotFoundError
from studio.methods import user_rewards
from studio.methods.reward_functions import Function, parse_functions
from studio.methods.user_rewards import UserReward
from studio.workspace import Workspace


@click.group()
def rewards() -> None:
    """Reward functions in Python: list, show, add, confirm, try. Reward models: audit."""


@rewards.command("list")
@json_option
@click.pass_obj
def list_(opener: Opener, as_json: bool) -> None:
    """Every reward function of the workspace."""
    found = user_rewards.list_rewards(opener.studio.workspace)
    if as_json:
        emit_json(found)
        return
    rows = [(reward.name, "confirmed" if reward.confirmed else "not confirmed", len(reward.text.splitlines())) for reward in found]
    emit_table("Reward functions", ("name", "state", "lines"), rows, "No reward functions yet. Add one: luthier rewards add FILE.py")


@rewards.command()
@click.argument("name")
@json_option
@click.pass_obj
def show(opener: Opener, name: str, as_json: bool) -> None:
    """The text of a reward function, and whether it was confirmed."""
    found = user_rewards.get_reward(opener.studio.workspace, name)
    emit_json(found) if as_json else _print_text(found)


@rewards.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="Name in this workspace; default the file's.")
@json_option
@click.pass_obj
def add(opener: Opener, file: Path, name: str | None, as_json: bool) -> None:
    """Keep FILE, which defines reward(prompts, answers, references) and gives one number an answer. Nothing runs before it is confirmed."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file} cannot be read: {error}.", "Name a Python file of this machine.") from error
    added = user_rewards.add_reward(opener.studio.workspace, name or file.stem, text)
    if as_json:
        emit_json(added)
        return
    console.print(f"Added {added.name}. Read it, then confirm it: luthier rewards confirm {added.name}", markup=False)


@rewards.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="It was read before; do not show it and ask.")
@json_option
@click.pass_obj
def confirm(opener: Opener, name: str, yes: bool, as_json: bool) -> None:
    """Say that a reward function, as it is now, was read and may run. It runs with all your rights."""
    workspace = opener.studio.workspace
    shown = user_rewards.get_reward(workspace, name)
    if not yes and not as_json:
        _print_text(shown)
    if not yes and (as_json or not click.confirm("It runs on this machine with all your rights. Is this what should run?")):
        raise DataError(f"{name} was not confirmed.", f"Read it, then confirm it: luthier rewards confirm {name} --yes")
    found = user_rewards.confirm_reward(workspace, name, shown.text)
    if as_json:
        emit_json(found)
        return
    console.print(f"Confirmed. Use it in a recipe: --method.functions 'python: {name}'", markup=False)


@rewards.command("try")
@click.argument("reward", metavar="NAME|LINE")
@click.option("--answer", "answers", multiple=True, required=True, help="An answer to judge; may be given several times.")
@click.option("--prompt", default="", help="What was asked.")
@click.option("--reference", default="", help="The answer that the data has.")
@json_option
@click.pass_obj
def try_(opener: Opener, reward: str, answers: tuple[str, ...], prompt: str, reference: str, as_json: bool) -> None:
    """What a reward says of answers: a confirmed function or a reward model by its NAME, or a LINE such as 'length: 5-20'."""
    from studio.inference.judging import judge_of
    from studio.methods.base import Asked
    from studio.methods.ppo import PPO

    workspace = opener.studio.workspace
    asked = Asked([{"role": "user", "content": prompt}], reference)
    judged = judge_of(workspace, PPO(**_named(workspace, reward)))([asked] * len(answers), list(answers))
    if as_json:
        emit_json([{"answer": answer, "reward": each.total, "parts": each.parts} for answer, each in zip(answers, judged, strict=True)])
        return
    emit_table("Rewards", ("reward", "answer"), [(f"{each.total:.4f}", text) for text, each in zip(answers, judged, strict=True)], "")


@rewards.command()
@click.argument("model")
@click.option("--data", required=True, metavar="REF", help="Preferences, rankings or ratings: NAME or NAME@VERSION.")
@click.option("--split", default="validation", show_default=True, help="Which split to audit on.")
@click.option("--rows", default=10, show_default=True, type=click.IntRange(0), help="How many of the surest disagreements to show.")
@click.option("--send-back", default=0, metavar="N", type=click.IntRange(0), help="Put up to N items of them into labelling again.")
@json_option
@click.pass_obj
def audit(opener: Opener, model: str, data: str, split: str, rows: int, send_back: int, as_json: bool) -> None:
    """How far the reward model MODEL orders held-out answers as people do, and whether it knows more than length."""
    from studio.evaluate import reward_audit
    from studio.people import local_person

    studio = opener.studio
    with progress_line("answers") as progress:
        found = reward_audit.audit(studio.workspace, studio.engine, model, data, split, progress)
    sent = reward_audit.send_back(studio.workspace, found, local_person(studio.workspace), send_back) if send_back else None
    if as_json:
        emit_json({**found.model_dump(mode="json"), **({"sent_back": sent.model_dump(mode="json")} if sent else {})})
        return
    for sentence in found.sentences:
        console.print(sentence, markup=False)
    lines = [
        (each.row, each.task or "", f"{each.sure:.0%}", each.prompt, each.preferred, each.other) for each in found.disagreements[:rows]
    ]
    if lines:
        emit_table("Contradicts people", ("row", "item", "sure", "prompt", "people prefer", "it prefers"), lines, "")
    if sent:
        console.print(sent.sentence, markup=False)


def _named(workspace: Workspace, reward: str) -> dict[str, Any]:
    """The settings of a method that has this reward alone. Raises `DataError` and `NotFoundError`."""
    from studio.models.registry import get_model

    if any(each.name == reward for each in user_rewards.list_rewards(workspace)):
        return {"functions": f"python: {reward}"}
    try:
        found: list[Function] = parse_functions(reward)
    except ValueError as error:
        try:
            info = get_model(workspace, reward)
        except NotFoundError:
            raise DataError(f"{reward} is no reward: {error}.", "See what there is: luthier rewards list") from error
        if info.task != "reward":
            raise DataError(f"{reward} is no reward model.", "Name one, a function, or a line such as 'length: 5-20'.") from error
        return {"reward_model": reward}
    if not found:
        raise DataError("There is no reward to try.", "Name a function, a reward model, or a line such as 'length: 5-20'.")
    return {"functions": reward}


def _print_text(reward: UserReward) -> None:
    console.print(f"{reward.name}: {'confirmed' if reward.confirmed else 'not confirmed'}", markup=False)
    console.print(reward.text, markup=False)


COMMANDS = (rewards,)
