"""A conversation as it is held: messages with copy, edit and retry, each answer with its tokens, its speed and what was said of it.

Gradio's Chatbot renders markup, loads remote images and drops tags, so what a person reads, copies or edits there is not what the model
wrote. This component shows the exact text. It triggers `edit` and `improve` with `index` and `text`, `rate` with `index` and `what`, and
`retry`. To add an action on a message, add a button to `_actions` with a `data-act`; what the page does by itself stands in
`assets/js/transcript.js`, everything else arrives as `rate`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr

from app import html
from app.theme import script

THUMBS = (
    '<svg{turn} viewBox="0 0 20 20" width="16" height="16" aria-hidden="true">'
    '<path d="M2.5 9h3v8h-3zM7.5 9l3.2-6.4c1.4 0 2.2 1 2.2 2.3L12.4 8h4.1c1 0 1.7.9 1.4 1.9l-1.7 5.8c-.2.8-.8 1.3-1.6 1.3H7.5z"/></svg>'
)
"""A thumb; `turned` stands on its head."""
PREFERENCES: tuple[tuple[str, str, str, Callable[[int], bool]], ...] = (
    ("better", "Better", "Better than the answer beside it", lambda strength: strength > 0),
    ("same", "Same", "As good as the answer beside it", lambda strength: strength == 0),
    ("worse", "Worse", "Worse than the answer beside it", lambda strength: strength < 0),
)
FINISHED = {"stop": "", "length": "cut at the length limit", "cancelled": "stopped by you"}


class Transcript(gr.HTML):
    """A conversation from `transcript(...)`; listen with `.edit`, `.improve`, `.rate` and `.retry`, whose handlers take `gr.EventData`."""

    def __init__(self, value: str = "", **options: Any) -> None:
        super().__init__(value, js_on_load=script("transcript.js"), apply_default_css=False, **options)

    def get_block_name(self) -> str:
        return "html"


def figures(message: Mapping[str, Any]) -> str:
    """`41 tokens, 0.4 s, 98 tokens/s` of an answer, in words."""
    if message.get("tokens") is None or message.get("original"):
        return ""
    tokens, seconds = int(message["tokens"]), float(message.get("seconds") or 0)
    words = [html.plural(tokens, "token"), f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.2f} s"]
    if seconds > 0:
        words.append(f"{tokens / seconds:.0f} tokens/s")
    if message.get("finish_reason") and FINISHED.get(message["finish_reason"], message["finish_reason"]):
        words.append(FINISHED.get(message["finish_reason"], message["finish_reason"]))
    return ", ".join(words)


def _button(act: str, label: str, pressed: bool | None = None, title: str = "", name: str = "") -> str:
    """A button of a message; `label` is HTML made here, `name` what a screen reader says where that is a drawing."""
    state = "" if pressed is None else f' aria-pressed="{str(pressed).lower()}"'
    told = "".join(f' {key}="{html.esc(value)}"' for key, value in (("title", title), ("aria-label", name)) if value)
    return f'<button type="button" class="act" data-act="{act}"{state}{told}>{label}</button>'


def _actions(message: Mapping[str, Any], last: bool) -> str:
    names = [] if message.get("probabilities") else [("copy", "Copy"), ("edit", "Edit")]
    if last and message["role"] == "assistant":
        names.append(("retry", "Ask again"))
    return "".join(_button(act, word) for act, word in names)


def _judged(given: Mapping[str, Any], strength: int | None, pair: bool) -> str:
    """The buttons that judge an answer, pressed as it was judged; `strength` is how it stands against the other model's, if it can."""
    if given["improved"]:
        back = _button("original", "Take it back", title="The text of the model comes back")
        return f'<span class="rate"><span class="muted">Your text, kept as better than the model&#39;s</span>{back}</span>'
    marks = "".join(
        _button(act, THUMBS.format(turn=turn), given["acceptable"] is wanted, f"{name}; press again to take it back", name)
        for act, wanted, name, turn in (("up", True, "Good answer", ""), ("down", False, "Bad answer", ' class="turned"'))
    )
    if pair:
        marks += "".join(_button(act, word, strength is not None and same(strength), title) for act, word, title, same in PREFERENCES)
    against = "" if pair else "".join(f'<span class="muted">{html.esc(_against(*each))}</span>' for each in given["against"])
    return f'<span class="rate" role="group" aria-label="Your judgement">{marks}{against}</span>'


def _against(model: str, strength: int) -> str:
    return f"{'same as' if strength == 0 else 'better than' if strength > 0 else 'worse than'} {model}"


def _note(note: Mapping[str, Any]) -> str:
    """Where the judgement went that was just given, and its undo."""
    project = _button("label", "Chat", title="See it in the tab Label")
    return f'<div class="noted" role="status">{html.esc(note["words"])} {project}{_button("undo", "Undo")}</div>'


def transcript(
    items: Sequence[Mapping[str, Any]],
    name: str,
    live: bool = False,
    welcome: str = "",
    pair: Mapping[str, Any] | None = None,
    note: Mapping[str, Any] | None = None,
) -> str:
    """The messages as HTML; `live` while an answer is being written, `welcome` is what stands there before the first.

    `pair` says that the last answer can be compared with the one beside it, and its `strength` against that; `note` (`index`, `words`) is
    what was judged last.
    """
    if not items:
        return f'<div class="transcript">{html.empty_state("New conversation", welcome)}</div>'
    blocks = []
    for i, message in enumerate(items):
        last = i == len(items) - 1
        who = html.ROLE_WORDS.get(message["role"], message["role"])
        who = str(message.get("model") or name) if message["role"] == "assistant" else who
        waiting = live and last and message["role"] == "assistant"
        foot = "" if waiting else _actions(message, last)
        given = None if waiting else message.get("given")
        if given:
            foot += _judged(given, pair["strength"] if pair and last else None, bool(pair) and last)
        foot = f'<div class="foot"><span class="muted number">{html.esc(figures(message))}</span>{foot}</div>'
        foot += _note(note) if given and note and note["index"] == i else ""
        improvable = ' data-improvable="true"' if given else ""
        blocks.append(
            f'<div class="message {html.esc(message["role"])}" data-index="{i}"{improvable}>'
            f'<div class="role clip">{html.esc(who)}</div>{_body(message, waiting)}{foot}</div>'
        )
    return f'<div class="transcript" data-live="{str(live).lower()}" role="log" aria-label="Conversation">{"".join(blocks)}</div>'


def _body(message: Mapping[str, Any], waiting: bool) -> str:
    content = str(message.get("content") or "")
    if message.get("probabilities"):
        return html.bars(message["probabilities"])
    if waiting and not content:
        return '<div class="verbatim muted waiting">writing</div>'
    return html.text_block(content)
