"""`luthier data`: import files as datasets, list and show them."""

from __future__ import annotations

from pathlib import Path

import click

from studio.cli.opener import Opener
from studio.cli.output import console, emit_json, emit_table, json_option
from studio.data import store
from studio.data.mapping import Mapping

NEXT = {"chat": "chat-lora", "labelled": "sentiment-lora", "text": "text-last-layers"}
"""The shipped recipe that suits each kind of rows."""


@click.group()
def data() -> None:
    """Datasets: import, list, show."""


@data.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the dataset; default the file's.")
@click.option("--kind", help="What the rows are when they are mapped: chat, labelled, text, preference ...")
@click.option("--map", "maps", multiple=True, metavar="FIELD=COLUMN", help="Which column (or '{a} {b}' template) gives a field; repeat it.")
@click.option("--validation", default=0.1, show_default=True, help="Share of rows held out for evaluation.")
@click.option("--test", default=0.0, show_default=True, help="Share of rows kept for a last test.")
@click.option("--seed", default=42, show_default=True, help="Seed of the split.")
@json_option
@click.pass_obj
def import_(
    opener: Opener,
    file: Path,
    name: str | None,
    kind: str | None,
    maps: tuple[str, ...],
    validation: float,
    test: float,
    seed: int,
    as_json: bool,
) -> None:
    """Import FILE (CSV, TSV, JSON, JSONL, Parquet) as a dataset; its shape is recognised unless --map says how to read it."""
    mapping = Mapping.parse([*([f"kind={kind}"] if kind else []), *maps]) if maps or kind else None
    version = opener.studio.import_data(file, name or file.stem, mapping, validation, test, seed)
    if as_json:
        emit_json(version)
        return
    splits = ", ".join(f"{split} {count}" for split, count in version.splits.items())
    console.print(f"Imported {version.ref}: {version.rows} rows, {version.kind} ({splits}).")
    for bad in version.bad_rows[:10]:
        console.print(f"  set aside, line {bad.line}: {bad.reason}")
    if len(version.bad_rows) > 10:
        console.print(f"  and {len(version.bad_rows) - 10} more rows set aside")
    if version.kind in NEXT:
        console.print(f"Next: luthier train {NEXT[version.kind]} --data.sources {version.dataset}")


@data.command("list")
@json_option
@click.pass_obj
def list_(opener: Opener, as_json: bool) -> None:
    """The newest version of each dataset."""
    found = opener.studio.datasets()
    if as_json:
        emit_json(found)
        return
    rows = [(v.ref, v.rows, v.kind, ", ".join(f"{s} {n}" for s, n in v.splits.items()), f"{v.created_at:%Y-%m-%d %H:%M}") for v in found]
    emit_table(
        "Datasets",
        ("name", "rows", "kind", "splits", "made (UTC)"),
        rows,
        "No datasets yet. Import one: luthier data import FILE --name NAME",
    )


@data.command()
@click.argument("name")
@click.option("--rows", "count", default=3, show_default=True, help="How many rows to show.")
@json_option
@click.pass_obj
def show(opener: Opener, name: str, count: int, as_json: bool) -> None:
    """A dataset (NAME or NAME@VERSION): its versions and first rows."""
    workspace = opener.studio.workspace
    version = store.get_version(workspace, name)
    rows = store.rows(workspace, version.ref, count=count)
    if as_json:
        emit_json({"version": version, "versions": store.versions(workspace, version.dataset), "rows": rows})
        return
    for each in store.versions(workspace, version.dataset):
        console.print(f"{each.ref}  {each.rows} rows  {each.kind}  {each.step.get('step', '')}  {each.created_at:%Y-%m-%d %H:%M}")
    for row in rows:
        console.print()
        for message in row.get("messages", []):
            console.print(f"[bold]{message['role']}[/bold]: ", end="")
            console.print(message["content"], markup=False)
        if "messages" not in row:
            for key, value in row.items():
                console.print(f"{key}: {value}", markup=False)


COMMANDS = (data,)
