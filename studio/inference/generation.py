"""Generation on a loaded model: the forward passes, with drawing that is seeded output by output. Only torch code imports this.

Drawing uses one uniform number a step for each output, made in advance from the output's own seed. So the global random state is never
touched (a training run beside it stays what it was), and an output does not depend on which others share its batch.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList
from transformers.cache_utils import DynamicLayer

from studio.errors import ModelError
from studio.inference.outputs import FinishReason
from studio.inference.prompts import Prompt, end_tokens
from studio.inference.sampling import Sampling

CPU_BATCH = 32
CUDA_BATCH = 128
MEMORY_SHARE = 0.4
SMALLEST_PAUSED = 4


@dataclass(frozen=True)
class Request:
    """One output to make: for prompt number `prompt_index`, its answer number `sample`, drawn with `seed`."""

    prompt_index: int
    sample: int
    prompt: Prompt
    seed: int


@dataclass(frozen=True)
class Result:
    """The new token ids of one output, its end token included, and the seconds from the batch's start to its last token."""

    ids: list[int]
    seconds: float
    finish_reason: FinishReason


class SeededDraw(LogitsProcessor):
    """Temperature, top k and top p, then a draw by inverse CDF: leaves only the drawn token possible, so that greedy search takes it."""

    def __init__(self, seeds: list[int], sampling: Sampling, prompt_length: int, steps: int, device: torch.device) -> None:
        rows = [torch.rand(steps, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        self.numbers = torch.stack(rows).to(device)
        self.sampling = sampling
        self.prompt_length = prompt_length

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        step = min(input_ids.shape[1] - self.prompt_length, self.numbers.shape[1] - 1)
        if self.sampling.top_k:
            values, tokens = scores.topk(min(self.sampling.top_k, scores.shape[-1]), dim=-1)
        else:
            values, tokens = scores.sort(dim=-1, descending=True)
        probabilities = torch.softmax(values.float() / self.sampling.temperature, dim=-1)
        cumulative = probabilities.cumsum(dim=-1)
        kept = ((cumulative - probabilities) < self.sampling.top_p).sum(dim=-1, keepdim=True).clamp(min=1)
        mass = cumulative.gather(-1, kept - 1)
        drawn = torch.searchsorted(cumulative, self.numbers[:, step : step + 1] * mass, right=True)
        token = tokens.gather(-1, torch.minimum(drawn, kept - 1))
        return torch.full_like(scores, float("-inf")).scatter_(-1, token, 0.0)


class Watch(StoppingCriteria):
    """Sees every new token: reports it, notes when each output ended, and stops them all within one token of a cancellation.

    It also pauses a batch in which half of the outputs have ended; `left` are then the places in the batch of those that go on.
    """

    def __init__(
        self, ends: list[int], rows: int, last: int, stops: list[threading.Event], on_token: Callable[[int, float], None] | None
    ) -> None:
        self.ends = set(ends)
        self.rows = list(range(rows))
        self.last = last
        self.stops = stops
        self.on_token = on_token
        self.pauses = True
        self.started = time.perf_counter()
        self.ended: dict[int, float] = {}
        self.left: list[int] = []
        self.cancelled = False

    def __call__(self, input_ids: torch.LongTensor, scores: Any, **_: Any) -> torch.BoolTensor:
        tokens = input_ids[:, -1].tolist()
        seconds = time.perf_counter() - self.started
        for row, token in zip(self.rows, tokens, strict=True):
            if token in self.ends:
                self.ended.setdefault(row, seconds)
        if self.on_token is not None:
            self.on_token(tokens[0], seconds)
        self.cancelled = any(stop.is_set() for stop in self.stops)
        going_on = [place for place, row in enumerate(self.rows) if row not in self.ended]
        pause = self.pauses and not self.cancelled and input_ids.shape[1] < self.last
        self.left = going_on if pause and len(self.rows) >= SMALLEST_PAUSED and 2 * len(going_on) <= len(self.rows) else []
        return torch.full((len(tokens),), self.cancelled or bool(self.left), dtype=torch.bool, device=input_ids.device)

    def keep(self) -> None:
        """Go on with the outputs that are `left`."""
        self.rows = [self.rows[place] for place in self.left]


def generate_batch(
    model: Any,
    tokenizer: Any,
    requests: list[Request],
    sampling: Sampling,
    stops: list[threading.Event] | None = None,
    on_token: Callable[[int, float], None] | None = None,
) -> list[Result]:
    """Answer `requests`, which share one `max_new_tokens`, in one left-padded batch; the caller has a turn on the device.

    When half of the outputs have ended, the others go on in a smaller batch with what is cached for them. `on_token` gets each new token id
    of the first request and the seconds since the start. Raises what torch raises, also when memory is used up.
    """
    ids, mask = pad_left([r.prompt.ids for r in requests], _pad_token(tokenizer), model.device)
    start, last = ids.shape[1], ids.shape[1] + requests[0].prompt.max_new_tokens
    ends = end_tokens(model, tokenizer)
    watch = Watch(ends, len(requests), last, stops or [], on_token)
    draw = SeededDraw([r.seed for r in requests], sampling, start, last - start, model.device) if sampling.temperature > 0 else None
    settings: dict[str, Any] = {
        "do_sample": False,
        "num_beams": 1,
        "use_cache": True,
        "repetition_penalty": sampling.repetition_penalty,
        "eos_token_id": ends or None,
        "pad_token_id": _pad_token(tokenizer),
        "logits_processor": LogitsProcessorList([draw] if draw else []),
        "stopping_criteria": StoppingCriteriaList([watch]),
        "return_dict_in_generate": True,
    }
    written: dict[int, list[int]] = {}
    while True:
        with torch.no_grad():
            answer = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=last - ids.shape[1], **settings)
        written |= dict(zip(watch.rows, answer.sequences[:, start:].tolist(), strict=True))
        if not watch.left:
            break
        ids = answer.sequences[watch.left]
        mask = torch.cat([mask[watch.left], mask.new_ones(len(ids), ids.shape[1] - mask.shape[1])], dim=1)
        settings |= _kept_cache(model, answer, watch)
        if draw:
            draw.numbers = draw.numbers[watch.left]
        watch.keep()
    seconds = time.perf_counter() - watch.started
    return [_result(written[row], set(ends), watch.ended.get(row, seconds), watch.cancelled) for row in range(len(requests))]


def _kept_cache(model: Any, answer: Any, watch: Watch) -> dict[str, Any]:
    """The cache of the outputs that go on. Where it cannot be divided, nothing, and the batch is not paused again."""
    cache = getattr(answer, "past_key_values", None)
    if virtual_tokens(model) or cache is None or not all(isinstance(layer, DynamicLayer) for layer in getattr(cache, "layers", [None])):
        watch.pauses = False
        return {}
    cache.batch_select_indices(torch.tensor(watch.left, device=model.device))
    return {"past_key_values": cache}


def _result(ids: list[int], ends: set[int], seconds: float, cancelled: bool) -> Result:
    for index, token in enumerate(ids):
        if token in ends:
            return Result(ids[: index + 1], seconds, "stop")
    return Result(ids, seconds, "cancelled" if cancelled else "length")


def next_token_logits(model: Any, ids: list[int]) -> torch.Tensor:
    """The logits of the token that follows `ids`, as float32 on the CPU (vocabulary,). The caller has a turn on the device."""
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids], device=model.device)).logits[0, -1].float().cpu()


def pad_left(rows: list[list[int]], pad: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids (rows, longest) padded on the left, and their attention mask."""
    longest = max(len(row) for row in rows)
    ids = torch.tensor([[pad] * (longest - len(row)) + row for row in rows], device=device)
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows], device=device)
    return ids, mask


def _pad_token(tokenizer: Any) -> int:
    for token in (tokenizer.pad_token_id, tokenizer.eos_token_id):
        if token is not None:
            return int(token)
    return 0


def next_batch(waiting: list[Request], size: int, padded: bool) -> list[Request]:
    """The first requests that can share a batch: at most `size`, with one limit of new tokens and, unless `padded`, of one length.

    `waiting` is sorted by `by_length`.
    """
    first = waiting[0].prompt
    batch = []
    for request in waiting[:size]:
        if request.prompt.max_new_tokens != first.max_new_tokens or (not padded and len(request.prompt.ids) != len(first.ids)):
            break
        batch.append(request)
    return batch


def virtual_tokens(model: Any) -> bool:
    """Whether learned tokens stand before every prompt (prompt tuning). PEFT then gives padding positions of its own, so that padded
    prompts would be answered differently."""
    return bool(getattr(getattr(model, "active_peft_config", None), "is_prompt_learning", False))


def by_length(requests: list[Request]) -> list[Request]:
    """Longest prompt first, so that batches pad little and the batch that needs most memory comes first."""
    return sorted(requests, key=lambda r: (-len(r.prompt.ids), r.prompt_index, r.sample))


def batch_size(model: Any, longest: Request, free_bytes: int) -> int:
    """How many outputs to make at once so that their key-value cache takes at most a share of the free memory."""
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    length = len(longest.prompt.ids) + longest.prompt.max_new_tokens
    one = 2 * config.num_hidden_layers * heads * width * model.dtype.itemsize * length + 8 * config.vocab_size * 4
    most = CUDA_BATCH if model.device.type == "cuda" else CPU_BATCH
    return max(1, min(most, int(free_bytes * MEMORY_SHARE / one)))


def out_of_memory(error: RuntimeError) -> bool:
    """Whether torch raised `error` because the device's memory is used up."""
    return isinstance(error, torch.OutOfMemoryError) or "not enough memory" in str(error)


def failure(name: str, error: RuntimeError) -> ModelError:
    """What torch raised while a model answered, as words for a person."""
    if out_of_memory(error):
        return ModelError(
            f"There is not enough memory for {name} to answer.", "Ask for shorter answers, shorten the prompt, or unload other models."
        )
    return ModelError(f"{name} failed while answering: {error}.", "Try another model; if it was just trained, look at its run's log.")
