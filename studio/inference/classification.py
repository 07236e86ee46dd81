"""Label probabilities from a loaded classifier. Only torch code imports this."""

from __future__ import annotations

from typing import Any

import torch

from studio.data.rendering import render
from studio.inference.prompts import context_length

BATCH = 32
NO_LIMIT = 8192


def classify_batch(model: Any, tokenizer: Any, texts: list[str]) -> list[dict[str, float]]:
    """The probability of each label for each text; texts beyond the model's context are cut. The caller has a turn on the device."""
    limit = context_length(model) or NO_LIMIT
    rows = [render(tokenizer, {"text": text, "label": ""}, "labelled", max_length=limit).input_ids for text in texts]
    pad = tokenizer.pad_token_id
    longest = max(len(row) for row in rows)
    ids = torch.tensor([row + [pad] * (longest - len(row)) for row in rows], device=model.device)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=model.device)
    with torch.no_grad():
        probabilities = torch.softmax(model(input_ids=ids, attention_mask=mask).logits.float(), dim=-1).tolist()
    names = {int(index): label for index, label in model.config.id2label.items()}
    return [{names[i]: p for i, p in enumerate(row)} for row in probabilities]
