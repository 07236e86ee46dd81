"""The command `luthier`: opens the page, or does one step of the work. Turns every `StudioError` into words."""

from __future__ import annotations

import json
import sys
from importlib.metadata import entry_points
from typing import Any

import click

import studio
from studio.cli.opener import Opener
from studio.errors import StudioError
from studio.session import Studio


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--workspace", metavar="DIR", help="Folder that holds everything; default $LUTHIER_WORKSPACE, then ~/luthier.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=7860, show_default=True, help="Port to listen on; the next free one when it is taken.")
@click.option("--open/--no-open", "open_browser", default=False, help="Open the page in the browser.")
@click.version_option(studio.__version__, prog_name="luthier")
@click.pass_context
def cli(context: click.Context, workspace: str | None, host: str, port: int, open_browser: bool) -> None:
    """Fine-tune a language model and teach it what people prefer, on your own machine.

    Without a command, opens the studio in a web page.
    """
    context.obj = Opener(workspace)
    if context.invoked_subcommand is None:
        open_page(context.obj.studio, host=host, port=port, open_browser=open_browser)


def open_page(opened: Studio, **options: Any) -> None:
    """Serve the page until it is interrupted. It is a plug-in (entry point group `luthier.page`), so the engine never imports it."""
    found = list(entry_points(group="luthier.page"))
    if not found:
        raise StudioError("The page is not installed.", "Install Luthier with pip from its folder.")
    found[0].load()(studio=opened, **options)


def main(arguments: list[str] | None = None) -> None:
    """The entry point of the `luthier` command."""
    from studio.cli import answers, compare, data, demo, doctor, models, people, rewards, rounds, runs, tasks, train, votes

    for module in (answers, compare, data, demo, doctor, models, people, rewards, rounds, runs, tasks, train, votes):
        for command in module.COMMANDS:
            cli.add_command(command)
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        cli.main(args=arguments, prog_name="luthier", standalone_mode=True)
    except StudioError as error:
        if "--json" in arguments:
            click.echo(json.dumps({"error": error.message, "remedy": error.remedy}, ensure_ascii=False))
        else:
            click.echo(f"{error.message}\n{error.remedy}".rstrip(), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
        sys.exit(130)
