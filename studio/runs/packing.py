"""How rows become sequences: how many packed ones, and what packing saves. Pure arithmetic on lengths in tokens.

The packing itself is TRL's ("bfd": best fit, longest first, within each thousand rows); the count here is the same algorithm without the
tokens, and a test holds the two together.
"""

from __future__ import annotations

import random
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence

PACKED_TOGETHER = 1000
"""Rows that `Dataset.map` hands to TRL's packing at a time."""

ISOLATING = frozenset({
    "ApertusForCausalLM", "ArceeForCausalLM", "CohereForCausalLM", "Cohere2ForCausalLM", "Ernie4_5ForCausalLM", "Exaone4ForCausalLM",
    "GPT2LMHeadModel", "GPTBigCodeForCausalLM", "GPTJForCausalLM", "GPTNeoForCausalLM", "GPTNeoXForCausalLM", "GemmaForCausalLM",
    "Gemma2ForCausalLM", "Gemma3ForCausalLM", "GlmForCausalLM", "Glm4ForCausalLM", "GraniteForCausalLM", "LlamaForCausalLM",
    "MistralForCausalLM", "MixtralForCausalLM", "NemotronForCausalLM", "OlmoForCausalLM", "Olmo2ForCausalLM", "Olmo3ForCausalLM",
    "PersimmonForCausalLM", "PhiForCausalLM", "Phi3ForCausalLM", "Qwen2ForCausalLM", "Qwen2MoeForCausalLM", "Qwen3ForCausalLM",
    "Qwen3MoeForCausalLM", "SeedOssForCausalLM", "SmolLM3ForCausalLM", "StableLmForCausalLM", "Starcoder2ForCausalLM",
})  # fmt: skip
"""Architectures measured to keep the documents of a packed sequence apart: logits equal those of separate rows to 2e-7. Measured not to
(2e-3 to 0.6 apart): Falcon, Bloom, OPT, MPT, XGLM, GptOss, Qwen3Next, Mamba, RecurrentGemma."""


def packed_sequences(lengths: Sequence[int], sequence_length: int) -> int:
    """The number of sequences that packing makes of rows of these lengths, in this order; empty rows vanish."""
    return sum(_fit(lengths[start : start + PACKED_TOGETHER], sequence_length) for start in range(0, len(lengths), PACKED_TOGETHER))


def _fit(lengths: Sequence[int], sequence_length: int) -> int:
    """Best fit decreasing: each row goes where it leaves the least space, or opens a new sequence."""
    spaces: list[int] = []
    sequences = 0
    for length in sorted((min(length, sequence_length) for length in lengths if length > 0), reverse=True):
        place = bisect_left(spaces, length)
        if place < len(spaces):
            space = spaces.pop(place)
        else:
            space = sequence_length
            sequences += 1
        if space > length:
            insort(spaces, space - length)
    return sequences


def batches(lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
    """Random batches of rows, as an epoch draws them."""
    shuffled = random.Random(0).sample(lengths, len(lengths))
    for start in range(0, len(shuffled), batch_size):
        yield shuffled[start : start + batch_size]


def padded_cost(lengths: Sequence[int], batch_size: int, hidden: int) -> float:
    """The cost of an epoch in padded batches: see `cost`."""
    return sum(cost(max(batch) * len(batch), max(batch), hidden) for batch in batches(lengths, batch_size))


def packed_cost(tokens: int, flat_length: int, hidden: int) -> float:
    """The cost of an epoch in packed batches, each flattened to `flat_length` tokens without padding: see `cost`."""
    return cost(tokens, flat_length, hidden)


def cost(tokens: int, length: int, hidden: int) -> float:
    """The cost of `tokens` in rows of `length`, in tokens of a model without attention.

    A layer does about 24 hidden^2 operations a token in its matrices and 4 * length * hidden in attention, masked or not (Kaplan et al.
    2020, https://arxiv.org/abs/2001.08361, table 1).
    """
    return tokens * (1 + length / (6 * max(hidden, 1)))
