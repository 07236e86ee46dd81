"""`luthier data`: import files as datasets, list, show and export them; cleaning and the rest stand in `curate.py`."""

from __future__ import annotations

from pathlib import Path

import click

from studio.cli.curate import NEXT, register
from studio.cli.opener import Opener
from studio.cli.output import console, emit_json, emit_table, json_option, marked, progress_line
from studio.data import hub, importing, inbox, saved_mappings, store, versions
from studio.data.export import export as export_rows
from studio.data.mapping import Mapping
from studio.data.rows import RowFilter, find
from studio.data.schema import Row
from studio.data.splits import SplitSettings
from studio.data.step_words import plural, step_words
from studio.data.store import VersionInfo
from studio.errors import DataError
from studio.workspace import Workspace


@click.group()
def data() -> None:
    """Datasets: import, look, clean, check, divide, mix, augment, export."""


@data.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--name", help="Name of the dataset; default the file's.")
@click.option("--together", is_flag=True, help="Several files become one dataset instead of one each.")
@click.option("--kind", help="What the rows are when they are mapped: chat, labelled, text, preference ...")
@click.option("--map", "maps", multiple=True, metavar="FIELD=COLUMN", help="Which column (or '{a} {b}' template) gives a field; repeat it.")
@click.option("--mapping", "saved", help="Name of a saved mapping to read the columns with.")
@click.option("--save-mapping", "save_as", help="Keep the mapping given here under this name.")
@click.option("--validation", default=0.1, show_default=True, help="Share of rows held out for evaluation.")
@click.option("--test", default=0.0, show_default=True, help="Share of rows kept for a last test.")
@click.option("--similar", is_flag=True, help="Keep near duplicates on one side of the split.")
@click.option("--seed", default=42, show_default=True, help="Seed of the split.")
@json_option
@click.pass_obj
def import_(
    opener: Opener,
    files: tuple[Path, ...],
    name: str | None,
    together: bool,
    kind: str | None,
    maps: tuple[str, ...],
    saved: str | None,
    save_as: str | None,
    validation: float,
    test: float,
    similar: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Import FILES as datasets: CSV, TSV, Excel, JSON, JSONL, Parquet, Arrow, text, Markdown, and zip or gz of these.

    Their shape is recognised unless --map or --mapping says how to read it. With `hub:owner/name` a dataset of the Hugging Face Hub is
    fetched, where the workspace may use the network. A bare name that is no file is looked for in the workspace's inbox folder.
    """
    ws = opener.studio.workspace
    mapping = Mapping.parse([*([f"kind={kind}"] if kind else []), *maps]) if maps or kind else None
    if saved:
        mapping = saved_mappings.load_mapping(ws, saved)
    if save_as and mapping is not None:
        saved_mappings.save_mapping(ws, save_as, mapping)
    split = SplitSettings(validation=validation, test=test, seed=seed, group_similar=similar)
    with progress_line("rows") as told:
        if str(files[0]).startswith("hub:"):
            versions = [hub.import_hub(ws, str(files[0])[4:], name=name, mapping=mapping, divide=split, progress=told)]
        else:
            paths = [_found(ws, path) for path in files]
            versions = importing.import_files(ws, paths, name, together, mapping, split, progress=told)
    if as_json:
        emit_json(versions if len(versions) > 1 else versions[0])
        return
    for version in versions:
        _imported(version)


def _found(ws: Workspace, path: Path) -> Path:
    """The file of this path, or the one of this name in the inbox."""
    if path.is_dir():
        raise DataError(f"{path} is a folder.", f"Name the files in it, for example {path}/*.csv, with --together for one dataset.")
    if path.exists():
        return path
    if path.name != str(path):
        raise DataError(f"There is no file {path}.", "Check the name.")
    return inbox.inbox_file(ws, str(path))


def _imported(version: VersionInfo) -> None:
    splits = ", ".join(f"{split} {count}" for split, count in version.splits.items())
    console.print(f"Imported {version.ref}: {version.rows} rows, {version.kind} ({splits}).")
    for bad in version.bad_rows[:10]:
        console.print(f"  set aside, line {bad.line}: {bad.reason}", markup=False)
    if version.bad_row_count > 10:
        more = plural(version.bad_row_count - 10, "more row")
        console.print(f"  and {more} set aside; all of them are in {version.folder / importing.BAD_ROWS}", markup=False, soft_wrap=True)
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
@click.option("--split", default="", help="Only rows of this split.")
@click.option("--search", default="", help="Only rows that hold this text.")
@click.option("--flag", default="", help="Only rows with this flag of the quality report, for example near_duplicate.")
@click.option("--label", default="", help="Only rows with this label.")
@json_option
@click.pass_obj
def show(opener: Opener, name: str, count: int, split: str, search: str, flag: str, label: str, as_json: bool) -> None:
    """A dataset (NAME or NAME@VERSION): its versions, what used it, and its first rows."""
    ws = opener.studio.workspace
    version = store.get_version(ws, name)
    found = find(ws, version.ref, RowFilter(split=split, search=search, flag=flag, label=label), 0, count)
    everything = store.versions(ws, version.dataset)
    if as_json:
        emit_json({"version": version, "versions": everything, "total": found.total, "rows": [row for _, _, row in found.rows]})
        return
    for each in everything:
        made = f"{each.created_at:%Y-%m-%d %H:%M}"
        console.print(f"{each.ref}  {each.rows} rows  {each.kind}  {made}  {step_words(each.step)}", markup=False, soft_wrap=True)
        for effect in each.step.get("effects", []):
            notes = f" ({'; '.join(effect['notes'])})" if effect.get("notes") else ""
            console.print(f"    {effect['title']}: {effect['changed']} changed, {effect['removed']} removed{notes}", markup=False)
    for user in versions.used_by(ws, version.ref):
        console.print(f"used by {user}", markup=False)
    console.print(f"{found.total} rows" + (" match" if any((split, search, flag, label)) else ""))
    for side, index, row in found.rows:
        console.print(f"\n[bold]{side} {index}[/bold]" + "".join(f"  {mark}" for mark in found.flags.get((side, index), [])))
        _row(row)


def _row(row: Row) -> None:
    for name, value in row.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            console.print(f"[dim]{name}[/dim]" if name != "messages" else "", end="\n" if name != "messages" else "")
            for message in value:
                console.print(f"[bold]{message['role']}[/bold]: ", end="")
                console.print(message["content"], markup=False)
        else:
            console.print(f"{name}: {value}", markup=False)


@data.command()
@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the files and their data card.")
@click.option("--format", "format_", type=click.Choice(["jsonl", "csv", "parquet"]), default="jsonl", show_default=True)
@click.option("--split", "splits", multiple=True, help="Only this split; repeat it.")
@click.option("--licence", default="", help="The licence that the data card states.")
@json_option
@click.pass_obj
def export(opener: Opener, name: str, out: Path, format_: str, splits: tuple[str, ...], licence: str, as_json: bool) -> None:
    """Write a dataset's rows as files, with a data card that says where they come from."""
    files = export_rows(opener.studio.workspace, name, out, format_, splits or None, licence)
    if as_json:
        emit_json([str(file) for file in files])
        return
    for file in files:
        console.print(f"Wrote {file}")


@data.command()
@click.argument("first")
@click.argument("second")
@json_option
@click.pass_obj
def diff(opener: Opener, first: str, second: str, as_json: bool) -> None:
    """What differs between two versions: rows added, removed and changed, and the settings of the steps."""
    found = versions.diff(opener.studio.workspace, first, second)
    if as_json:
        emit_json(found)
        return
    console.print(f"{found.added} rows added, {found.removed} removed, {found.changed} changed, {found.moved} moved to another split")
    for change in found.examples:
        console.print()
        console.print(marked(change.pieces), markup=False)


@data.command()
@click.argument("ref")
@click.pass_obj
def restore(opener: Opener, ref: str) -> None:
    """Make a new version that equals an older one (NAME@VERSION)."""
    version = versions.restore(opener.studio.workspace, ref)
    console.print(f"{version.ref} equals {ref}: {version.rows} rows.")


register(data)
COMMANDS = (data,)
