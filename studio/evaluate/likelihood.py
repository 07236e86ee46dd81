"""How likely a loaded model finds given tokens: the forward passes of evaluation. Only torch code imports this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

MOST_ROWS = 32
LOGIT_BYTES = 512 * 2**20


@dataclass(frozen=True)
class Score:
    """Sums over the trained tokens of one row: log-likelihood in nats, how many of them the model ranks first, and their number."""

    log_likelihood: float
    right: int
    tokens: int


def batches(indices: list[int], lengths: list[int], vocabulary: int) -> list[list[int]]:
    """`indices`, whose rows have these lengths, in batches of similar length, longest first, whose logits stay within a bound."""
    most = max(1, LOGIT_BYTES // (4 * vocabulary))
    found: list[list[int]] = []
    longest = 0
    for length, index in sorted(zip(lengths, indices, strict=True), key=lambda pair: -pair[0]):
        if found and len(found[-1]) < MOST_ROWS and longest * (len(found[-1]) + 1) <= most:
            found[-1].append(index)
        else:
            found.append([index])
            longest = length
    return found


def score_batch(model: Any, tokenizer: Any, rows: list[tuple[list[int], list[bool]]]) -> list[Score]:
    """Score rows of (token ids, which of them count), padded on the right. The first token has nothing before it and never counts.

    The caller has a turn on the device. Raises what torch raises.
    """
    longest = max(len(ids) for ids, _ in rows)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id or 0
    device = model.device
    ids = torch.tensor([row + [pad] * (longest - len(row)) for row, _ in rows], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row, _ in rows], device=device)
    counted = torch.tensor([flags + [False] * (longest - len(flags)) for _, flags in rows], device=device)[:, 1:]
    with torch.no_grad():
        # virtual tokens of prompt tuning stand before the row, so the row's own logits are the last ones
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, -longest:][:, :-1]
        chosen = logits[counted].float()
        targets = ids[:, 1:][counted]
        likelihood = -torch.nn.functional.cross_entropy(chosen, targets, reduction="none").double().cpu()
        right = (chosen.argmax(dim=-1) == targets).cpu()
    scores, start = [], 0
    for tokens in counted.sum(dim=1).tolist():
        part = slice(start, start + tokens)
        scores.append(Score(float(likelihood[part].sum()), int(right[part].sum()), tokens))
        start += tokens
    return scores
