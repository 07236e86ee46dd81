"""Trains the embedded model from scratch: `python -m studio.starter.train --out DIR [--minutes M | --steps N] [--size small|large]
[--device auto|cpu|cuda] [--seed 7] [--resume]`.

The tokenizer comes first, then the model, on a corpus that is made while training. Muon moves the matrices, AdamW the
embedding and the norms; each of the two batches of a step runs in a thread of its own, on a twin that shares the weights,
which keeps two busy cores going without a wait at every operation. The rate warms up and falls along a cosine over the
steps, or over the minutes. `DIR/checkpoint.pt` holds all that `--resume` needs; the Hugging Face folder beside it is fresh at
each save and can be used at any time. With `--steps` and OMP_NUM_THREADS=1 the result is a function of the seed alone.
On a GPU a step takes larger batches one after the other, and other processes write the dialogues ahead; `--size large` is meant for it.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch.nn import functional
from transformers import AutoTokenizer, LlamaForCausalLM, PreTrainedTokenizerFast

from studio.errors import StudioError
from studio.starter.batches import Batch, held_out_batches, training_batches
from studio.starter.corpus import dialogue
from studio.starter.model import SIZES, Shape, build, save
from studio.starter.slots import Split
from studio.starter.tokenizer import texts, train_tokenizer

MICRO_BATCHES = 2
MICRO_TOKENS = {"cpu": 2048, "cuda": 16_384}
MUON_RATE, ADAM_RATE = 0.02, 3e-3
TOKENIZER_DIALOGUES = 12_000


class StarterError(StudioError):
    """Training of the embedded model cannot start as asked."""


@dataclass
class Settings:
    """One training: where to, for how long, from which seed, of which size."""

    out: Path
    minutes: float | None = None
    steps: int | None = None
    seed: int = 7
    save_seconds: float = 120.0
    report_steps: int = 50
    held_out: int = 120
    tokenizer_dialogues: int = TOKENIZER_DIALOGUES
    shape: Shape = field(default_factory=Shape)
    device: str = "auto"

    @property
    def kind(self) -> str:
        """Where the training runs: `cpu` or `cuda`."""
        return ("cuda" if torch.cuda.is_available() else "cpu") if self.device == "auto" else self.device


@dataclass
class Progress:
    """How far a training is; saved with each checkpoint."""

    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    chunk: int = 0
    index: int = 0
    resumed: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


def share_done(settings: Settings, progress: Progress) -> float:
    """From 0 to 1, by steps or by the clock."""
    if settings.steps is not None:
        return progress.step / settings.steps
    return progress.seconds / (60 * (settings.minutes or 1))


def rate(share: float) -> float:
    """The factor on the learning rates: a short warm-up, then a cosine down to 2 %."""
    warm = min(1.0, (share + 1e-3) / 0.02)
    return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


def optimisers(model: LlamaForCausalLM) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for the embedding and the norms."""
    matrices = [p for p in model.model.layers.parameters() if p.ndim == 2]
    rest = [p for p in model.parameters() if all(p is not m for m in matrices)]
    return [
        torch.optim.Muon(matrices, lr=MUON_RATE, weight_decay=0.05),
        torch.optim.AdamW(rest, lr=ADAM_RATE, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def summed_loss(model: LlamaForCausalLM, batch: Batch) -> torch.Tensor:
    """The cross-entropy over the counted positions, summed; the head sees only those."""
    ids, at = batch.ids.to(model.device), batch.counted.to(model.device)
    with torch.autocast(model.device.type, torch.bfloat16):
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state
        logits = model.lm_head(hidden[at])
    targets = ids.roll(-1, dims=1)[at]
    return functional.cross_entropy(logits.float(), targets, reduction="sum")


def twin(model: LlamaForCausalLM) -> LlamaForCausalLM:
    """A model on the same weights, with gradients of its own."""
    other = copy.deepcopy(model)
    for weight, copied in zip(model.parameters(), other.parameters(), strict=True):
        copied.data = weight.data
    return other


def gradients(model: LlamaForCausalLM, batch: Batch, counted: int) -> float:
    """Adds the batch's part of the mean loss over `counted` positions to the gradients, and gives it."""
    loss = summed_loss(model, batch) / counted
    loss.backward()
    return float(loss.detach())


@torch.no_grad()
def held_out_loss(model: LlamaForCausalLM, batches: list[Batch]) -> float:
    """The mean loss a token of what the assistant says."""
    model.eval()
    total = sum(float(summed_loss(model, batch)) for batch in batches)
    model.train()
    return total / sum(int(batch.counted.sum()) for batch in batches)


def held_out_sets(tokenizer: PreTrainedTokenizerFast, seed: int, count: int) -> dict[Split, list[Batch]]:
    """Batches of dialogues with held-out words and with held-out wordings."""
    splits: tuple[Split, ...] = ("slots", "templates")
    return {split: held_out_batches(tokenizer, [dialogue(seed, i, split) for i in range(count)]) for split in splits}


class Trainer:
    """One training: it knows its model, its optimisers and how far it is."""

    def __init__(self, settings: Settings, resume: bool = False) -> None:
        if (settings.minutes is None) == (settings.steps is None):
            raise StarterError("Training needs an end. Give either --minutes or --steps.")
        self.settings = settings
        self.path = settings.out / "checkpoint.pt"
        self.progress = Progress()
        torch.manual_seed(settings.seed)
        if resume:
            if not self.path.exists():
                raise StarterError(f"There is no checkpoint at {self.path}. Leave --resume out to start anew.")
            self.tokenizer = AutoTokenizer.from_pretrained(settings.out)
        else:
            lines = texts(settings.seed, settings.tokenizer_dialogues)
            self.tokenizer = train_tokenizer(lines, settings.shape.vocabulary, settings.shape.context)
        self.model = build(settings.shape, self.tokenizer).to(settings.kind)
        alone = settings.kind != "cpu"
        self.twins = [self.model] * MICRO_BATCHES if alone else [self.model, *(twin(self.model) for _ in range(MICRO_BATCHES - 1))]
        self.pool = ThreadPoolExecutor(1 if alone else MICRO_BATCHES)
        self.optimisers = optimisers(self.model)
        if resume:
            self._load()

    def _load(self) -> None:
        state = torch.load(self.path, map_location=self.model.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.progress = Progress(**state["progress"])
        self.progress.resumed += 1

    def save(self) -> None:
        """Writes the checkpoint and the usable folder, each aside first."""
        save(self.model, self.tokenizer, self.settings.out)
        state = {
            "model": self.model.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "progress": vars(self.progress),
        }
        aside = self.path.with_suffix(".tmp")
        torch.save(state, aside)
        aside.replace(self.path)
        (self.settings.out / "training.json").write_text(json.dumps(self.summary(), indent=2) + "\n", encoding="utf-8")

    def summary(self) -> dict[str, object]:
        """What the model card says about the training."""
        return {
            "seed": self.settings.seed,
            "steps": self.progress.step,
            "tokens": self.progress.tokens,
            "minutes": round(self.progress.seconds / 60, 1),
            "resumed": self.progress.resumed,
            "threads": torch.get_num_threads(),
            "device": torch.cuda.get_device_name() if self.settings.kind == "cuda" else f"CPU, {os.cpu_count()} cores",
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "history": self.progress.history,
        }

    def step(self, batches: list[Batch]) -> float:
        """One update from a few batches; the loss a counted token."""
        factor = rate(share_done(self.settings, self.progress))
        for optimiser, base in zip(self.optimisers, (MUON_RATE, ADAM_RATE), strict=True):
            for group in optimiser.param_groups:
                group["lr"] = base * factor
        counted = sum(int(batch.counted.sum()) for batch in batches)
        total = sum(self.pool.map(lambda model, batch: gradients(model, batch, counted), self.twins, batches))
        for other in (each for each in self.twins[1:] if each is not self.model):
            for weight, copied in zip(self.model.parameters(), other.parameters(), strict=True):
                weight.grad.add_(copied.grad)
                copied.grad = None
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad()
        self.progress.step += 1
        self.progress.tokens += sum(batch.ids.numel() for batch in batches)
        self.progress.chunk, self.progress.index = batches[-1].chunk, batches[-1].index + 1
        return total

    def run(self) -> Progress:
        """Trains to the end, reporting and saving on the way."""
        tests = held_out_sets(self.tokenizer, self.settings.seed, self.settings.held_out)
        kind = self.settings.kind
        workers = 0 if kind == "cpu" else min(12, max(1, (os.cpu_count() or 2) - 2))
        source = training_batches(
            self.tokenizer, self.settings.seed, MICRO_TOKENS[kind], self.progress.chunk, self.progress.index, workers=workers
        )
        started = saved = time.monotonic()
        before = self.progress.seconds
        losses: list[float] = []
        loss = 0.0
        while share_done(self.settings, self.progress) < 1:
            losses.append(self.step([next(source) for _ in range(MICRO_BATCHES)]))
            self.progress.seconds = before + time.monotonic() - started
            loss = sum(losses) / len(losses)
            if self.progress.step % self.settings.report_steps == 0:
                self._report(loss, tests)
                losses.clear()
            if time.monotonic() - saved > self.settings.save_seconds:
                self.save()
                saved = time.monotonic()
        if not self.progress.history or self.progress.history[-1]["step"] != self.progress.step:
            self._report(loss, tests, always=True)
        self.save()
        return self.progress

    def _report(self, loss: float, tests: dict[Split, list[Batch]], always: bool = False) -> None:
        share = share_done(self.settings, self.progress)
        left = self.progress.seconds * (1 - share) / max(share, 1e-6) / 60
        line = f"step {self.progress.step}  loss {loss:.3f}  tokens {self.progress.tokens:,}  "
        line += f"{self.progress.tokens / max(self.progress.seconds, 1e-6):.0f} tokens/s  {share:.0%}  {left:.1f} minutes left"
        if always or self.progress.step % (self.settings.report_steps * 4) == 0:
            scores: dict[str, float] = {split: round(held_out_loss(self.model, batches), 4) for split, batches in tests.items()}
            self.progress.history.append({"step": self.progress.step, "loss": round(loss, 4), **scores})
            line += "  held out: " + ", ".join(f"{split} {score:.3f}" for split, score in scores.items())
        print(line, flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the embedded model from scratch.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model and its checkpoint")
    end = parser.add_mutually_exclusive_group(required=True)
    end.add_argument("--minutes", type=float, help="train for this long")
    end.add_argument("--steps", type=int, help="train for this many steps (about 4,096 tokens each on a CPU, 32,768 on a GPU)")
    parser.add_argument("--size", choices=sorted(SIZES), default="small", help="small: 3 million parameters; large: 11 million, for a GPU")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto takes the GPU if there is one")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in the folder")
    given = parser.parse_args()
    trainer = Trainer(
        Settings(given.out, given.minutes, given.steps, given.seed, shape=SIZES[given.size], device=given.device), given.resume
    )
    print(f"{sum(p.numel() for p in trainer.model.parameters()):,} parameters, {len(trainer.tokenizer)} tokens", flush=True)
    trainer.run()


if __name__ == "__main__":
    main()
