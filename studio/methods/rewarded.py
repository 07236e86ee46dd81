"""What the methods that learn from their own answers have in common: where prompts and rewards come from, how answers are drawn.

The policy answers prompts, a reward says how good each answer is, and a loss of the method moves the policy (`ppo.py`, `grpo.py` ...).
The trainer that they share stands in `policy.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import field_validator

from studio.errors import FieldProblem, NotFoundError
from studio.methods.base import WITHOUT_DROPOUT, MethodSettings
from studio.methods.encoding import PromptEncoder
from studio.methods.reward_functions import Function, parse_functions
from studio.settings import setting

if TYPE_CHECKING:
    from studio.workspace import Workspace


class RewardedMethod(MethodSettings):
    """A method on prompts; rows of other kinds lend theirs."""

    row_kinds: ClassVar[tuple[str, ...]] = ("prompt", "chat", "preference", "ranking", "unpaired", "rating")
    metric: ClassVar[str] = "eval_reward"
    greater_is_better: ClassVar[bool] = True
    metrics: ClassVar[dict[str, str]] = {
        "reward": "reward",
        "reward_std": "spread of the rewards",
        "kl": "divergence from the start",
        "entropy": "entropy",
        "length": "length of the answers",
        "ended": "answers that ended by themselves",
    }
    sequences: ClassVar[int] = 2
    reference: ClassVar[bool] = True
    usual_rate: ClassVar[float] = 0.5
    unheeded: ClassVar[tuple[str, ...]] = WITHOUT_DROPOUT

    reward_model: str = setting("", "Reward model", "A reward model of this workspace; empty uses the functions alone.", basic=True)
    functions: str = setting(
        "",
        "Reward functions",
        "One a line: contains: thank you | length: 5-20 | pattern: ^Dear | exact | number | label: MODEL/LABEL | python: NAME; "
        "a weight may stand in front, as in 0.5 * length: 5-20.",
        basic=True,
        lines=True,
    )
    max_new_tokens: int = setting(64, "Longest answer", "Answers are cut here.", basic=True, unit="tokens", ge=1, le=8192)
    temperature: float = setting(1.0, "Temperature", "How freely answers are drawn; 1 is the model itself.", gt=0, le=5)
    unfinished_penalty: float = setting(
        0.0, "Penalty for unfinished answers", "Taken from the reward of an answer that was cut at the limit.", ge=0, le=1000
    )

    kl_limit: float | None = setting(
        None, "Most divergence", "Ends the run when answers leave the starting model by more than this; empty never does.",
        unit="nats an answer", gt=0, le=10_000,
    )  # fmt: skip
    length_limit: float | None = setting(
        None, "Most length", "Ends the run when answers become longer than this on average; empty never does.", unit="tokens", gt=0, le=8192
    )

    @field_validator("functions")
    @classmethod
    def _readable(cls, value: str) -> str:
        parse_functions(value)
        return value

    @property
    def function_list(self) -> list[Function]:
        """The reward functions, in order."""
        return parse_functions(self.functions)

    @property
    def limits(self) -> dict[str, float]:
        """Of the divergence and the length of answers, where they have one."""
        both = {"kl": self.kl_limit, "length": self.length_limit}
        return {name: most for name, most in both.items() if most is not None}

    @property
    def encoder(self) -> PromptEncoder:
        """A prompt, with the answer that the data has."""
        return PromptEncoder()

    def problems(self, ws: Workspace) -> list[FieldProblem]:
        """Why these rewards cannot be had in this workspace."""
        from studio.methods.user_rewards import get_reward
        from studio.models.registry import get_model

        found: list[FieldProblem] = []
        if not self.reward_model and not self.functions.strip():
            found.append(FieldProblem("method.reward_model", "choose a reward model, or write a reward function"))

        def check(path: str, wanted: str, name: str, label: str = "") -> None:
            try:
                info: Any = get_model(ws, name)
            except NotFoundError as error:
                found.append(FieldProblem(path, str(error)))
                return
            if info.task != wanted:
                found.append(FieldProblem(path, f"{name} is no {'reward model' if wanted == 'reward' else 'classifier'}"))
            elif label and label not in info.labels:
                found.append(FieldProblem(path, f"{name} has no label {label}; it has {', '.join(info.labels)}"))

        if self.reward_model:
            check("method.reward_model", "reward", self.reward_model)
        for function in self.function_list:
            if function.name == "label":
                model, _, label = function.argument.rpartition("/")
                check("method.functions", "classifier", model.strip(), label.strip())
            elif function.name == "python":
                try:
                    confirmed = get_reward(ws, function.argument).confirmed
                except NotFoundError as error:
                    found.append(FieldProblem("method.functions", str(error)))
                    continue
                if not confirmed:
                    text = f"the reward function {function.argument} was not confirmed as it is now"
                    found.append(FieldProblem("method.functions", text))
        return found


class GroupMethod(RewardedMethod):
    """A method that draws a group of answers to each prompt and measures each by the others."""

    metrics: ClassVar[dict[str, str]] = {
        **RewardedMethod.metrics,
        "policy_loss": "policy loss",
        "clip_fraction": "share of clipped tokens",
        "approx_kl": "divergence within a turn",
        "flat_groups": "prompts whose answers got the same reward",
    }

    group: int = setting(
        8, "Answers a prompt", "How many answers are drawn to each prompt and measured by each other.", basic=True, ge=2, le=64
    )
    epochs: int = setting(1, "Passes over a turn", "How often the answers of a turn are learned from.", basic=True, ge=1, le=100)
    clip: float = setting(
        0.2, "Clip range", "How far the probability of a token may move in a turn before the gradient stops.", gt=0, le=10
    )
