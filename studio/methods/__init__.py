"""Methods: what the loss is. One file each; the union `Method` is what a recipe can name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from studio.methods.classify import Classify
from studio.methods.sft import SFT

Method = Annotated[SFT | Classify, Field(discriminator="kind")]
