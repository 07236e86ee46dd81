"""A conversation as it is held: messages with copy, edit and retry, each answer with its tokens and its speed.

Gradio's Chatbot renders markup, loads remote images and drops tags, so what a person reads, copies or edits there is not what the model
wrote. This component shows the exact text. It triggers `edit` with `index` and `text`, and `retry`. To add an action
on a message, add a button to `_actions` with a `data-act` and a branch to the script.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from app import html

SCRIPT = """
const done = (button, word) => {
  const was = button.textContent;
  button.textContent = word;
  setTimeout(() => { button.textContent = was; }, 1500);
};
const copyText = async (text) => {
  if (navigator.clipboard && window.isSecureContext) { await navigator.clipboard.writeText(text); return; }
  const area = document.createElement('textarea');
  area.value = text; document.body.appendChild(area); area.select(); document.execCommand('copy'); area.remove();
};
const textOf = (message) => {
  const block = message.querySelector('.verbatim');
  return block.classList.contains('muted') ? '' : block.textContent;
};
const openEditor = (message) => {
  if (message.querySelector('.editor')) return;
  const block = message.querySelector('.verbatim');
  const editor = document.createElement('div');
  editor.className = 'editor';
  const area = document.createElement('textarea');
  area.value = textOf(message); area.rows = Math.min(12, area.value.split('\\n').length + 2);
  area.setAttribute('aria-label', 'Message text');
  const save = document.createElement('button');
  save.type = 'button'; save.className = 'act save'; save.textContent = message.classList.contains('user') ? 'Save and ask again' : 'Save';
  const cancel = document.createElement('button');
  cancel.type = 'button'; cancel.className = 'act'; cancel.textContent = 'Cancel';
  const close = () => { editor.remove(); block.style.display = ''; };
  save.onclick = () => { const text = area.value; close(); trigger('edit', {index: Number(message.dataset.index), text}); };
  cancel.onclick = close;
  area.onkeydown = (event) => {
    event.stopPropagation();
    if (event.key === 'Escape') close();
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) save.click();
  };
  editor.append(area, save, cancel);
  message.append(editor);
  block.style.display = 'none';
  area.focus();
};
element.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-act]');
  if (!button || !element.contains(button)) return;
  const message = button.closest('.message');
  if (button.dataset.act === 'copy') { await copyText(textOf(message)); done(button, 'Copied'); }
  if (button.dataset.act === 'edit') openEditor(message);
  if (button.dataset.act === 'retry') trigger('retry', {});
});
watch('value', () => {
  const box = element.querySelector('.transcript');
  if (box && box.dataset.live === 'true') box.scrollTop = box.scrollHeight;
});
"""
FINISHED = {"stop": "", "length": "cut at the length limit", "cancelled": "stopped by you"}


class Transcript(gr.HTML):
    """A conversation from `transcript(...)`; listen with `.edit(handler)` and `.retry(handler)`, which take `gr.EventData`."""

    def __init__(self, value: str = "", **options: Any) -> None:
        super().__init__(value, js_on_load=SCRIPT, apply_default_css=False, **options)

    def get_block_name(self) -> str:
        return "html"


def figures(message: Mapping[str, Any]) -> str:
    """`41 tokens, 0.4 s, 98 tokens/s` of an answer, in words."""
    if message.get("tokens") is None:
        return ""
    tokens, seconds = int(message["tokens"]), float(message.get("seconds") or 0)
    words = [html.plural(tokens, "token"), f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.2f} s"]
    if seconds > 0:
        words.append(f"{tokens / seconds:.0f} tokens/s")
    if message.get("finish_reason") and FINISHED.get(message["finish_reason"], message["finish_reason"]):
        words.append(FINISHED.get(message["finish_reason"], message["finish_reason"]))
    return ", ".join(words)


def _actions(message: Mapping[str, Any], last: bool) -> str:
    names = [] if message.get("probabilities") else [("copy", "Copy"), ("edit", "Edit")]
    if last and message["role"] == "assistant":
        names.append(("retry", "Ask again"))
    return "".join(f'<button type="button" class="act" data-act="{act}">{word}</button>' for act, word in names)


def transcript(items: Sequence[Mapping[str, Any]], name: str, live: bool = False, welcome: str = "") -> str:
    """The messages as HTML; `live` while an answer is being written, `welcome` is what stands there before the first."""
    if not items:
        return f'<div class="transcript">{html.empty_state("New conversation", welcome)}</div>'
    blocks = []
    for i, message in enumerate(items):
        last = i == len(items) - 1
        who = html.ROLE_WORDS.get(message["role"], message["role"])
        who = str(message.get("model") or name) if message["role"] == "assistant" else who
        content = str(message.get("content") or "")
        waiting = live and last and message["role"] == "assistant"
        if message.get("probabilities"):
            body = html.bars(message["probabilities"])
        elif waiting and not content:
            body = '<div class="verbatim muted waiting">writing</div>'
        else:
            body = html.text_block(content)
        foot = "" if waiting else _actions(message, last)
        quiet = f'<span class="muted number">{html.esc(figures(message))}</span>'
        blocks.append(
            f'<div class="message {html.esc(message["role"])}" data-index="{i}"><div class="role clip">{html.esc(who)}</div>{body}'
            f'<div class="foot">{quiet}{foot}</div></div>'
        )
    return f'<div class="transcript" data-live="{str(live).lower()}" role="log" aria-label="Conversation">{"".join(blocks)}</div>'
