"""Composes the page and opens it.

To add a tab: a file in `app/tabs` with `build(page)`, and one line in `TABS`. To add a small page: a line in `BESIDE`, and in `app/gate.py`
who may reach it.
"""

from __future__ import annotations

import signal
import sys
import threading
import webbrowser
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from app import header
from app.label_results import results_page
from app.labelling import label_page
from app.page import Page
from app.server import Handle, application, check_host, free_port
from studio.people import needs_login

if TYPE_CHECKING:
    from studio.session import Studio

TABS = (
    ("data", "Data"),
    ("train", "Train"),
    ("runs", "Runs"),
    ("compare", "Compare"),
    ("label", "Label"),
    ("chat", "Chat"),
    ("models", "Models"),
)
BESIDE = {"/label": label_page, "/results": results_page}
"""Small pages of their own, for those who label or look at results and may do nothing else."""

FRAME_HEIGHT = 760

_open_pages: dict[tuple[Path, str, bool], Handle] = {}
"""The newest page of each workspace, address and kind (in a notebook's frame or not) in this process."""


def compose(studio: Studio) -> gr.Blocks:
    """The page over `studio`, not yet served."""
    with gr.Blocks(title="Luthier", analytics_enabled=False, fill_width=True) as demo:
        page = Page(studio)
        header.build(page)
        items: dict[str, gr.Tab] = {}
        with gr.Tabs(elem_id="tabs") as page.tabs:
            for key, label in TABS:
                with gr.Tab(label, id=key, elem_id=f"tab-{key}") as items[key]:
                    import_module(f"app.tabs.{key}").build(page)
        page.wire(demo, items)
    return demo


def launch(
    workspace: str | Path | None = None,
    host: str = "127.0.0.1",
    port: int = 7860,
    inline: bool | None = None,
    open_browser: bool = False,
    block: bool = True,
    studio: Studio | None = None,
) -> Handle:
    """Open the page on `workspace`, or on a `studio` that is open already, and return a handle with `.url` and `.close()`.

    `port` moves on to the next free one when it is taken. `inline` shows the page inside the notebook (None: when called from one), and
    then the call returns at once; otherwise `block` waits until the page is closed. A workspace whose page is open in this process already
    is not opened again: the same handle comes back, as when a notebook's cell runs twice. Closing the page closes the workspace that it
    opened; a `studio` that was given stays yours, and only what the page started on it stops. Raises `ServeError` for an address that
    other machines could reach while nobody has an account, `WorkspaceError` when the folder cannot be used.
    """
    framed = in_notebook() if inline is None else inline
    handle = _page_over(workspace, host, port, framed, studio)
    print(f"Luthier is open at {handle.url}", flush=True)
    if framed:
        _show_frame(handle.url)
        return handle
    if open_browser:
        webbrowser.open(handle.url)
    if block:
        _end_on_sigterm()
        handle.wait()
    return handle


def _page_over(workspace: str | Path | None, host: str, port: int, framed: bool, given: Studio | None) -> Handle:
    """The page of this process over that workspace: the one that is open, or a new one."""
    from studio import open as open_studio

    studio = given or open_studio(workspace)
    key = (studio.workspace.root.resolve(), host, framed)
    known = _open_pages.get(key)
    if known is not None and known.open and (given is None or known.owner is given):
        return known
    warning = check_host(host, needs_login(studio.workspace))
    if warning:
        print(warning, file=sys.stderr, flush=True)
    port = free_port(host, port)
    pages = {path: make(studio.workspace) for path, make in BESIDE.items()}
    handle = Handle(application(compose(studio), studio.workspace, host, framed, pages), host, port, studio)
    try:
        began = studio.worker.start()
        handle.on_close = studio.close if given is None else studio.worker.shutdown if began else None
        handle.start()
    except BaseException:
        handle.close()
        raise
    _open_pages[key] = handle
    return handle


def in_notebook() -> bool:
    """Whether this runs in a notebook's kernel."""
    if "IPython" not in sys.modules:
        return False
    shell: Any = sys.modules["IPython"].get_ipython()
    return shell is not None and shell.__class__.__name__ == "ZMQInteractiveShell"


def _show_frame(url: str) -> None:
    from IPython.display import IFrame, display

    display(IFrame(url, width="100%", height=FRAME_HEIGHT))


def _end_on_sigterm() -> None:
    """Let a service manager's SIGTERM close the page as Ctrl+C does."""

    def interrupt(_signum: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, interrupt)
