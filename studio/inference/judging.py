"""Rewards for answers, from reward models, classifiers and functions of a workspace together. Only torch code imports this."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from studio.errors import DataError
from studio.inference.classification import classify_batch
from studio.inference.generation import out_of_memory
from studio.inference.scoring import BATCH, score_batch, sequence_ids
from studio.methods.base import Asked, Reward
from studio.methods.reward_functions import FUNCTIONS, Function
from studio.methods.rewarded import RewardedMethod
from studio.methods.user_rewards import load_reward
from studio.models.loading import load_for_inference
from studio.workspace import Workspace

Part = Callable[[list[Asked], list[str]], list[float]]
"""One part of a reward: a number for each answer."""

Judge = Callable[[list[Asked], list[str]], list[Reward]]


def judge_of(ws: Workspace, method: RewardedMethod, device: str = "auto") -> Judge:
    """What says how good answers are: the method's reward model and its functions, summed with their weights.

    Models are loaded here, once. Raises `ModelError` and `DataError` when one cannot be used.
    """
    parts: list[tuple[str, float, Part]] = []
    if method.reward_model:
        parts.append((method.reward_model, 1.0, _model(ws, method.reward_model, device)))
    for function in method.function_list:
        parts.append((function.title, function.weight, _function(ws, function, device)))

    def judge(asked: list[Asked], answers: list[str]) -> list[Reward]:
        columns = [(title, weight, part(asked, answers)) for title, weight, part in parts]
        return [
            Reward(sum(weight * values[i] for _, weight, values in columns), {title: values[i] for title, _, values in columns})
            for i in range(len(answers))
        ]

    return judge


def _function(ws: Workspace, function: Function, device: str) -> Part:
    if function.name == "label":
        model, _, label = function.argument.rpartition("/")
        return _classifier(ws, model.strip(), label.strip(), device)
    if function.name == "python":
        return _python(ws, function.argument)
    judged = FUNCTIONS[function.name](function.argument)
    return lambda asked, answers: [judged(_question(each), answer, each.reference) for each, answer in zip(asked, answers, strict=True)]


def _model(ws: Workspace, name: str, device: str) -> Part:
    model, tokenizer = load_for_inference(ws, name, device)

    def score(asked: list[Asked], answers: list[str]) -> list[float]:
        """An empty answer is judged as a blank one; one that is too long for the reward model as far as it reads."""
        talks = [[*each.messages, {"role": "assistant", "content": answer or " "}] for each, answer in zip(asked, answers, strict=True)]
        rows = sequence_ids(model, tokenizer, talks)
        order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))
        values = in_batches([rows[i] for i in order], lambda part: score_batch(model, part, tokenizer.pad_token_id))
        found = dict(zip(order, values, strict=True))
        return [found[i] for i in range(len(rows))]

    return score


def _classifier(ws: Workspace, name: str, label: str, device: str) -> Part:
    model, tokenizer = load_for_inference(ws, name, device)

    def chance(_asked: list[Asked], answers: list[str]) -> list[float]:
        return in_batches(answers, lambda part: [chances[label] for chances in classify_batch(model, tokenizer, part)])

    return chance


def in_batches(items: list[Any], judge: Callable[[list[Any]], list[float]]) -> list[float]:
    """What `judge` says of all items, a batch at a time; a batch that does not fit into memory is halved."""
    found: list[float] = []
    size = BATCH
    while len(found) < len(items):
        try:
            found += judge(items[len(found) : len(found) + size])
        except RuntimeError as error:
            if not out_of_memory(error) or size == 1:
                raise
            size = max(1, size // 2)
    return found


def _python(ws: Workspace, name: str) -> Part:
    function = load_reward(ws, name)

    def call(asked: list[Asked], answers: list[str]) -> list[float]:
        try:
            values: Any = function([_question(each) for each in asked], answers, [each.reference for each in asked])
            found = [float(value) for value in values]
        except Exception as error:  # whatever a person's own code raises is theirs to read
            raise DataError(
                f"The reward function {name} failed: {type(error).__name__}: {error}.", "Mend it and confirm it again."
            ) from error
        if len(found) != len(answers) or not torch.isfinite(torch.tensor(found)).all():
            raise DataError(
                f"The reward function {name} gave {len(found)} numbers for {len(answers)} answers, or one that is not finite.",
                "It must return one finite number for each answer.",
            )
        return found

    return call


def _question(asked: Asked) -> str:
    """The last thing that was said to the policy."""
    return next((str(message["content"]) for message in reversed(asked.messages) if message["role"] == "user"), "")
