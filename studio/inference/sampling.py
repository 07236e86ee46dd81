"""How an answer is drawn: the settings of one generation. No torch.

To add a setting, add a field here and use it in `studio/inference/generation.py`.
"""

from __future__ import annotations

import hashlib
import secrets

from studio.settings import Settings, setting

SEED_BITS = 32


class Sampling(Settings):
    """Settings of one generation. With a temperature of 0 the likeliest token is always taken, and the seed has no part in it."""

    max_new_tokens: int = setting(
        128, "Longest answer", "An answer ends here if the model does not end it before.", basic=True, unit="tokens", ge=1, le=32768
    )
    temperature: float = setting(0.7, "Temperature", "0 always takes the likeliest token; higher values vary more.", basic=True, ge=0, le=5)
    top_p: float = setting(0.95, "Top p", "Draws from the smallest set of tokens whose probabilities sum to this.", basic=True, gt=0, le=1)
    top_k: int = setting(0, "Top k", "Draws from this many of the likeliest tokens; 0 means from all.", ge=0, le=1000)
    repetition_penalty: float = setting(
        1.0, "Repetition penalty", "Above 1, tokens that already occurred become less likely.", ge=0.5, le=3
    )
    seed: int | None = setting(
        None, "Seed", "The same seed gives the same answers; empty draws a new one each time.", ge=0, lt=2**SEED_BITS
    )

    def seeded(self) -> Sampling:
        """These settings with a seed: their own, or a fresh one."""
        return self if self.seed is not None else self.model_copy(update={"seed": secrets.randbits(SEED_BITS)})


def row_seed(seed: int, prompt_index: int, sample: int) -> int:
    """The seed of one output, so that it does not depend on which other outputs share its batch."""
    digest = hashlib.sha256(f"{seed}/{prompt_index}/{sample}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
