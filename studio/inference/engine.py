"""The engine: loads models by name and lets them answer, each forward pass inside a turn on the device.

A thin layer over `generation.py`, which works on a model that is already loaded. Torch is imported when the first model is needed.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from studio.device import describe, lease, torch_threads
from studio.errors import ModelError
from studio.inference.cache import CAPACITY, Loaded, ModelCache, free_memory
from studio.inference.outputs import Chunk, Messages, Output
from studio.inference.prompts import context_length, end_tokens, fit
from studio.inference.sampling import Sampling, row_seed
from studio.inference.streaming import Ended, Event, Started, Token, decode, stream
from studio.models.registry import get_model
from studio.workspace import Workspace

if TYPE_CHECKING:
    from studio.inference.generation import Request, Result

PATIENCE = 30.0

__all__ = ["Chunk", "Engine", "Output", "generate_live"]


class Engine:
    """Answers from the models of a workspace. Safe to use from several threads; they take turns on the device, each waiting up to
    `patience` seconds for its turn."""

    def __init__(self, workspace: Workspace, device: str = "auto", capacity: int = CAPACITY, patience: float = PATIENCE) -> None:
        self.workspace = workspace
        self.patience = patience
        self._cache = ModelCache(workspace, device, capacity)

    def loaded(self) -> list[str]:
        """Names of the models in memory, the one unused for longest first."""
        return self._cache.names()

    def unload(self, model_name: str | None = None) -> None:
        """Free one model's memory, or that of all. An answer being written keeps its model until it ends."""
        self._cache.unload(model_name)

    @contextmanager
    def use(self, model_name: str) -> Iterator[Loaded]:
        """A turn on the device with the model loaded; evaluation runs its forward passes in here. Raises `BusyError`, `ModelError`."""
        with lease.turn(model_name, self.patience), torch_threads():
            yield self._cache.get(model_name)

    # -- one answer, streamed

    def chat(self, model_name: str, messages: Messages, sampling: Sampling, stop: threading.Event | None = None) -> Iterator[Chunk]:
        """Stream one answer. Setting `stop`, or closing the iterator, ends it within one token.

        Raises `NotFoundError` at once; `ModelError` and `BusyError` while reading.
        """
        self._generator(model_name)
        drawn = sampling.seeded()
        closed = threading.Event()
        stops = [closed] if stop is None else [closed, stop]

        def work(put: Callable[[Event], None]) -> None:
            self._write(model_name, messages, drawn, stops, put)

        return stream(work, closed, drawn.seed)

    def _write(self, name: str, messages: Messages, sampling: Sampling, stops: list[threading.Event], put: Callable[[Event], None]) -> None:
        with self.use(name) as loaded:
            from studio.inference.generation import Request, failure, generate_batch

            model, tokenizer = loaded.model, loaded.tokenizer
            prompt = fit(tokenizer, messages, sampling.max_new_tokens, context_length(model))
            put(Started(tokenizer, set(end_tokens(model, tokenizer)), prompt.dropped_messages))
            if any(stop.is_set() for stop in stops):
                put(Ended("cancelled", 0.0))
                return
            request = Request(0, 0, prompt, row_seed(_seed(sampling), 0, 0))
            try:
                results = generate_batch(model, tokenizer, [request], sampling, stops, lambda token, s: put(Token(token, s)))
            except RuntimeError as error:
                raise failure(name, error) from error
            put(Ended(results[0].finish_reason, results[0].seconds))

    # -- many answers, batched

    def generate(
        self, model_name: str, prompts: list[Messages], sampling: Sampling, n: int = 1, stop: threading.Event | None = None
    ) -> Iterator[Output]:
        """`n` answers to each prompt, in batches, each yielded as soon as its batch is done; not in the order of the prompts.

        A batch that does not fit into memory is halved. With the same seed the whole call gives the same answers (on one machine and
        batch size bit for bit; otherwise up to rounding). At a temperature of 0 one answer is made and given `n` times. A prompt that is
        too long gives an `Output` with the reason `error`. When `stop` is set the running batch ends within one token and is yielded;
        what had not started is left out. Raises `NotFoundError` at once; `ModelError` and `BusyError` while reading.
        """
        self._generator(model_name)
        return self._generate(model_name, prompts, sampling.seeded(), n, stop or threading.Event())

    def _generate(self, name: str, prompts: list[Messages], sampling: Sampling, n: int, stop: threading.Event) -> Iterator[Output]:
        copies = n if sampling.temperature == 0 else 1
        with self.use(name) as loaded:
            from studio.inference.generation import batch_size, by_length, next_batch, virtual_tokens

            requests, refused = _requests(loaded, prompts, sampling, n // copies)
            size = batch_size(loaded.model, requests[0], describe().free_bytes) if requests else 1
            padded = not virtual_tokens(loaded.model)
            tokenizer, ends = loaded.tokenizer, set(end_tokens(loaded.model, loaded.tokenizer))
        for output in refused:
            yield from _copies(output, n)
        waiting = by_length(requests)
        del loaded
        while waiting and not stop.is_set():
            batch = next_batch(waiting, size, padded)
            results = self._batch(name, batch, sampling, stop)
            if results is None:
                size = len(batch) // 2
                continue
            waiting = waiting[len(batch) :]
            for request, result in zip(batch, results, strict=True):
                text = decode(tokenizer, result.ids, ends)
                output = Output(
                    request.prompt_index, request.sample, text, len(result.ids), result.seconds, result.finish_reason,
                    request.prompt.dropped_messages, sampling.seed,
                )  # fmt: skip
                yield from _copies(output, copies)

    def _batch(self, name: str, batch: list[Request], sampling: Sampling, stop: threading.Event) -> list[Result] | None:
        """The results of one batch, or None when it must be halved because memory did not suffice."""
        with self.use(name) as loaded:
            from studio.inference.generation import failure, generate_batch, out_of_memory

            try:
                return generate_batch(loaded.model, loaded.tokenizer, batch, sampling, [stop])
            except RuntimeError as error:
                if not out_of_memory(error) or len(batch) == 1:
                    raise failure(name, error) from error
        free_memory()
        return None

    def next_token_hash(self, model_name: str, messages: Messages) -> str:
        """SHA-256 of the model's next-token logits after `messages`, equal for two models only when they are alike to the last bit.

        Raises `NotFoundError`, `ModelError`, `BusyError`.
        """
        self._generator(model_name)
        with self.use(model_name) as loaded:
            from studio.inference.generation import failure, next_token_logits

            prompt = fit(loaded.tokenizer, messages, 1, context_length(loaded.model))
            try:
                logits = next_token_logits(loaded.model, prompt.ids)
            except RuntimeError as error:
                raise failure(model_name, error) from error
        return hashlib.sha256(logits.numpy().tobytes()).hexdigest()

    # -- labels

    def classify(self, model_name: str, texts: list[str]) -> list[dict[str, float]]:
        """The probability of each label for each text, in the order of `texts`. Raises `ModelError` when the model is no classifier."""
        if get_model(self.workspace, model_name).task != "classifier":
            raise ModelError(f"{model_name} is not a classifier.", "Train one with the method classify, or ask it in a chat.")
        found: list[dict[str, float]] = [{} for _ in texts]
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        from studio.inference.classification import BATCH, classify_batch

        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            with self.use(model_name) as loaded:
                answers = classify_batch(loaded.model, loaded.tokenizer, [texts[i] for i in chosen])
            for index, answer in zip(chosen, answers, strict=True):
                found[index] = answer
        return found

    def score(self, model_name: str, conversations: list[Messages]) -> list[float]:
        """What a reward model gives to the last answer of each conversation; only differences and orders mean something.

        Raises `ModelError` when the model is no reward model, or a conversation does not end with an answer.
        """
        if get_model(self.workspace, model_name).task != "reward":
            raise ModelError(f"{model_name} is not a reward model.", "Train one with the method reward.")
        from studio.inference.scoring import BATCH, score_batch, sequence_ids

        with self.use(model_name) as loaded:
            rows = sequence_ids(loaded.model, loaded.tokenizer, conversations)
        found = [0.0] * len(rows)
        order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            with self.use(model_name) as loaded:
                scores = score_batch(loaded.model, [rows[i] for i in chosen], loaded.tokenizer.pad_token_id)
            for index, score in zip(chosen, scores, strict=True):
                found[index] = score
        return found

    def _generator(self, name: str) -> None:
        info = get_model(self.workspace, name)
        if not info.generates:
            does = "judges answers" if info.task == "reward" else "labels texts"
            raise ModelError(f"{name} is a {info.called}: it {does} and writes none.", "Choose a model that can chat.")


def _requests(loaded: Loaded, prompts: list[Messages], sampling: Sampling, n: int) -> tuple[list[Request], list[Output]]:
    """What can be asked, and an error output for each prompt that cannot."""
    from studio.inference.generation import Request

    requests, refused = [], []
    context = context_length(loaded.model)
    for index, messages in enumerate(prompts):
        try:
            prompt = fit(loaded.tokenizer, messages, sampling.max_new_tokens, context)
        except ModelError as error:
            refused.append(Output(index, 0, "", 0, 0.0, "error", 0, sampling.seed, str(error)))
            continue
        requests += [Request(index, sample, prompt, row_seed(_seed(sampling), index, sample)) for sample in range(n)]
    return requests, refused


def _copies(output: Output, n: int) -> Iterator[Output]:
    return (replace(output, sample=output.sample + extra) for extra in range(n))


def _seed(sampling: Sampling) -> int:
    """The seed of settings that went through `Sampling.seeded`."""
    if sampling.seed is None:
        raise ValueError("these settings have no seed")
    return sampling.seed


def generate_live(model: Any, tokenizer: Any, messages: Messages, sampling: Sampling, on_text: Callable[[str], None] | None = None) -> str:
    """Answer with a model that is being trained, between two steps, and leave the training bit for bit as it was.

    The trainer calls this on its own thread. `on_text` gets each new piece of text. Random state of torch, CUDA, numpy and Python, the
    mode of every module and `use_cache` are put back, also after an error.
    """
    from studio.inference.live import answer

    return answer(model, tokenizer, messages, sampling, on_text)
