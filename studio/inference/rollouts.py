"""Answers that a policy draws while it learns, in batches, each with a seed of its own. Only torch code imports this."""

from __future__ import annotations

from typing import Any

from studio.inference.generation import Request, generate_batch, out_of_memory
from studio.inference.live import untouched
from studio.inference.prompts import Prompt, end_tokens
from studio.inference.sampling import Sampling
from studio.inference.streaming import decode
from studio.methods.base import Rolled


def roll_out(
    model: Any, tokenizer: Any, prompts: list[list[int]], seeds: list[int], temperature: float, max_new_tokens: int
) -> list[Rolled]:
    """One answer to each prompt (token ids), drawn with its seed; at a temperature of 0 the likeliest. Leaves the random state as it was.

    A batch that does not fit into memory is halved.
    """
    sampling = Sampling(temperature=temperature, top_p=1.0, max_new_tokens=max_new_tokens, seed=0)
    ends = set(end_tokens(model, tokenizer))
    requests = [Request(i, 0, Prompt(ids, max_new_tokens, 0), seed) for i, (ids, seed) in enumerate(zip(prompts, seeds, strict=True))]
    found: list[Rolled] = []
    size = len(requests)
    with untouched(model):
        while len(found) < len(requests):
            batch = requests[len(found) : len(found) + size]
            try:
                results = generate_batch(model, tokenizer, batch, sampling)
            except RuntimeError as error:
                if not out_of_memory(error) or size == 1:
                    raise
                size = max(1, size // 2)
                continue
            found += [Rolled(result.ids, decode(tokenizer, result.ids, ends), result.finish_reason == "stop") for result in results]
    return found
