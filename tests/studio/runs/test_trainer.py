"""When memory runs out the run goes on in smaller pieces, and learns the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from transformers.models.llama.modeling_llama import LlamaModel

from studio.runs.batches import row_count, split
from studio.runs.execute import execute
from studio.runs.folder import RunFolder

New = Callable[..., RunFolder]


@contextmanager
def memory_for(rows: int) -> Iterator[None]:
    """A device whose memory ends above `rows` rows in one forward pass, packed or not."""
    original = LlamaModel.forward

    def forward(self: Any, input_ids: Any = None, *args: Any, position_ids: Any = None, **kwargs: Any) -> Any:
        packed = position_ids is not None and input_ids.shape[0] == 1
        count = int((position_ids == 0).sum()) if packed else input_ids.shape[0]
        if count > rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return original(self, input_ids, *args, position_ids=position_ids, **kwargs)

    LlamaModel.forward = forward
    try:
        yield
    finally:
        LlamaModel.forward = original


def losses(folder: RunFolder, key: str = "loss") -> list[float]:
    return [row[key] for row in folder.read_metrics()[0] if key in row]


@pytest.mark.parametrize("changes", [
    {"optim__packing": "off", "optim__gradient_accumulation": 2},
    {"optim__packing": "on", "optim__per_device_batch_size": 8, "adaptation__kind": "full"},
    {"data__sources": "labels", "method__kind": "classify", "optim__gradient_accumulation": 2},
], ids=["padded", "packed", "classify"])  # fmt: skip
def test_smaller_pieces_give_the_same_losses(new_run: New, changes: dict[str, Any]) -> None:
    changes = {"optim__max_steps": 20, "evaluation__every": 10, "optim__learning_rate": 0.003, "adaptation__dropout": 0.0, **changes}
    if "adaptation__kind" in changes:
        del changes["adaptation__dropout"]
    whole, split_up = new_run(**changes), new_run(**changes)
    assert execute(whole.path).state == "completed", whole.read_log()
    with memory_for(2):
        assert execute(split_up.path).state == "completed", split_up.read_log()
    assert losses(split_up) == pytest.approx(losses(whole), abs=1e-4)
    assert losses(split_up, "eval_loss") == pytest.approx(losses(whole, "eval_loss"), abs=1e-4)
    assert losses(split_up, "tokens") == losses(whole, "tokens")
    assert losses(split_up, "token_accuracy") == pytest.approx(losses(whole, "token_accuracy"), abs=0.05)
    assert "Memory ran out" in split_up.read_log()
    assert split_up.status()["micro_batch"] <= 4


def test_the_smaller_size_is_remembered_over_a_stop(new_run: New) -> None:
    folder = new_run(optim__packing="off")
    with memory_for(2):
        execute(folder.path)
        said = folder.read_log().count("Memory ran out")
        (folder.checkpoints_path / "checkpoint-8" / "manifest.json").unlink()
        assert execute(folder.path).state == "completed"
    assert folder.read_log().count("Memory ran out") == said


def test_a_single_row_that_does_not_fit_ends_with_remedies(new_run: New) -> None:
    folder = new_run()
    with memory_for(0):
        outcome = execute(folder.path)
    assert outcome.state == "failed"
    assert "single row" in outcome.message
    assert "gradient checkpointing" in outcome.message


def test_padded_batches_are_cut_by_rows_and_trimmed() -> None:
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]])
    batch = {"input_ids": torch.arange(12).view(3, 4), "attention_mask": mask, "labels": torch.tensor([0, 1, 2])}
    pieces = split(batch, 8)
    assert [piece["input_ids"].shape for piece in pieces] == [(2, 4), (1, 1)]
    assert [piece["labels"].tolist() for piece in pieces] == [[0, 1], [2]]
    assert split(batch, None) == [batch]
    assert len(split(batch, 1)) == 3


def test_packed_batches_are_cut_where_rows_begin() -> None:
    positions = torch.tensor([[0, 1, 2, 0, 1, 0, 1, 2, 3]])
    bounds = torch.tensor([0, 3, 5, 9], dtype=torch.int32)
    batch = {"input_ids": torch.arange(9)[None], "labels": torch.arange(9)[None], "position_ids": positions}
    batch |= {"cu_seq_lens_q": bounds, "cu_seq_lens_k": bounds, "max_length_q": 4, "max_length_k": 4}
    batch["seq_idx"] = torch.tensor([[0, 0, 0, 1, 1, 2, 2, 2, 2]])
    pieces = split(batch, 5)
    assert [piece["input_ids"][0].tolist() for piece in pieces] == [[0, 1, 2, 3, 4], [5, 6, 7, 8]]
    assert [piece["cu_seq_lens_q"].tolist() for piece in pieces] == [[0, 3, 5], [0, 4]]
    assert [(row_count(piece), piece["max_length_q"], piece["seq_idx"][0, 0].item()) for piece in pieces] == [(2, 3, 0), (1, 4, 0)]
