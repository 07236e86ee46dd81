"""What the model says and how likely it finds what the corpus says: greedy answers, samples, perplexity. Needs torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer

from studio.starter.batches import held_out_batches
from studio.starter.dialogue import Dialogue, Message

BATCH = 80
LIMIT = 120
TEMPERATURE, TOP_P = 0.8, 0.95


def load(folder: Path) -> tuple[Any, Any]:
    """The model of a folder in float32, and its tokenizer."""
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval(), AutoTokenizer.from_pretrained(folder)


@torch.no_grad()
def _generate(model: Any, tokenizer: Any, prompts: Sequence[Sequence[Message]], limit: int | None, **decoding: Any) -> list[str]:
    """An answer of at most `limit` tokens to each prompt, those of like length in one batch."""
    tokenizer.padding_side = "left"
    texts = [tokenizer.apply_chat_template(list(prompt), tokenize=False, add_generation_prompt=True) for prompt in prompts]
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    found: dict[int, str] = {}
    for start in range(0, len(order), BATCH):
        chosen = order[start : start + BATCH]
        batch = tokenizer([texts[number] for number in chosen], return_tensors="pt", padding=True, add_special_tokens=False)
        batch.pop("token_type_ids", None)
        output = model.generate(**batch, max_new_tokens=limit or LIMIT, **decoding)
        said = tokenizer.batch_decode(output[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
        found.update(zip(chosen, said, strict=True))
    return [found[number] for number in range(len(texts))]


def answers(model: Any, tokenizer: Any, prompts: Sequence[Sequence[Message]], limit: int | None = None) -> list[str]:
    """The greedy answer to each prompt."""
    return _generate(model, tokenizer, prompts, limit, do_sample=False, temperature=None, top_p=None)


def samples(
    model: Any, tokenizer: Any, prompts: Sequence[Sequence[Message]], each: int, seed: int, limit: int | None = None
) -> list[list[str]]:
    """`each` sampled answers to each prompt, the same for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        repeated = [prompt for prompt in prompts for _ in range(each)]
        said = _generate(model, tokenizer, repeated, limit, do_sample=True, temperature=TEMPERATURE, top_p=TOP_P)
    return [said[start : start + each] for start in range(0, len(said), each)]


@torch.no_grad()
def perplexity(model: Any, tokenizer: Any, talks: list[Dialogue]) -> float:
    """The perplexity of what the assistant says."""
    total, count = 0.0, 0
    for batch in held_out_batches(tokenizer, talks):
        logits = model(input_ids=batch.ids).logits[batch.counted].float()
        total += float(functional.cross_entropy(logits, batch.ids.roll(-1, dims=1)[batch.counted], reduction="sum"))
        count += int(batch.counted.sum())
    return math.exp(total / count)
