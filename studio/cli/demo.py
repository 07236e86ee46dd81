"""`luthier demo`: the whole main job on the shipped samples, by itself, with before and after.

Import, tune, compare, chat, then the page with all of it in. Each step is the same call that the page makes.
"""

from __future__ import annotations

import time
from typing import Any

import click

from studio.cli.main import open_page
from studio.cli.opener import Opener
from studio.cli.output import console, duration, emit_json, json_option
from studio.cli.train import follow_run
from studio.data import store as data_store
from studio.data.samples import shipped_samples
from studio.data.store import VersionInfo
from studio.errors import NotFoundError
from studio.inference.conversations import save_conversation
from studio.recipe import Recipe
from studio.runs.store import RunInfo, create_run
from studio.session import Messages, Studio

SHOWN = 4


@click.command()
@click.option("--serve/--no-serve", default=True, show_default=True, help="Open the studio with all of it in at the end.")
@click.option("--port", default=7860, show_default=True, help="Port of the page.")
@json_option
@click.pass_obj
def demo(opener: Opener, serve: bool, port: int, as_json: bool) -> None:
    """Import, tune, compare and chat on the shipped samples; prints before and after, and leaves the studio open."""
    studio = opener.studio
    began = time.monotonic()
    support = _import(studio, "support", as_json)
    reviews = _import(studio, "sentiment", as_json)
    chat = _train(studio, studio.recipe("chat-lora", name="support-bot", data=support.ref), as_json)
    labels = _train(studio, studio.recipe("sentiment-lora", name="review-labels", data=reviews.ref), as_json)
    pairs = _before_and_after(studio, str(chat.model), support, as_json)
    _chat(studio, str(chat.model), pairs[0]["prompt"])
    result = {
        "workspace": str(studio.workspace.root),
        "support": {"run": chat.name, **chat.summary},
        "sentiment": {"run": labels.name, **labels.summary},
        "before_and_after": pairs,
        "seconds": round(time.monotonic() - began, 1),
    }
    if as_json:
        emit_json(result)
    else:
        _print_result(result)
    if serve:
        open_page(studio, host="127.0.0.1", port=port, open_browser=False)
    else:
        studio.close()


def _import(studio: Studio, name: str, quiet: bool) -> VersionInfo:
    """The shipped sample as a dataset; kept when an earlier demo imported it."""
    try:
        version = data_store.get_version(studio.workspace, name)
    except NotFoundError:
        sample = next(sample for sample in shipped_samples() if sample.name == name)
        version = studio.import_data(sample.path, name)
    if not quiet:
        console.print(
            f"[bold]Data[/bold]  {version.ref}: {version.rows} rows, {version.kind}, {version.splits.get('validation', 0)} held out"
        )
    return version


def _train(studio: Studio, recipe: Recipe, quiet: bool) -> RunInfo:
    if quiet:
        return studio.train(recipe)
    planned = studio.plan(recipe)
    console.print(f"[bold]Tune[/bold]  {recipe.name}: {recipe.adaptation.title} on {recipe.model}, {planned.steps} steps")
    return follow_run(studio, create_run(studio.workspace, recipe).name, as_json=False)


def _before_and_after(studio: Studio, model: str, data: VersionInfo, quiet: bool) -> list[dict[str, Any]]:
    """The base and the tuned model on held-out prompts, greedy, stored as a comparison."""
    rows = data_store.rows(studio.workspace, data.ref, split="validation", count=SHOWN)
    prompts: list[Messages] = [_prompt_of(row["messages"]) for row in rows]
    if not quiet:
        console.print(f"[bold]Compare[/bold]  starter and {model} on {len(prompts)} held-out prompts")
    candidates = studio.compare(["starter", model], prompts, temperature=0.0, max_new_tokens=96)
    pairs = []
    for index, prompt in enumerate(prompts):
        answers = {candidate.model: candidate.text for candidate in candidates if candidate.prompt_index == index}
        pairs.append({"prompt": prompt[-1]["content"], "before": answers["starter"], "after": answers[model]})
    return pairs


def _prompt_of(messages: Messages) -> Messages:
    """The conversation up to its first answer."""
    first = next(index for index, message in enumerate(messages) if message["role"] == "assistant")
    return messages[:first]


def _chat(studio: Studio, model: str, question: str) -> None:
    """One exchange with the tuned model, saved as a conversation."""
    messages = [{"role": "user", "content": question}]
    answer = studio.generate(model, messages, temperature=0.0, max_new_tokens=96)[0]
    save_conversation(studio.workspace, model, [*messages, {"role": "assistant", "content": answer}], title=question[:60])


def _print_result(result: dict[str, Any]) -> None:
    for pair in result["before_and_after"]:
        for label, text in (("prompt", pair["prompt"]), ("before", pair["before"]), ("after", pair["after"])):
            console.print(f"[bold]{label:>7}[/bold]  ", end="")
            console.print(text, markup=False)
        console.print()
    console.print(f"Done in {duration(result['seconds'])}. Everything is in {result['workspace']}.")


COMMANDS = (demo,)
