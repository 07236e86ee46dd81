"""From messages to token ids: what a model sees, what is left out when the context is full, and which tokens end an answer. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError

from studio.data.rendering import prompt_ids
from studio.errors import DataError, ModelError
from studio.inference.outputs import Messages

LEAST_ROOM = 16
MARK = "luthier"


@dataclass(frozen=True)
class Prompt:
    """A prompt ready for the model: its tokens, how many new ones still fit, and how many old messages were left out."""

    ids: list[int]
    max_new_tokens: int
    dropped_messages: int


def context_length(model: Any) -> int | None:
    """How many tokens the model can read and write in all, or None when its config does not say; virtual tokens are taken off."""
    config = model.config.get_text_config()
    length = getattr(config, "max_position_embeddings", None)
    if not length or length <= 0:
        return None
    peft = getattr(model, "active_peft_config", None)
    return int(length) - int(getattr(peft, "num_virtual_tokens", None) or 0)


def encode(tokenizer: Any, messages: Messages) -> list[int]:
    """The token ids of `messages` with the opening of an answer, as training shows them. Raises `ModelError` when the template refuses."""
    try:
        return prompt_ids(tokenizer, messages)
    except DataError as error:
        raise ModelError(error.message, error.remedy) from error


def fit(tokenizer: Any, messages: Messages, max_new_tokens: int, context: int | None) -> Prompt:
    """Encode `messages` so that prompt and answer fit into `context` tokens.

    The system message and the newest turns stay, the oldest turns go. Room is kept for the whole answer, at most a quarter of the context.
    Raises `ModelError` when the last message alone leaves no room for an answer.
    """
    if not messages:
        raise ModelError("There is no message to answer.", "Write a message first.")
    ids = encode(tokenizer, messages)
    if context is None:
        return Prompt(ids, max_new_tokens, 0)
    kept, dropped = list(messages), 0
    room = min(max_new_tokens, max(LEAST_ROOM, context // 4))
    while len(ids) + room > context and (shorter := _without_oldest_turn(kept)) is not None:
        dropped += len(kept) - len(shorter)
        kept = shorter
        ids = encode(tokenizer, kept)
    left = context - len(ids)
    if left < min(max_new_tokens, LEAST_ROOM):
        raise ModelError(
            f"The last message is too long: with the system message it takes {len(ids):,} tokens, and the model reads and writes "
            f"at most {context:,}.",
            "Shorten the message, or choose a model with a longer context.",
        )
    return Prompt(ids, min(max_new_tokens, left), dropped)


def _without_oldest_turn(messages: Messages) -> Messages | None:
    """`messages` without the oldest question and all up to the next one, or None when only the last question is left."""
    system = [m for m in messages[:1] if m["role"] == "system"]
    turns = messages[len(system) :]
    for index in range(1, len(turns)):
        if turns[index]["role"] == "user":
            return system + turns[index:]
    return None


def end_tokens(model: Any, tokenizer: Any) -> list[int]:
    """Every token that ends an answer: of the generation config, the tokenizer, and the chat template's end of turn."""
    found: set[int] = set()
    for declared in (getattr(model.generation_config, "eos_token_id", None), tokenizer.eos_token_id, _end_of_turn(tokenizer)):
        if declared is not None:
            found.update(declared if isinstance(declared, list) else [declared])
    return sorted(found)


def _end_of_turn(tokenizer: Any) -> int | None:
    """The special token that the chat template writes right behind an answer, if there is one."""
    messages = [{"role": "user", "content": MARK}, {"role": "assistant", "content": MARK}]
    try:
        text = tokenizer.apply_chat_template(messages, tokenize=False)
    except (TemplateError, ValueError):  # a template that refuses this conversation, or no template: it declares no end of turn
        return None
    behind = text.rpartition(MARK)[2]
    ids = tokenizer.encode(behind, add_special_tokens=False)
    return ids[0] if ids and ids[0] in tokenizer.added_tokens_decoder else None
