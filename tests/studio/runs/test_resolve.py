"""What auto means: the number of packed sequences is TRL's, and packing is chosen where it pays."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from studio import device as devices
from studio.device import DeviceInfo
from studio.models.inspect import Matrix
from studio.models.registry import ModelInfo
from studio.recipe import parse
from studio.runs.packing import ISOLATING, packed_sequences
from studio.runs.resolve import Resolved, resolve, updates

GIB = 2**30
CPU = DeviceInfo("cpu", "CPU", 2, 16 * GIB, 12 * GIB, False)
GPU = DeviceInfo("cuda", "A GPU", 8, 24 * GIB, 23 * GIB, True)
MODEL = ModelInfo(
    id=1, name="m", kind="base", source="local", path=Path("m"), base=None, run=None, note="", created_at=datetime(2026, 1, 1),
    architecture="LlamaForCausalLM", parameters=10_000_000, layers=8, hidden=256, vocabulary=8000, context_length=1024,
    matrices=[Matrix("q_proj", 256, 256, 8), Matrix("up_proj", 700, 256, 8)],
)  # fmt: skip


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "describe", lambda: CPU)


def mixed(rows: int = 1000, seed: int = 0) -> list[int]:
    """Lengths as chats have them: most short, a few long."""
    draw = random.Random(seed)
    return [min(512, max(8, int(draw.lognormvariate(4, 0.8)))) for _ in range(rows)]


def resolved(lengths: list[int], held_out: int = 10, model: ModelInfo = MODEL, **changes: object) -> Resolved:
    return resolve(parse({"model": "m", **changes}), model, lengths, held_out)


@pytest.mark.parametrize(("rows", "length"), [(1, 64), (50, 512), (999, 128), (1000, 512), (2500, 512), (2500, 700)])
def test_packed_sequences_are_counted_as_trl_packs_them(rows: int, length: int) -> None:
    from datasets import Dataset
    from trl import pack_dataset

    lengths = mixed(rows, seed=rows)
    dataset = Dataset.from_dict({"input_ids": [[1] * n for n in lengths], "labels": [[1] * n for n in lengths]})
    assert packed_sequences(lengths, length) == len(pack_dataset(dataset, length, "bfd"))


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "gpt2"])
def test_models_said_to_keep_packed_rows_apart_do(tmp_path: Path, architecture: str) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from tests.tiny import make_model

    model = AutoModelForCausalLM.from_pretrained(make_model(tmp_path, architecture)).eval()
    assert type(model).__name__ in ISOLATING
    rows = [torch.arange(3, 20)[None], torch.arange(30, 41)[None]]
    positions = torch.cat([torch.arange(row.shape[1]) for row in rows])[None]
    with torch.no_grad():
        packed = model(torch.cat(rows, 1), position_ids=positions, use_cache=False).logits
        apart = torch.cat([model(row, use_cache=False).logits for row in rows], 1)
    assert torch.allclose(packed, apart, atol=1e-5)


def test_mixed_lengths_are_packed_and_a_step_sees_as_many_rows_as_asked() -> None:
    lengths = mixed()
    chosen = resolved(lengths)
    assert chosen.packing
    assert max(lengths) <= chosen.sequence_length <= 512
    assert chosen.batch_size == 1
    assert 6 <= chosen.rows_per_step <= 12
    assert chosen.steps_per_epoch == chosen.sequences == packed_sequences(lengths, chosen.sequence_length)
    assert chosen.steps == 3 * chosen.steps_per_epoch


def test_larger_batches_pack_several_sequences() -> None:
    chosen = resolved(mixed(), optim={"per_device_batch_size": 32}, model=replace(MODEL, hidden=2048))
    assert (chosen.packing, chosen.sequence_length) == (True, 512)
    assert chosen.batch_size == pytest.approx(32 * sum(mixed()) / 1000 / 512, abs=0.5)


@pytest.mark.parametrize(
    ("why", "lengths", "changes", "model"),
    [
        ("equal lengths leave nothing to save", [100] * 300, {}, MODEL),
        ("prompt tuning ignores positions", mixed(), {"adaptation": {"kind": "prompt_tuning"}}, MODEL),
        ("the model mixes documents", mixed(), {}, replace(MODEL, architecture="OPTForCausalLM")),
        ("a classifier reads rows one by one", mixed(), {"method": {"kind": "classify"}}, MODEL),
        ("one long row would make steps see far more rows", [20] * 300 + [500], {"optim": {"per_device_batch_size": 2}}, MODEL),
        ("the recipe says no", mixed(), {"optim": {"packing": "off"}}, MODEL),
        ("there are no rows", [], {}, MODEL),
    ],
)
def test_packing_is_left_where_it_does_not_pay(why: str, lengths: list[int], changes: dict[str, object], model: ModelInfo) -> None:
    chosen = resolved(lengths, model=model, **changes)
    assert not chosen.packing, why
    assert chosen.batch_size == parse(changes).optim.per_device_batch_size
    assert chosen.sequences == len(lengths)


def test_steps_count_accumulation_fractions_and_a_limit() -> None:
    off = {"packing": "off", "per_device_batch_size": 8}
    assert resolved([50] * 100, optim={**off, "epochs": 1}).steps == 13
    assert resolved([50] * 100, optim={**off, "epochs": 1, "gradient_accumulation": 4}).steps == 4
    assert resolved([50] * 100, optim={**off, "epochs": 1.5}).steps == 20
    limited = resolved([50] * 100, optim={**off, "max_steps": 26})
    assert (limited.steps, limited.epochs) == (26, 2.0)
    assert updates(3, 8, 16) == 1


def test_intervals_give_about_ten_evaluations_and_none_without_held_out_rows() -> None:
    off = {"packing": "off", "per_device_batch_size": 1, "epochs": 1}
    usual = resolved([50] * 100, optim=off)
    assert (usual.eval_every, usual.save_every, usual.evaluations) == (10, 10, 10)
    assert resolved([50] * 3, optim=off).evaluations == 3
    nothing = resolved([50] * 100, held_out=0, optim=off)
    assert (nothing.eval_every, nothing.save_every, nothing.evaluations) == (None, 10, 0)
    chosen = resolved([50] * 100, optim=off, evaluation={"every": 40, "save_every": 20})
    assert (chosen.eval_every, chosen.save_every, chosen.evaluations) == (40, 20, 3)


def test_precision_and_device_follow_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolved([50]).precision == "float32"
    monkeypatch.setattr(devices, "describe", lambda: GPU)
    assert (resolved([50]).device, resolved([50]).precision) == ("cuda", "bfloat16")
    assert resolved([50], compute={"device": "cpu"}).precision == "float32"
    monkeypatch.setattr(devices, "describe", lambda: replace(GPU, bfloat16=False))
    assert resolved([50]).precision == "float16"
    assert resolved([50], optim={"precision": "float32"}).precision == "float32"


def test_checkpointing_only_where_memory_would_not_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = [512] * 100
    plenty = resolved(lengths)
    assert (plenty.gradient_checkpointing, plenty.memory.fits) == (False, True)
    monkeypatch.setattr(devices, "describe", lambda: replace(CPU, free_bytes=int(plenty.memory.total * 0.8)))
    scarce = resolved(lengths)
    assert (scarce.gradient_checkpointing, scarce.memory.fits) == (True, True)
    assert not resolved(lengths, optim={"gradient_checkpointing": "off"}).gradient_checkpointing


def test_a_sample_stands_for_all_rows() -> None:
    recipe = parse({"model": "m", "optim": {"packing": "off", "epochs": 1}})
    assert resolve(recipe, MODEL, [50] * 100, 10, scale=10.0).steps == 125
