"""The chat template and the special tokens of the embedded model.

The markers hold control pictures (U+2400, U+2402, U+2403), which nobody types and which documents about chat formats do not
hold, so text such as `<|im_end|>` in a message stays ordinary text. The template marks what the assistant says, its end of
turn included, with `{% generation %}`, so that a trainer can compute the loss on the assistant alone.
"""

from __future__ import annotations

START = "<|\u2402im_start|>"
END = "<|\u2403im_end|>"
PAD = "<|\u2400pad|>"
SPECIAL_TOKENS = (PAD, START, END)

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '" + START + "' + message['role'] + '\\n' -}}"
    "{%- if message['role'] == 'assistant' -%}"
    "{%- generation -%}{{- message['content'] + '" + END + "' -}}{%- endgeneration -%}"
    "{%- else -%}"
    "{{- message['content'] + '" + END + "' -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '" + START + "assistant\\n' -}}{%- endif -%}"
)


def pieces(messages: tuple[dict[str, str], ...] | list[dict[str, str]]) -> list[tuple[str, bool]]:
    """The rendered conversation in pieces, each with whether the assistant says it; joined it equals the template's text."""
    parts: list[tuple[str, bool]] = []
    for message in messages:
        parts.append((f"{START}{message['role']}\n", False))
        parts.append((message["content"] + END, message["role"] == "assistant"))
    return parts
