"""Methods: what the loss is. One file each; the union `Method` is what a recipe can name."""

from __future__ import annotations

from functools import cache
from typing import Annotated, get_args

from pydantic import Field

from studio.methods.base import MethodSettings
from studio.methods.classify import Classify
from studio.methods.cpo import CPO
from studio.methods.dpo import DPO
from studio.methods.grpo import GRPO
from studio.methods.kto import KTO
from studio.methods.online_dpo import OnlineDPO
from studio.methods.orpo import ORPO
from studio.methods.ppo import PPO
from studio.methods.reward import Reward
from studio.methods.rloo import RLOO
from studio.methods.sft import SFT
from studio.methods.simpo import SimPO

Method = Annotated[SFT | Classify | DPO | KTO | ORPO | SimPO | CPO | OnlineDPO | Reward | PPO | GRPO | RLOO, Field(discriminator="kind")]


@cache
def methods() -> tuple[type[MethodSettings], ...]:
    """Every method, in the order of the union."""
    return get_args(get_args(Method)[0])


@cache
def metric_names() -> dict[str, str]:
    """What people call the figures that methods report on held-out rows: `eval_f1` is `F1`."""
    own = {f"eval_{key}": name for method in methods() for key, name in method.metrics.items()}
    return {"eval_loss": "held-out loss", **own}
