"""Batches in pieces: how a batch of tensors is counted and split by rows, padded or flattened into one packed sequence.

Only torch code imports this.
"""

from __future__ import annotations

from typing import Any

import torch

Batch = dict[str, Any]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this error means that memory ran out, on a GPU or in the machine."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    text = str(error)
    return any(sign in text for sign in ("out of memory", "not enough memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED"))


def is_packed(batch: Batch) -> bool:
    """Whether the rows of this batch stand one behind the other in one sequence, with positions that start anew."""
    return "position_ids" in batch and "attention_mask" not in batch


def row_count(batch: Batch, stacked: int = 1) -> int:
    """How many rows a batch holds; of a packed one, how many rows are packed in it.

    `stacked` blocks of sequences stand one below the other in it, and the n-th sequences of all of them make the n-th row. Where a row has
    any number of sequences, one below the other, `groups` holds the number of each sequence's row.
    """
    if is_packed(batch):
        return int((batch["position_ids"][0] == 0).sum())
    if "groups" in batch:
        return int(batch["groups"].unique().numel())
    return int(batch["input_ids"].shape[0]) // stacked


def token_count(batch: Batch) -> torch.Tensor:
    """The tokens of a batch without padding, as a tensor so that no GPU is waited for."""
    if "attention_mask" in batch:
        return batch["attention_mask"].sum()
    return torch.tensor(batch["input_ids"].numel(), device=batch["input_ids"].device)


def split(batch: Batch, most_tokens: int | None, stacked: int = 1) -> list[Batch]:
    """The batch in pieces of at most `most_tokens` tokens each (padding counted), but never less than a row; itself when it fits.

    `stacked` is as in `row_count`.
    """
    if most_tokens is None or batch["input_ids"].numel() <= most_tokens:
        return [batch]
    return _split_packed(batch, most_tokens) if is_packed(batch) else _split_padded(batch, most_tokens, stacked)


def _split_padded(batch: Batch, most_tokens: int, stacked: int) -> list[Batch]:
    sequences, width = batch["input_ids"].shape
    if "groups" in batch:
        return [_trimmed({key: _picked(value, sequences, piece) for key, value in batch.items()}) for piece in _groups(batch, most_tokens)]
    rows, size = sequences // stacked, max(1, most_tokens // (width * stacked))
    starts = range(0, rows, size)
    pieces = [[block * rows + row for block in range(stacked) for row in range(at, min(at + size, rows))] for at in starts]
    return [_trimmed({key: _picked(value, sequences, piece) for key, value in batch.items()}) for piece in pieces]


def _groups(batch: Batch, most_tokens: int) -> list[list[int]]:
    """The sequences of each piece: as many whole rows as fit, but never less than one."""
    width = batch["input_ids"].shape[1]
    rows: dict[int, list[int]] = {}
    for sequence, row in enumerate(batch["groups"].tolist()):
        rows.setdefault(row, []).append(sequence)
    pieces: list[list[int]] = []
    for members in rows.values():
        if pieces and (len(pieces[-1]) + len(members)) * width <= most_tokens:
            pieces[-1] += members
        else:
            pieces.append(list(members))
    return pieces


def _picked(value: Any, sequences: int, piece: list[int]) -> Any:
    return value[piece] if isinstance(value, torch.Tensor) and value.dim() and value.shape[0] == sequences else value


def _trimmed(piece: Batch) -> Batch:
    """Without the columns on the right that hold only padding."""
    mask = piece.get("attention_mask")
    if mask is None or not bool(mask[:, 0].all()):
        return piece
    width, used = mask.shape[1], int(mask.sum(dim=1).max())
    return {
        key: value[:, :used] if isinstance(value, torch.Tensor) and value.dim() == 2 and value.shape[1] == width else value
        for key, value in piece.items()
    }


def _split_packed(batch: Batch, most_tokens: int) -> list[Batch]:
    """A flattened batch, cut where packed rows begin."""
    starts = (batch["position_ids"][0] == 0).nonzero().flatten().tolist()
    ends = [*starts[1:], batch["input_ids"].shape[1]]
    pieces, first = [], 0
    for index in range(len(starts)):
        last = index + 1 == len(starts)
        if last or ends[index + 1] - starts[first] > most_tokens:
            pieces.append(_packed_slice(batch, starts[first : index + 1], ends[index]))
            first = index + 1
    return pieces


def _packed_slice(batch: Batch, starts: list[int], end: int) -> Batch:
    """The packed rows that begin at `starts`, up to `end`, with the boundaries that attention kernels need counted anew."""
    total = batch["input_ids"].shape[1]
    begin = starts[0]
    piece = {
        key: value[:, begin:end] if isinstance(value, torch.Tensor) and value.dim() == 2 and value.shape[1] == total else value
        for key, value in batch.items()
    }
    if "cu_seq_lens_q" in batch:
        bounds = torch.tensor([*(start - begin for start in starts), end - begin], dtype=torch.int32, device=batch["input_ids"].device)
        longest = int(bounds.diff().max())
        piece.update(cu_seq_lens_q=bounds, cu_seq_lens_k=bounds, max_length_q=longest, max_length_k=longest)
    if "seq_idx" in batch:
        piece["seq_idx"] = piece["seq_idx"] - piece["seq_idx"][:, :1]
    return piece
