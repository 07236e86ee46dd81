"""Rewards from a loaded reward model, on the very tokens that it was trained on. Only torch code imports this."""

from __future__ import annotations

from typing import Any

import torch

from studio.errors import ModelError
from studio.inference.outputs import Messages
from studio.inference.prompts import context_length
from studio.methods.encoding import RankedEncoder

BATCH = 32
NO_LIMIT = 8192


def sequence_ids(model: Any, tokenizer: Any, conversations: list[Messages]) -> list[list[int]]:
    """The tokens of each conversation up to the end of its last answer; too long ones lose the beginning of their prompt. Raises
    `ModelError` for a conversation that does not end with an answer, or whose answer alone is too long."""
    rows = []
    for messages in conversations:
        if len(messages) < 2 or messages[-1]["role"] != "assistant":
            raise ModelError("There is no answer to judge.", "End the conversation with an answer.")
        rows.append({"prompt": messages[:-1], "completion": [messages[-1]], "score": 0.0})
    limit = context_length(model) or NO_LIMIT
    found: list[list[int]] = []
    for encoded in RankedEncoder().encode(tokenizer, rows, "rating", []):
        if encoded.shape.fit(limit) is None:
            raise ModelError("An answer is empty or longer than the reward model can read.", "Leave it out, or shorten it.")
        found.append(encoded.columns(limit)["sequences"][0])
    return found


def score_batch(model: Any, rows: list[list[int]], pad: int) -> list[float]:
    """The reward of each row of token ids. The caller has a turn on the device."""
    longest = max(len(row) for row in rows)
    ids = torch.tensor([row + [pad] * (longest - len(row)) for row in rows], device=model.device)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=model.device)
    with torch.no_grad():
        return model(input_ids=ids, attention_mask=mask).logits[:, 0].float().tolist()
