"""The line at the top of a page: name, workspace, device, what holds the device now, and, where accounts are in use, who is logged in.

The browser asks every two seconds while the page can be seen; nothing is pushed to pages that nobody looks at.
"""

from __future__ import annotations

import html

import gradio as gr

from app.page import Page
from app.theme import script
from studio import device
from studio.db import Run

PERSON = (
    '<form class="person" method="post" action="/logout" hidden><span class="name"></span>'
    '<button type="submit" class="link">Log out</button></form>'
)
"""Who is logged in, with the way out; stays hidden where nobody logs in."""

SHOW_PERSON = "luthier.showPerson(element);"


def small(title: str, name: str = "Luthier") -> gr.HTML:
    """The header of a page that stands alone: its title, the keys of its screen and who is logged in."""
    return gr.HTML(
        html_template=(
            f'<h1>{html.escape(name)}</h1><span class="workspace">{html.escape(title)}</span>'
            '<button type="button" class="help" title="Keys of this screen (?)" aria-label="Keys of this screen" '
            f'onclick="luthier.showKeys()">?</button>{PERSON}'
        ),
        js_on_load=SHOW_PERSON,
        apply_default_css=False,
        elem_id="header",
        elem_classes="small",
    )


def build(page: Page) -> gr.HTML:
    """The header of `page`. It fires `open` when what holds the device is clicked, which hands that run over."""
    workspace = page.workspace

    def header_state(_request: object = None) -> dict[str, str]:
        holder = device.lease.holder()
        name = holder.name if holder else ""
        with workspace.db.read() as session:
            known = bool(name) and session.query(Run.id).filter(Run.name == name, Run.deleted_at.is_(None)).first() is not None
        return {
            "device": device.describe().label,
            "holder": name,
            "detail": holder.detail if holder else "",
            "run": name if known else "",
        }

    root = html.escape(str(workspace.root))
    header = gr.HTML(
        html_template=(
            f'<h1>Luthier</h1><span class="workspace" title="Workspace: {root}">{html.escape(workspace.root.name)}</span>'
            f'<span class="chip" title="What this machine trains on">{html.escape(device.describe().label)}</span>'
            '<button type="button" class="holder" disabled title="What holds the device now">device is free</button>'
            '<button type="button" class="help" title="Keys of this screen (?)" aria-label="Keys of this screen" '
            'onclick="luthier.showKeys()">?</button>' + PERSON
        ),
        js_on_load=script("header.js") + SHOW_PERSON,
        server_functions=[header_state],
        apply_default_css=False,
        elem_id="header",
    )
    asked = gr.State("")
    taken = header.open(_run_of, None, asked, show_progress="hidden", api_visibility="private")
    page.sends("open_run", taken.then, [asked])
    return header


def _run_of(event: gr.EventData) -> str:
    return str(event.run)
