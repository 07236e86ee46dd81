"""The one place where an error becomes a message for a person.

Wrap every handler in `guarded`: a `StudioError` is shown as "what happened, what to do" and nothing else, anything unexpected is written
to the log with its trace and shown as one sentence. Where an error belongs to a field or a row, catch it in the handler instead and show
`notice(error)` there. While a handler runs, `studio.workspace.acting` names whoever clicked, so that versions name their author.
"""

from __future__ import annotations

import functools
import html
import inspect
import logging
from collections.abc import Callable
from contextlib import closing
from typing import Any

import gradio as gr

from app.gate import clicked_by
from studio.errors import StudioError
from studio.workspace import acting

log = logging.getLogger("luthier")
SHOWN_SECONDS = 12


def words(error: BaseException) -> str:
    """What a person reads about `error`: message and remedy of ours, one plain sentence for anything else."""
    if isinstance(error, StudioError):
        return str(error)
    return f"Something failed that Luthier did not expect ({type(error).__name__}). The details are in the log of the program."


def notice(error: BaseException | str, kind: str = "error") -> str:
    """Escaped HTML for a message that stands where its cause is; `kind` is error, warning or info."""
    if isinstance(error, StudioError):
        body = f"<strong>{html.escape(error.message)}</strong> {html.escape(error.remedy)}"
    else:
        body = html.escape(error if isinstance(error, str) else words(error))
    return f'<div class="notice {kind}" role="{"alert" if kind == "error" else "status"}">{body}</div>'


def toast(error: BaseException) -> gr.Error:
    """The error as gradio shows it in a corner of the page; its text is escaped because toasts render markup."""
    if not isinstance(error, StudioError):
        log.error("a handler failed", exc_info=error)
    title = error.message if isinstance(error, StudioError) else "Something failed"
    body = error.remedy or error.message if isinstance(error, StudioError) else words(error)
    if body == title:
        title = "This did not work"
    return gr.Error(html.escape(body), duration=SHOWN_SECONDS, title=html.escape(title), print_exception=False)


def guarded(handler: Callable[..., Any]) -> Callable[..., Any]:
    """`handler` with its errors turned into a message. Works for functions and generators; gradio sees the original signature."""
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def stream(*args: Any, **kwargs: Any) -> Any:
            try:
                acting.set(clicked_by())
                with closing(handler(*args, **kwargs)) as steps:
                    for step in steps:
                        yield step
                        acting.set(clicked_by())  # gradio works on each step in a context of its own
            except gr.Error:
                raise
            except Exception as error:
                raise toast(error) from error

        return stream

    @functools.wraps(handler)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            acting.set(clicked_by())
            return handler(*args, **kwargs)
        except gr.Error:
            raise
        except Exception as error:
            raise toast(error) from error

    return call
