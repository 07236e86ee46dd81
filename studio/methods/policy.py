"""The trainer of methods that learn from their own answers. One optimizer step of a run is one turn: draw, judge, learn in minibatches.

A turn begins and ends with whole state, so a run that is stopped and continued is bit for bit the run that was not. Each answer is drawn
with a seed of its own from the run's seed, the turn and its place. The reference is the model as it was before the first turn, kept as
`preference.py` keeps it. A method subclasses `PolicyTrainer` and says how answers get advantages (`prepare`) and what the loss of a
minibatch is (`minibatch_loss`). Where memory runs out, a minibatch goes through the model in pieces whose gradients add up to the same.
Only torch code imports this.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import Trainer, TrainingArguments
from transformers.trainer_utils import EvalLoopOutput

from studio.methods.base import Asked, Rolled, TrainingJob
from studio.methods.policy_losses import masked_mean
from studio.methods.preference import REFERENCE, frozen_copy
from studio.methods.rewarded import RewardedMethod

STATE = "policy.json"
SEED_STEP = 1_000_003
SEEDS = 8191
EVALUATION_SEED = 7
FORWARD_ROWS = 16
"""Answers in one forward pass where nothing is learned."""


@dataclass
class Experience:
    """Answers with all that is known of them. Tensors are (rows, tokens - 1): place t is about the prediction of token t + 1; `mask` is 1
    where that token belongs to an answer, `scores` is (rows,)."""

    ids: torch.Tensor
    attention: torch.Tensor
    mask: torch.Tensor
    scores: torch.Tensor
    old_log_p: torch.Tensor
    reference_log_p: torch.Tensor
    rolled: list[Rolled]
    more: dict[str, torch.Tensor] = field(default_factory=dict)

    def rows(self, places: torch.Tensor) -> Experience:
        """The part of these rows."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        chosen = {name: value[places] for name, value in values.items() if isinstance(value, torch.Tensor)}
        more = {name: value[places] for name, value in self.more.items()}
        return Experience(**chosen, rolled=[self.rolled[i] for i in places.tolist()], more=more)


@dataclass(frozen=True)
class Forward:
    """What a model says of the answers: log-probability and entropy of each token (rows, tokens - 1), its last hidden states."""

    log_p: torch.Tensor
    entropy: torch.Tensor
    hidden: torch.Tensor


class PolicyTrainer(Trainer):
    """See the module. `minibatch` is how many answers a gradient step takes, `at_once` how many of them at most go through the model
    together, `group` how many answers a prompt gets; answers that a loss compares come `together`. `as_memory_allows` and `count_tokens`
    are those of the studio's trainer."""

    divisible = False
    together = 1
    method: Any
    job: TrainingJob
    minibatch: int
    at_once: int
    group: int = 1
    epochs: int = 1
    as_memory_allows: Callable[..., Any]
    count_tokens: Callable[[torch.Tensor], None]
    reference_model: Any = None
    second_adapter: bool = False

    # -- a turn

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """Draw and judge answers, then learn from them; the last gradients are left for the optimizer step that follows."""
        step = self.state.global_step
        rows, first = inputs["row"].tolist(), SEEDS * (self.args.seed + SEED_STEP * (step + 1))
        experience = self._experience(self.train_dataset, rows, [first + place for place in range(len(rows) * self.group)])
        self.count_tokens(experience.mask.sum().long())
        self.note(**self._figures(experience))
        with torch.no_grad():
            self.prepare(experience)
        batches = list(self._minibatches(len(experience.ids), step))
        total = torch.zeros((), device=experience.ids.device)
        for number, places in enumerate(batches):
            total += self._learn(model, experience.rows(places))
            if number < len(batches) - 1:
                self._clip_grad_norm(model)
                self.optimizer.step()
                self._zero_gradients(model)
        return total / len(batches)

    def _zero_gradients(self, model: Any) -> None:
        model.zero_grad()

    def _minibatches(self, rows: int, step: int) -> Iterator[torch.Tensor]:
        """Places of rows; answers to one prompt stay together, each turn and epoch in another order."""
        generator = torch.Generator().manual_seed(self.args.seed + SEED_STEP * (step + 1))
        prompts, most = rows // self.group, max(1, self.minibatch // self.group)
        for _ in range(self.epochs):
            for chosen in torch.randperm(prompts, generator=generator).split(most):
                yield (chosen[:, None] * self.group + torch.arange(self.group)).flatten()

    def _learn(self, model: Any, part: Experience) -> torch.Tensor:
        """Gradients of one minibatch, and its loss."""
        rows = min(len(part.ids), self.at_once)
        found = self.as_memory_allows(
            lambda size: self._gradients(model, part, size), rows, lambda: self._zero_gradients(model), self.together
        )
        self.note(**{name: value for name, value in found.items() if name != "loss"})
        return found["loss"]

    def _gradients(self, model: Any, part: Experience, size: int) -> dict[str, torch.Tensor]:
        """Gradients of a minibatch of which `size` answers go through the model at once; gives its `loss` and its figures. Each piece
        counts by its share of what the loss is a mean over."""
        pieces = [part.rows(places) for places in torch.arange(len(part.ids)).split(size)]
        weights = [self.weight(piece) for piece in pieces]
        whole = sum(weights) or 1.0
        found: dict[str, torch.Tensor] = {}
        for piece, weight in zip(pieces, weights, strict=True):
            with self.compute_loss_context_manager():
                now = self.forward(model, piece.ids, piece.attention)
                loss, figures = self.minibatch_loss(piece, now)
                loss = loss * (weight / whole)
            self.accelerator.backward(loss)
            tokens = piece.mask.sum() / part.mask.sum().clamp(min=1)
            shares = {name: value.detach() * (weight / whole) for name, value in figures.items()}
            shares |= {"loss": loss.detach(), "entropy": masked_mean(now.entropy, piece.mask) * tokens}
            found = {name: found[name] + value if found else value for name, value in shares.items()}
        return found

    # -- what a method says

    def prepare(self, experience: Experience) -> None:
        """Put what the loss needs into `experience.more`."""
        raise NotImplementedError

    def minibatch_loss(self, part: Experience, now: Forward) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The loss of a minibatch, a scalar, and figures of it, means over what the loss is a mean over."""
        raise NotImplementedError

    def weight(self, part: Experience) -> float:
        """How much there is in a minibatch of what its loss is a mean over: tokens of answers."""
        return float(part.mask.sum())

    # -- answers

    def _experience(self, dataset: Any, rows: list[int], seeds: list[int]) -> Experience:
        """Answers to the prompts of these rows, judged, with their log-probabilities under the policy and its reference."""
        chosen = [dataset[row] for row in rows for _ in range(self.group)]
        asked = [Asked(json.loads(row["messages"]), row["reference"]) for row in chosen]
        roll_out, judge = self.job.roll_out, self.job.judge
        assert roll_out is not None
        assert judge is not None
        prompts, method = [row["prompt_ids"] for row in chosen], self.method
        rolled = roll_out(self.model, self.processing_class, prompts, seeds, method.temperature, method.max_new_tokens)
        rewards = judge(asked, [each.text for each in rolled])
        penalty = method.unfinished_penalty
        scores = [reward.total - (0 if each.ended else penalty) for reward, each in zip(rewards, rolled, strict=True)]
        return self._tensors(prompts, rolled, scores)

    def _tensors(self, prompts: list[list[int]], rolled: list[Rolled], scores: list[float]) -> Experience:
        device, pad = self.accelerator.device, self.processing_class.pad_token_id
        rows = [torch.tensor(prompt + each.ids) for prompt, each in zip(prompts, rolled, strict=True)]
        ids = pad_sequence(rows, batch_first=True, padding_value=pad).to(device)
        attention = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True).to(device)
        mask = torch.zeros(ids.shape, device=device)
        for i, (prompt, each) in enumerate(zip(prompts, rolled, strict=True)):
            mask[i, len(prompt) : len(prompt) + len(each.ids)] = 1
        with torch.no_grad():
            policy = self._log_p(ids, attention)
            with self._reference() as reference:
                start = self._log_p(ids, attention, reference)
        return Experience(ids, attention, mask[:, 1:], torch.tensor(scores, device=device), policy, start, rolled)

    def _log_p(self, ids: torch.Tensor, attention: torch.Tensor, model: Any = None) -> torch.Tensor:
        return self.read(lambda now: now.log_p, ids, attention, FORWARD_ROWS, model)

    def read(
        self, what: Callable[[Forward], torch.Tensor], ids: torch.Tensor, attention: torch.Tensor, rows: int, model: Any = None
    ) -> torch.Tensor:
        """`what` a model says of these answers, at most `rows` of them at once; to be called without gradients."""

        def attempt(size: int) -> torch.Tensor:
            parts = zip(ids.split(size), attention.split(size), strict=True)
            return torch.cat([what(self.forward(model or self.model, part, seen)) for part, seen in parts])

        return self.as_memory_allows(attempt, min(rows, len(ids)), lambda: None)

    def forward(self, model: Any, ids: torch.Tensor, attention: torch.Tensor) -> Forward:
        """Log-probabilities at the temperature that answers are drawn with."""
        outputs = model(input_ids=ids, attention_mask=attention, output_hidden_states=True, use_cache=False)
        length = ids.shape[1]
        logits = outputs.logits[:, -length:][:, :-1].float() / (self.method.temperature or 1.0)
        normal = logits.logsumexp(dim=-1)
        log_p = logits.gather(-1, ids[:, 1:, None]).squeeze(-1) - normal
        with torch.no_grad():
            entropy = normal - (logits.softmax(dim=-1) * logits).sum(dim=-1)
        return Forward(log_p, entropy, outputs.hidden_states[-1][:, -length:][:, :-1])

    @contextmanager
    def _reference(self) -> Iterator[Any]:
        """The model as it was before the first turn."""
        model = self.model
        if self.reference_model is not None:
            yield self.reference_model
        elif self.second_adapter:
            active = model.active_adapter
            model.set_adapter(REFERENCE)
            try:
                yield model
            finally:
                model.set_adapter(active)
        else:
            with model.disable_adapter():
                yield model

    # -- figures

    def note(self, **figures: Any) -> None:
        """Figures of this turn, averaged over its minibatches when it is logged."""
        for name, value in figures.items():
            self._metrics["train"][name].append(float(value.detach() if isinstance(value, torch.Tensor) else value))

    def _figures(self, experience: Experience) -> dict[str, float]:
        """Mean and spread of the rewards, divergence from the reference (nats an answer), length (tokens), share that ended."""
        divergence = ((experience.old_log_p - experience.reference_log_p) * experience.mask).sum(dim=1)
        rolled = experience.rolled
        return {
            "reward": float(experience.scores.mean()),
            "reward_std": float(experience.scores.std(correction=0)),
            "kl": float(divergence.mean()),
            "length": sum(len(each.ids) for each in rolled) / len(rolled),
            "ended": sum(each.ended for each in rolled) / len(rolled),
        }

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """With the figures of the turn."""
        if "loss" in logs:
            found = self._metrics["train"]
            logs.update({name: sum(values) / len(values) for name, values in found.items() if values})
            found.clear()
        super().log(logs, start_time)

    def evaluation_loop(self, dataloader: Any, description: str, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> EvalLoopOutput:
        """Answers to all held-out prompts, to each always with the same seed; means over answers."""
        self.model.eval()
        group, self.group = self.group, 1
        found: dict[str, float] = defaultdict(float)
        try:
            for batch in dataloader:
                rows = batch["row"].tolist()
                experience = self._experience(dataloader.dataset, rows, [EVALUATION_SEED + row for row in rows])
                for name, value in self._figures(experience).items():
                    found[name] += value * len(rows)
        finally:
            self.group = group
        count = len(dataloader.dataset)
        metrics = {f"{metric_key_prefix}_{name}": value / count for name, value in found.items() if name != "reward_std"}
        return EvalLoopOutput(predictions=None, label_ids=None, metrics=metrics, num_samples=count)

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        """With the rows numbered, also those of a part of the held-out rows."""
        part = eval_dataset is not None and not isinstance(eval_dataset, str) and "row" not in eval_dataset.column_names
        return super().get_eval_dataloader(numbered(eval_dataset) if part else eval_dataset)

    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        """What is beyond a limit of the method is not the best."""
        return self.method.within_limits(metrics) and super()._determine_best_metric(metrics, trial)

    # -- state of its own, beside the weights

    def own_state(self) -> dict[str, Any]:
        """What a continued run must know beyond weights, optimizer and random states, as plain values."""
        return {}

    def take_state(self, values: dict[str, Any]) -> None:
        """Take up what `own_state` gave."""

    def save_own_state(self, path: Path) -> None:
        """Called with the folder of each checkpoint."""
        (path / STATE).write_text(json.dumps(self.own_state()), encoding="utf-8")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        self.load_own_state(Path(resume_from_checkpoint))

    def load_own_state(self, path: Path) -> None:
        """Called with the folder of the checkpoint that a run continues from."""
        self.take_state(json.loads((path / STATE).read_text(encoding="utf-8")))


def build_policy(cls: type, method: RewardedMethod, job: TrainingJob, group: int = 1, epochs: int = 1) -> Any:
    """A trainer of `cls` for rows of `prompt_ids`, `messages` and `reference`.

    A turn takes as many prompts as the recipe's batch times its accumulation; one gradient step learns from a batch of prompts with all
    their answers, of which as many as the batch go through the model at once.
    """
    arguments = job.arguments
    minibatch = arguments["per_device_train_batch_size"]
    turn = {"per_device_train_batch_size": minibatch * arguments["gradient_accumulation_steps"], "gradient_accumulation_steps": 1}
    without_dropout(job.model)
    adapter = hasattr(job.model, "peft_config")
    reference = None if adapter else frozen_copy(job.model)
    if adapter and job.continued:
        keep_adapter(job.model)
    pad = job.tokenizer.pad_token_id
    trainer = job.trainer_class(cls)(
        model=job.model,
        args=TrainingArguments(**{**arguments, **turn, "neftune_noise_alpha": None}, remove_unused_columns=False),
        train_dataset=numbered(job.train),
        eval_dataset=numbered(job.validation) if job.validation is not None else None,
        processing_class=job.tokenizer,
        data_collator=lambda rows: collate(rows, pad),
        callbacks=job.callbacks,
    )
    trainer.method, trainer.job, trainer.reference_model, trainer.second_adapter = method, job, reference, adapter and job.continued
    trainer.minibatch, trainer.at_once, trainer.group, trainer.epochs = minibatch * group, minibatch, group, epochs
    trainer.model_accepts_loss_kwargs = False
    trainer._metrics = {"train": defaultdict(list), "eval": defaultdict(list)}
    return trainer


def numbered(rows: Any) -> Any:
    """The rows with their numbers, by which a batch names them."""
    return rows.add_column("row", list(range(len(rows))))


def collate(rows: list[dict[str, Any]], pad: int) -> dict[str, torch.Tensor]:
    """The prompts as tensors, padded on the right, so that they can be counted; `row` (rows,) says which they are."""
    ids = [torch.tensor(row["prompt_ids"]) for row in rows]
    return {
        "input_ids": pad_sequence(ids, batch_first=True, padding_value=pad),
        "attention_mask": pad_sequence([torch.ones_like(row) for row in ids], batch_first=True),
        "row": torch.tensor([row["row"] for row in rows]),
    }


def without_dropout(model: Any) -> None:
    """Switch dropout off: the policy that learns must be the one that drew the answers."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0


def keep_adapter(model: Any) -> None:
    """Keep a second, frozen copy of the adapter that goes on learning."""
    active = model.active_adapter
    model.add_adapter(REFERENCE, model.peft_config[active])
    here = dict(model.named_parameters())
    with torch.no_grad():
        for name, parameter in here.items():
            if f".{REFERENCE}." in name:
                parameter.copy_(here[name.replace(f".{REFERENCE}.", f".{active}.")])
                parameter.requires_grad_(False)
    model.set_adapter(active)
