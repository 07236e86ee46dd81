"""Between two steps: answer questions put to the live model, write sample answers, pause, and let others use the device.

Whatever happens here leaves the training bit for bit as it was. Only torch code imports this.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from jinja2 import TemplateError

from studio.device import lease
from studio.errors import ModelError, StudioError
from studio.inference.live import answer as generate
from studio.inference.live import untouched
from studio.inference.sampling import Sampling
from studio.runs.asks import Answer, Ask, pending, write_answer
from studio.runs.folder import RunFolder

POLL_SECONDS = 0.2
ANSWER_SECONDS = 0.1


class Attendant:
    """Called after every step of `trainer`. `labels` are those of a classifier, `task` is what the model's head is for, `before_steps` is
    called when the training goes on."""

    def __init__(
        self, folder: RunFolder, trainer: Any, tokenizer: Any, labels: list[str], before_steps: Callable[[], None], task: str = "causal"
    ) -> None:
        self.folder, self.trainer, self.tokenizer, self.labels, self.before_steps = folder, trainer, tokenizer, labels, before_steps
        self.task = task

    def __call__(self) -> None:
        """Let people in; returns when the training may go on."""
        self._admit()
        if self.folder.wanted() == "pause" and not self.trainer.control.should_training_stop:
            self._pause()
        self.before_steps()

    def sample(self, prompts: list[dict[str, Any]], longest: int) -> None:
        """Answer the sample prompts (`prompt`: messages, `reference`: the answer in the data) with the weights as they are, likeliest token
        first."""
        sampling = Sampling(temperature=0, max_new_tokens=longest)
        for index, prompt in enumerate(prompts):
            text = generate(self.trainer.model, self.tokenizer, prompt["prompt"], sampling)
            self.folder.append_sample({"step": self._step, "time": time.time(), "index": index, **prompt, "text": text})

    @property
    def _step(self) -> int:
        return int(self.trainer.state.global_step)

    def _admit(self) -> None:
        """Answer what was asked, and give waiting inference its turn."""
        for question in pending(self.folder):
            write_answer(self.folder, question.id, self._answered(question))
        with same_random_state():
            lease.offer()

    def _pause(self) -> None:
        """Wait until people want the run to go on or to stop; what was learned is saved first."""
        if not self.trainer.saved_here():
            self.trainer.save_now()
        self.folder.flush()
        self.folder.log(f"Paused at step {self._step}.")
        self.folder.write_status(state="paused", step=self._step, eta_seconds=None)
        lease.describe(f"paused at step {self._step}")
        tick = threading.Event()
        while self.folder.wanted() == "pause":
            self._admit()
            tick.wait(POLL_SECONDS)
        if self.folder.wanted() == "stop":
            self.trainer.control.should_training_stop = True
            return
        self.folder.log(f"Continued at step {self._step}.")
        self.folder.write_status(state="running")

    def _answered(self, question: Ask) -> Answer:
        try:
            if self.task == "reward":
                raise ModelError("A reward model judges answers and writes none.", "Judge answers with it when the run has ended.")
            if self.labels:
                return Answer(self._classified(question.messages[-1]["content"]), done=True, step=self._step)
            return Answer(self._generated(question), done=True, step=self._step)
        except (StudioError, TemplateError, ValueError, TypeError, LookupError) as error:
            self.folder.log(f"A question to the live model could not be answered: {error}")
            return Answer(done=True, step=self._step, error=str(error))

    def _generated(self, question: Ask) -> str:
        """The answer; it is written to its file as it grows."""
        text, written = "", time.monotonic()

        def grow(piece: str) -> None:
            nonlocal text, written
            text += piece
            if time.monotonic() - written >= ANSWER_SECONDS:
                written = time.monotonic()
                write_answer(self.folder, question.id, Answer(text, step=self._step))

        return generate(self.trainer.model, self.tokenizer, question.messages, Sampling(**question.sampling), grow)

    def _classified(self, text: str) -> str:
        """The labels of a text with their probabilities, likeliest first."""
        model = self.trainer.model
        with untouched(model), torch.no_grad():
            ids = self.tokenizer(text, truncation=True, max_length=512, return_tensors="pt").to(model.device)
            chances = model(input_ids=ids["input_ids"], attention_mask=ids["attention_mask"]).logits[0].float().softmax(-1).tolist()
        ranked = sorted(zip(chances, self.labels, strict=True), reverse=True)
        return ", ".join(f"{label} {chance:.0%}" for chance, label in ranked)


@contextmanager
def same_random_state() -> Iterator[None]:
    """Random states of torch, CUDA, numpy and Python are the same after as before; a few microseconds, so that every step can afford it."""
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    try:
        yield
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])
        if cuda:
            torch.cuda.set_rng_state_all(cuda)
