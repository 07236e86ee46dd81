"""`luthier data clean|split|report|augment|mix`: what makes a trustworthy training set of a dataset."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from studio import fields
from studio.cli.opener import Opener
from studio.cli.output import console, emit_json, emit_table, json_option, marked, progress_line
from studio.cli.step_text import settings_from, step_from, step_text
from studio.data import store
from studio.data.augment import drafts as stored_drafts
from studio.data.augment.apply import augment as augment_rows
from studio.data.augment.apply import preview as preview_augmentation
from studio.data.augment.settings import STEPS, step_of
from studio.data.cleaning import pipeline as pipelines
from studio.data.cleaning.pipeline import Pipeline
from studio.data.cleaning.run import PipelinePreview, clean, preview
from studio.data.cleaning.settings import step_specs
from studio.data.quality import QualityReport
from studio.data.quality import report as make_report
from studio.data.splits import SplitSettings
from studio.errors import DataError
from studio.recipe import Recipe
from studio.runs.check import versions_of
from studio.runs.rows import training_rows

SHOWN = 3
NEXT = {"chat": "chat-lora", "labelled": "sentiment-lora", "text": "text-last-layers", "preference": "preference-dpo"}
"""The shipped recipe that suits each kind of rows."""
MARKS = {"fix": "to fix", "look": "look at", "info": "note"}


@click.command("clean")
@click.argument("name", required=False)
@click.option("--step", "steps", multiple=True, metavar="KIND[:NAME=VALUE,...]", help="A cleaning step; repeat it, they run in this order.")
@click.option("--pipeline", "file", type=click.Path(path_type=Path), help="A YAML file with the steps.")
@click.option("--saved", help="Name of a pipeline saved in the workspace.")
@click.option("--save", "save_as", help="Save the steps in the workspace under this name.")
@click.option("--preview", "only_look", is_flag=True, help="Show what would happen and store nothing.")
@click.option("--list", "list_them", is_flag=True, help="List the steps and their settings.")
@json_option
@click.pass_obj
def clean_command(
    opener: Opener,
    name: str | None,
    steps: tuple[str, ...],
    file: Path | None,
    saved: str | None,
    save_as: str | None,
    only_look: bool,
    list_them: bool,
    as_json: bool,
) -> None:
    """Clean dataset NAME by steps: what each changes is shown, and the result is a new version."""
    if list_them or name is None:
        _list_steps(as_json)
        return
    ws = opener.studio.workspace
    if file is not None:
        pipeline = Pipeline.from_yaml(file.read_text(encoding="utf-8"))
    elif saved:
        pipeline = pipelines.load_pipeline(ws, saved)
    else:
        pipeline = Pipeline(steps=[step_from(text) for text in steps])
    if save_as:
        pipelines.save_pipeline(ws, save_as, pipeline)
    with progress_line("rows read") as told:
        seen = preview(ws, name, pipeline, progress=told)
    if not as_json:
        _show_effects(seen)
    if only_look:
        if as_json:
            emit_json(seen)
        return
    start = store.get_version(ws, name)
    with progress_line("rows read") as told:
        version = clean(ws, name, pipeline, progress=told)
    if as_json:
        emit_json({"effects": seen.steps, "version": version})
        return
    if version.ref == start.ref:
        console.print(f"Nothing changes; {start.ref} stays as it is.")
        return
    console.print(f"Made {version.ref} from {start.ref}: {version.rows} rows.")
    if start.number + 1 < version.number:
        console.print(f"It holds nothing of what was done after {start.ref}; `luthier data show {start.dataset}` lists the versions.")


def _list_steps(as_json: bool) -> None:
    if as_json:
        emit_json(step_specs())
        return
    for spec in step_specs():
        console.print(f"[bold]{spec.kind}[/bold]  {spec.summary}")
        for each in spec.fields:
            choices = f" ({', '.join(each.choices)})" if each.choices else ""
            console.print(f"    {each.path}: {each.help}{choices}", markup=False)


def _show_effects(seen: PipelinePreview) -> None:
    rows = [(e.title, e.rows_before, e.rows_after, e.changed, e.removed, "; ".join(e.notes)) for e in seen.steps]
    emit_table("Steps", ("step", "rows before", "after", "changed", "removed", "notes"), rows, "No steps are given; see --list.")
    for effect in seen.steps:
        for example in effect.examples[:SHOWN]:
            gone = "removed: " if example.after is None else ""
            console.print(f"  {effect.kind}, {example.split} {example.index}: {gone}{marked(example.diff)[:300]}", markup=False)


@click.command("split")
@click.argument("name")
@click.option("--validation", default=0.1, show_default=True, help="Share of rows held out for evaluation.")
@click.option("--test", default=0.0, show_default=True, help="Share of rows kept for a last test.")
@click.option("--seed", default=42, show_default=True)
@click.option("--similar", is_flag=True, help="Keep near duplicates on one side.")
@click.option("--by-label/--not-by-label", "stratify", default=True, help="Give each side its share of every label.")
@json_option
@click.pass_obj
def split_command(
    opener: Opener, name: str, validation: float, test: float, seed: int, similar: bool, stratify: bool, as_json: bool
) -> None:
    """Divide dataset NAME anew into train, validation and test; rows with the same prompt stay on one side."""
    settings = SplitSettings(validation=validation, test=test, seed=seed, stratify=stratify, group_similar=similar)
    version = store.resplit(opener.studio.workspace, name, settings)
    if as_json:
        emit_json(version)
        return
    console.print(f"Made {version.ref}: " + ", ".join(f"{split} {count}" for split, count in version.splits.items()) + ".")


@click.command("report")
@click.argument("name")
@click.option("--model", default="", help="Count tokens with this model's tokenizer and template.")
@click.option("--max-length", default=512, show_default=True, help="Longest row in tokens that training takes.")
@json_option
@click.pass_obj
def report_command(opener: Opener, name: str, model: str, max_length: int, as_json: bool) -> None:
    """Check dataset NAME: duplicates, leaks between splits, personal data, lengths, labels and more, with a verdict."""
    ws, tokenizer = opener.studio.workspace, None
    if model:
        from studio.models.loading import load_tokenizer

        tokenizer = load_tokenizer(ws, model)
    with progress_line("rows read") as told:
        found = make_report(ws, name, tokenizer, max_length, progress=told, model=model)
    if as_json:
        emit_json(found)
        return
    newest = store.get_version(ws, found.ref.partition("@")[0])
    _show_report(found, newest.dataset if newest.ref == found.ref else found.ref)


def _show_report(found: QualityReport, name: str) -> None:
    """The report; `name` is how its commands name the dataset: without a version for the newest, so that they build on one another."""
    console.print(f"[bold]{found.ref}: {found.verdict}[/bold]  {found.rows} rows, {found.kind}")
    for finding in found.findings:
        console.print(f"\n[bold]{MARKS[finding.severity]}[/bold]  {finding.title}")
        console.print(f"  {finding.text}", markup=False)
        if finding.rows:
            console.print("  for example " + ", ".join(f"{split} {index}" for split, index in finding.rows[:SHOWN]), markup=False)
        if finding.fix:
            console.print(f"  mend: {_command(name, finding.fix)}", markup=False, soft_wrap=True)


def _command(name: str, fix: dict[str, Any]) -> str:
    """The command line that mends a finding."""
    rest = {key: value for key, value in fix.items() if key != "kind" and value not in ("", None)}
    if fix["kind"] == "split":
        names = {"validation": "--validation", "test": "--test", "seed": "--seed"}
        parts = [f"{names[key]} {value}" for key, value in rest.items() if key in names]
        return " ".join(["luthier data split", name, *parts, *(["--similar"] if rest.get("group_similar") else [])])
    return f"luthier data clean {name} --step {shlex.quote(step_text(fix))}"


@click.command("augment")
@click.argument("name")
@click.option("--kind", type=click.Choice([str(s.model_fields["kind"].default) for s in STEPS] + ["paraphrase", "examples"]), required=True)
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="A setting of the step; repeat it.")
@click.option("--model", default="starter", show_default=True, help="paraphrase, examples: the model that writes.")
@click.option("--accept", is_flag=True, help="paraphrase, examples: add what it writes at once, without a person's look.")
@click.option("--preview", "only_look", is_flag=True, help="Show what would happen and store nothing.")
@json_option
@click.pass_obj
def augment_command(
    opener: Opener, name: str, kind: str, pairs: tuple[str, ...], model: str, accept: bool, only_look: bool, as_json: bool
) -> None:
    """Add training rows to dataset NAME; they are marked, and stay in the split and group of their source."""
    ws, values = opener.studio.workspace, settings_from(pairs)
    if kind in ("paraphrase", "examples"):
        _write(opener, name, kind, values, model, accept, as_json)
        return
    step = step_of({"kind": kind, **values})
    seen = preview_augmentation(ws, name, step)
    version = None if only_look else augment_rows(ws, name, step)
    if as_json:
        emit_json({"added": seen.added, "removed": seen.removed, "labels": seen.labels_after, "version": version})
        return
    console.print(f"{seen.rows_before} training rows, {seen.added} added, {seen.removed} left out.")
    if version is not None:
        console.print(f"Made {version.ref}: {version.rows} rows.")


def _write(opener: Opener, name: str, kind: str, values: dict[str, Any], model: str, accept: bool, as_json: bool) -> None:
    """A model writes drafts, which wait for a person unless they are accepted at once."""
    from studio.inference.writing import WRITERS, task_of, write_drafts

    ws = opener.studio.workspace
    assert kind in WRITERS
    with progress_line("drafts") as told:
        written = write_drafts(ws, opener.studio.engine, model, name, task_of({"kind": kind, **values}), progress=told)
    version = None
    if accept and written.kept:
        stored_drafts.judge(ws, [draft.id for draft in stored_drafts.drafts(ws, name)], "accepted")
        version = stored_drafts.add_accepted(ws, name)
    if as_json:
        emit_json({"kept": written.kept, "dropped": written.dropped, "version": version})
        return
    console.print(f"{written.kept} drafts written, {written.dropped} dropped.")
    console.print(
        f"Made {version.ref}: {version.rows} rows." if version else "They wait on the Augment tab of the page, or run it with --accept."
    )


@click.command("mix")
@click.argument("sources")
@click.option("--temperature", default=1.0, show_default=True, help="1 mixes by size; higher values repeat small datasets.")
@click.option("--epochs", default=3.0, show_default=True, help="Epochs of the run, for how often each row comes.")
@json_option
@click.pass_obj
def mix_command(opener: Opener, sources: str, temperature: float, epochs: float, as_json: bool) -> None:
    """What a mix of datasets comes to: SOURCES such as `support,reviews=2,news=1:200` (name=weight:rows at most)."""
    recipe = fields.apply_overrides(Recipe(), {"data.sources": sources, "data.temperature": temperature, "optim.epochs": epochs})
    ws = opener.studio.workspace
    kinds = {version.dataset: version.kind for version in versions_of(ws, recipe)}
    if len(set(kinds.values())) > 1:
        told = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
        raise DataError(f"These datasets hold rows of different kinds: {told}.", "A run trains on one kind; mix datasets of one kind.")
    found = training_rows(ws, recipe).shares
    if as_json:
        emit_json([{"name": s.name, "rows": s.rows, "drawn": s.drawn, "share": s.share, "times": s.times * epochs} for s in found])
        return
    rows = [(s.name, s.rows, s.drawn, f"{s.share:.1%}", f"{s.times * epochs:.3g}") for s in found]
    emit_table("Mix", ("dataset", "rows", "drawn an epoch", "share", "times in the run"), rows, "No dataset is named.")
    recipe_name = NEXT.get(min(kinds.values()), "chat-lora")
    options = f"--data.sources {sources} --data.temperature {temperature:g} --optim.epochs {epochs:g}"
    console.print(f"Train on it: luthier train {recipe_name} {options}", markup=False)


def register(group: click.Group) -> None:
    """Add these commands to `luthier data`."""
    for command in (clean_command, split_command, report_command, augment_command, mix_command):
        group.add_command(command)
