"""How weights are moved: the optimisation section of a recipe, which memory estimates need too."""

from __future__ import annotations

from typing import Literal

from studio.settings import Settings, setting


class Optim(Settings):
    learning_rate: float = setting(2e-4, "Learning rate", "Size of each step; the setting that matters most.", basic=True, gt=0, le=10)
    epochs: float = setting(3.0, "Epochs", "How many times the data is seen.", basic=True, gt=0, le=1000)
    max_steps: int | None = setting(None, "Steps", "Stop after this many steps, whatever the epochs; empty follows the epochs.", ge=1)
    per_device_batch_size: int = setting(8, "Batch size", "Rows in one forward pass.", basic=True, unit="rows", ge=1, le=4096)
    gradient_accumulation: int = setting(1, "Accumulation", "Forward passes added up before each step.", ge=1, le=4096)
    schedule: Literal["cosine", "linear", "constant", "constant_with_warmup"] = setting(
        "cosine", "Schedule", "How the learning rate falls over the run."
    )
    warmup: float = setting(0.05, "Warm-up", "Share of the steps over which the learning rate rises from zero.", ge=0, le=1)
    optimizer: Literal["adamw", "adafactor", "sgd"] = setting("adamw", "Optimizer", "adafactor needs less memory, sgd the least.")
    weight_decay: float = setting(0.0, "Weight decay", "Pull of the weights towards zero (decoupled, as in AdamW).", ge=0, le=1)
    adam_beta2: float = setting(0.999, "Adam beta 2", "Memory of the squared gradients; 0.95 to 0.99 suits short runs.", gt=0, lt=1)
    dropout: float = setting(0.0, "Dropout", "Share of attention weights and activations dropped, where the model has dropout.", ge=0, lt=1)
    label_smoothing: float = setting(0.0, "Label smoothing", "Share of probability spread over all tokens or labels.", ge=0, lt=1)
    neftune_noise_alpha: float | None = setting(
        None, "NEFTune noise", "Noise on the embeddings while training; 5 is usual, empty is off.", gt=0, le=100
    )
    max_grad_norm: float = setting(1.0, "Gradient clipping", "Gradients longer than this are scaled down; 0 is off.", ge=0, le=1000)
    precision: Literal["auto", "float32", "bfloat16", "float16"] = setting(
        "auto", "Precision", "auto: bfloat16 where the device is quick at it, otherwise float32."
    )
    gradient_checkpointing: Literal["auto", "on", "off"] = setting(
        "auto", "Gradient checkpointing", "Saves memory for about a third more time; auto: only when memory would not suffice."
    )
    packing: Literal["auto", "on", "off"] = setting(
        "auto", "Packing", "Puts several short rows in one sequence, apart from each other; auto: where it is exact and quicker."
    )
