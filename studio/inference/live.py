"""Answers from a model in training, between two steps, without a trace in the training. Only torch code imports this."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from studio.inference.generation import Request, failure, generate_batch
from studio.inference.outputs import Messages
from studio.inference.prompts import context_length, end_tokens, fit
from studio.inference.sampling import Sampling, row_seed
from studio.inference.streaming import TextPieces, decode


@contextmanager
def untouched(model: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode and key-value cache inside; afterwards modes, `use_cache` and all random states are as they were."""
    modes = [(module, module.training) for module in model.modules()]
    config = getattr(model, "config", None)
    use_cache = getattr(config, "use_cache", None)
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    model.eval()
    if config is not None and use_cache is not None:
        config.use_cache = True
    try:
        yield
    finally:
        if config is not None and use_cache is not None:
            config.use_cache = use_cache
        for module, training in modes:
            module.training = training
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])
        if cuda:
            torch.cuda.set_rng_state_all(cuda)


def answer(model: Any, tokenizer: Any, messages: Messages, sampling: Sampling, on_text: Callable[[str], None] | None = None) -> str:
    """The whole answer; see `engine.generate_live`. Raises `ModelError`."""
    sampling = sampling.seeded()
    ends = set(end_tokens(model, tokenizer))
    pieces = TextPieces(tokenizer, ends)

    def give(text: str) -> None:
        if text and on_text is not None:
            on_text(text)

    with untouched(model):
        prompt = fit(tokenizer, messages, sampling.max_new_tokens, context_length(model))
        request = Request(0, 0, prompt, row_seed(sampling.seed or 0, 0, 0))
        try:
            results = generate_batch(model, tokenizer, [request], sampling, None, lambda token, _: give(pieces.add([token])))
        except RuntimeError as error:
            raise failure("The model", error) from error
    give(pieces.piece(final=True))
    return decode(tokenizer, results[0].ids, ends)
