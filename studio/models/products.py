"""What a run makes, as the facts of a model: read from a folder of weights and from the model that the run started from. No torch.

Both the finished model of a run and its checkpoints are described here.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from studio.errors import ModelError
from studio.models.headers import read_json, sha256_of, weight_files
from studio.models.info import REWARD_LABELS, TASKS, ModelInfo
from studio.models.inspect import inspect_adapter, inspect_folder, is_adapter


def product_facts(
    path: Path, kind: str, started_from: ModelInfo, adaptation: dict[str, Any] | None, given: dict[str, Any]
) -> dict[str, Any]:
    """The facts of the weights in `path`, completed by `given`. When they continue the adapter of `started_from`, that is said: the model
    then stands on that adapter's base."""
    facts: dict[str, Any]
    if is_adapter(path):
        adapter = inspect_adapter(path)
        adaptation = adaptation or {"kind": adapter.kind, "rank": adapter.rank}
        facts = {"adapter": True, "bytes": adapter.bytes, "trained_parameters": adapter.parameters}
    else:
        facts = asdict(inspect_folder(path, tokenizer=False)) | {"license": started_from.license}
    task = TASKS.get(kind, "causal")
    facts |= given | {"adaptation": adaptation, "generates": task == "causal"}
    if "sha256" not in facts:
        facts["sha256"] = sha256_of(product_weights(path))
    if kind == "classifier" and not facts.get("labels"):
        facts["labels"] = _run_labels(path)
    if kind == "reward":
        facts["labels"] = REWARD_LABELS
    if facts.get("adapter") and continues(started_from, adaptation or {}, task, facts.get("labels")):
        facts |= {"continued_from": started_from.name, "continued_from_id": started_from.id}
    return facts


def product_weights(path: Path) -> list[Path]:
    """The files that hold the weights of an adapter or of a complete model."""
    return weight_files(path, "adapter_model" if is_adapter(path) else "model")


def stands_on(facts: dict[str, Any], started_from: ModelInfo) -> str | None:
    """The name of the model beside which these weights are loaded."""
    return started_from.base if "continued_from" in facts else started_from.name


def _run_labels(path: Path) -> list[str]:
    """The labels of a classifier's adapter, which PEFT does not store: the run wrote them beside it."""
    labels = read_json(path / "lineage.json").get("labels") if (path / "lineage.json").is_file() else None
    if not labels:
        raise ModelError(f"The classifier in {path} does not say which labels it has.", "Train it again.")
    return [str(label) for label in labels]


def continues(info: ModelInfo, adaptation: dict[str, Any], task: str, labels: list[str] | None = None) -> bool:
    """Whether training `info` further with this adaptation goes on with the adapter that it has: same kind, size and targets, same task
    and labels. LoRA and QLoRA adapters are alike in shape, so one continues the other. Otherwise the adapter is merged first."""
    if not info.adapter or info.adaptation is None:
        return False
    if info.task != task or (task == "classifier" and list(labels or []) != info.labels):
        return False
    mine, asked = info.adaptation, adaptation
    family = {"qlora": "lora"}
    if family.get(mine.get("kind", ""), mine.get("kind")) != family.get(asked.get("kind", ""), asked.get("kind")):
        return False
    size = {"prompt_tuning": "virtual_tokens"}.get(asked["kind"], "rank")
    if (mine.get(size) or mine.get("rank")) != asked.get(size) and asked["kind"] != "ia3":
        return False
    return info.source != "run" or mine.get("targets") == asked.get("targets")
