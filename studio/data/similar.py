"""Which texts are equal, and which are nearly so: MinHash signatures, banded into candidates, verified by true Jaccard similarity.

Two texts are near duplicates when the Jaccard similarity of their shingle sets reaches the threshold: character 4-grams where one of them
is short, word 3-grams where both are long (long texts of one language share most of their 4-grams anyway). Case, punctuation, the encoding
of accents and white space do not count. Signatures follow Broder (1997), the banding follows Leskovec, Rajaraman and Ullman, *Mining of
Massive Datasets*, chapter 3. All of it works on whole arrays: a band is sorted rather than put into a dictionary of sets, which takes a
third of the time of datasketch's index and 512 bytes a text; time grows with the number of characters. To change what counts as similar,
change `normal_form` or the two shingle functions.
"""

from __future__ import annotations

import re
import threading
import unicodedata
import zlib
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.data.schema import Row, is_conversational, message_lists
from studio.errors import DataError

CHARACTERS = 4
WORDS = 3
LONG = 1000
SEED = 20_011
MISS = 0.01
BATCH_CHARACTERS = 1_000_000
VERIFY_SHINGLES = 4_000_000
ALL_PAIRS_UP_TO = 8
NEIGHBOURS = 3
ESTIMATE_SLACK = 0.15

Progress = Callable[[int, int], None]
Ints = NDArray[np.int64]
Hashes = NDArray[np.uint32]

_NOT_WORDS = re.compile(r"[\W_]+")


class Stopped(DataError):
    """The person stopped the work before it was done; nothing was changed."""

    def __init__(self) -> None:
        super().__init__("Stopped before it was done; nothing was changed.", "Start it again when you like.")


def normal_form(text: str) -> str:
    """The text as it is compared: compatibility form, lower case, words with single spaces between; a text without words as it is."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return _NOT_WORDS.sub(" ", text.casefold()).strip() or text.strip()


def compared_texts(row: Row, kind: str) -> tuple[str, str]:
    """What of a row is compared: all that users, assistants and tools say, and what is asked before the first answer.

    A system text that many rows share would make all of them similar, so it is left out. Of a text or a labelled row both are the text.
    """
    if not is_conversational(kind):
        return row["text"], row["text"]
    said = [message for messages in message_lists(row, kind) for message in messages if message["role"] != "system"]
    asked = []
    for message in row["messages"] if kind == "chat" else row["prompt"]:
        if kind == "chat" and message["role"] == "assistant":
            break
        if message["role"] != "system":
            asked.append(message["content"])
    return "\n".join(part for message in said for part in (message["content"], message.get("tool_calls")) if part), "\n".join(asked)


def exact_groups(texts: Sequence[Hashable]) -> list[int]:
    """A group number for each text; equal texts have equal numbers. Groups are numbered in order of appearance."""
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(text, len(numbers)) for text in texts]


def near_groups(
    texts: Sequence[str],
    threshold: float = 0.8,
    permutations: int = 128,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> list[int]:
    """A group number for each text; texts that are near duplicates, directly or by a chain of others, have equal numbers.

    `threshold` is the least Jaccard similarity, above 0 and at most 1. `progress(done, total)` counts texts. Equal arguments give equal
    groups. Raises `Stopped` when `stop` is set.
    """
    if not 0 < threshold <= 1:
        raise DataError(f"A similarity of {threshold} cannot be asked for.", "Choose one above 0 and at most 1, such as 0.8.")
    if not 8 <= permutations <= 1024:
        raise DataError(f"{permutations} permutations cannot be used.", "Choose 8 to 1024, such as 128.")
    forms: dict[str, int] = {}
    place = [forms.setdefault(normal_form(text), len(forms)) for text in texts]
    distinct = list(forms)
    del forms
    lengths = np.fromiter(map(len, distinct), np.int64, len(distinct))
    tracker = _Tracker(progress, stop, len(texts))
    groups = Components(len(distinct))
    short = np.flatnonzero(lengths < LONG / threshold)
    long = np.flatnonzero(lengths >= LONG)
    if not (lengths < LONG).any():
        short = short[:0]
    whole = max(1, len(short) + len(long))
    done = 0
    for rows, shingles in ((short, _character_shingles), (long, _word_shingles)):
        if len(rows) > 1:
            _Search([distinct[row] for row in rows], shingles, threshold, permutations).run(
                lambda left, right, rows=rows: groups.join(rows[left], rows[right]),  # type: ignore[misc]
                lambda share, base=done, size=len(rows): tracker.at((base + share * size) / whole),  # type: ignore[misc]
            )
        done += len(rows)
    tracker.at(1.0)
    roots = groups.roots()
    return exact_groups([int(roots[index]) for index in place])


def jaccard(first: str, second: str) -> float:
    """The similarity of two texts as `near_groups` measures it, between 0 and 1."""
    one, other = normal_form(first), normal_form(second)
    if one == other:
        return 1.0
    shingles = _word_shingles if min(len(one), len(other)) >= LONG else _character_shingles
    values, starts = shingles([one, other])
    left, right = set(values[: starts[1]].tolist()), set(values[starts[1] :].tolist())
    return len(left & right) / len(left | right)


class Components:
    """Connected components over `count` items, by union with the smaller number as root."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def root(self, item: int) -> int:
        parent = self._parent
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    def join(self, left: Sequence[int] | Ints, right: Sequence[int] | Ints) -> None:
        """Put each pair of items into one component."""
        for one, other in zip(np.asarray(left).tolist(), np.asarray(right).tolist(), strict=True):
            one, other = self.root(one), self.root(other)
            if one != other:
                self._parent[max(one, other)] = min(one, other)

    def roots(self) -> Ints:
        """The root of each item; items of one component have the same."""
        roots = np.array(self._parent, np.int64)
        while not np.array_equal(further := roots[roots], roots):
            roots = further
        return roots


class _Tracker:
    """Tells how far the work is, and ends it when asked to."""

    def __init__(self, progress: Progress | None, stop: threading.Event | None, total: int) -> None:
        self.progress, self.stop, self.total = progress, stop, total

    def at(self, share: float) -> None:
        if self.stop is not None and self.stop.is_set():
            raise Stopped
        if self.progress is not None:
            self.progress(min(self.total, round(share * self.total)), self.total)


class _Search:
    """One search over texts in normal form with one kind of shingles."""

    def __init__(self, texts: list[str], shingles: Callable[[list[str]], tuple[Hashes, Ints]], threshold: float, permutations: int) -> None:
        self.texts, self.shingles, self.threshold = texts, shingles, threshold
        self.rows_a_band, self.bands = _banding(threshold, permutations)
        random = np.random.default_rng(SEED)
        count = self.rows_a_band * self.bands
        self.factors = random.integers(0, 2**31, count, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
        self.masks = random.integers(0, 2**32, count, dtype=np.uint32)
        self.groups = Components(len(texts))
        self.rejected = np.zeros(0, np.int64)

    def run(self, found: Callable[[Ints, Ints], None], at: Callable[[float], None]) -> None:
        """Call `found(left, right)` with verified pairs that connect all near duplicates; `at(share)` tells how far the search is."""
        signatures = self._signatures(lambda share: at(share * 0.7))
        for band in range(self.bands):
            for left, right in self._candidates(signatures, band):
                near = self._near(signatures, left, right)
                self.groups.join(*near)
                found(*near)
            at(0.7 + 0.3 * (band + 1) / self.bands)

    def _near(self, signatures: Hashes, left: Ints, right: Ints) -> tuple[Ints, Ints]:
        """Those pairs that are near duplicates, without the ones that are known to be connected or were looked at before."""
        roots = self.groups.roots()
        apart = roots[left] != roots[right]
        code = _sorted_set(np.minimum(left, right)[apart] * len(self.texts) + np.maximum(left, right)[apart])
        code = code[~np.isin(code, self.rejected)]
        left, right = np.divmod(code, len(self.texts))
        likely = _agreement(signatures, left, right) >= self.threshold - ESTIMATE_SLACK
        near = np.zeros(len(code), bool)
        near[likely] = self._verified(left[likely], right[likely])
        self.rejected = np.concatenate([self.rejected, code[~near]])
        return left[near], right[near]

    def _signatures(self, at: Callable[[float], None]) -> Hashes:
        """The least hash of each text's shingles under each permutation; (texts, permutations)."""
        signatures = np.empty((len(self.texts), len(self.factors)), np.uint32)
        for start, end in _batches(self.texts):
            values, starts = self.shingles(self.texts[start:end])
            mixed = np.empty_like(values)
            for column, (factor, mask) in enumerate(zip(self.factors, self.masks, strict=True)):
                np.bitwise_xor(values, mask, out=mixed)
                np.multiply(mixed, factor, out=mixed)
                signatures[start:end, column] = np.minimum.reduceat(mixed, starts)
            at(end / len(self.texts))
        return signatures

    def _candidates(self, signatures: Hashes, band: int) -> Iterator[tuple[Ints, Ints]]:
        """Pairs of texts that agree in a whole band: first each with the first of its bucket, then those that this may have left apart.

        In a small bucket that is every pair, in a large one each text with its neighbours, which agree in more than the band.
        """
        first = band * self.rows_a_band
        key = _combined(signatures[:, first : first + self.rows_a_band])
        order = np.lexsort((signatures[:, (first + self.rows_a_band) % signatures.shape[1]], key))
        sorted_key = key[order]
        starts = np.flatnonzero(np.concatenate([[True], sorted_key[1:] != sorted_key[:-1]]))
        sizes = np.diff(np.append(starts, len(order)))
        offset = np.arange(len(order)) - np.repeat(starts, sizes)
        yield order[np.repeat(starts, sizes)][offset > 0], order[offset > 0]
        small = np.repeat(sizes <= ALL_PAIRS_UP_TO, sizes)
        later = [np.flatnonzero((offset > step) & (small | (step <= NEIGHBOURS))) for step in range(1, ALL_PAIRS_UP_TO - 1)]
        yield np.concatenate([order[which - step] for step, which in enumerate(later, 1)]), order[np.concatenate(later)]

    def _verified(self, left: Ints, right: Ints) -> NDArray[np.bool_]:
        """Whether the true similarity of each pair reaches the threshold."""
        near = np.zeros(len(left), bool)
        most = max(1, VERIFY_SHINGLES // 2)
        lengths = np.fromiter((len(self.texts[row]) for row in np.concatenate([left, right]).tolist()), np.int64, 2 * len(left))
        cost = np.cumsum(lengths[: len(left)] + lengths[len(left) :])
        start = 0
        while start < len(left):
            end = max(start + 1, int(np.searchsorted(cost, (cost[start - 1] if start else 0) + most, side="right")))
            near[start:end] = self._similarity(left[start:end], right[start:end]) >= self.threshold
            start = end
        return near

    def _similarity(self, left: Ints, right: Ints) -> NDArray[np.float64]:
        """The true Jaccard similarity of each pair: shared shingles over all shingles."""
        rows, index = np.unique(np.concatenate([left, right]), return_inverse=True)
        values, starts = self.shingles([self.texts[row] for row in rows.tolist()])
        sizes = np.diff(np.append(starts, len(values)))
        counts = sizes[index]
        pair = np.repeat(np.tile(np.arange(len(left)), 2), counts)
        ends = np.cumsum(counts)
        taken = np.arange(ends[-1]) - np.repeat(ends - counts, counts) + np.repeat(starts[index], counts)
        keys = np.sort((pair.astype(np.uint64) << np.uint64(32)) | values[taken])
        shared = np.bincount((keys[1:][keys[1:] == keys[:-1]] >> np.uint64(32)).astype(np.int64), minlength=len(left))
        return np.asarray(shared / (counts[: len(left)] + counts[len(left) :] - shared))


def _sorted_set(values: NDArray[Any]) -> NDArray[Any]:
    """The distinct values in order; `np.unique` hashes large numbers, which takes ten times as long."""
    values = np.sort(values)
    return values[np.concatenate([np.ones(min(1, len(values)), bool), values[1:] != values[:-1]])]


def _banding(threshold: float, permutations: int) -> tuple[int, int]:
    """Rows a band and bands: the longest bands by which a pair at the threshold is missed with a chance of at most `MISS`."""
    for rows in range(permutations, 1, -1):
        bands = permutations // rows
        if (1 - threshold**rows) ** bands <= MISS:
            return rows, bands
    return 1, permutations


def _batches(texts: list[str]) -> Iterator[tuple[int, int]]:
    """Ranges of texts of at most about `BATCH_CHARACTERS` characters."""
    start = size = 0
    for index, text in enumerate(texts):
        size += len(text)
        if size >= BATCH_CHARACTERS:
            yield start, index + 1
            start, size = index + 1, 0
    if start < len(texts):
        yield start, len(texts)


def _agreement(signatures: Hashes, left: Ints, right: Ints) -> NDArray[np.float64]:
    """The share of permutations in which two signatures agree, an estimate of the Jaccard similarity."""
    shares = np.empty(len(left))
    for start in range(0, len(left), 50_000):
        part = slice(start, start + 50_000)
        shares[part] = (signatures[left[part]] == signatures[right[part]]).mean(axis=1)
    return shares


def _combined(columns: Hashes) -> NDArray[np.uint64]:
    """One number for each row of hashes."""
    key = np.zeros(len(columns), np.uint64)
    for column in range(columns.shape[1]):
        key = (key ^ columns[:, column]) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    return key


def _mixed(values: NDArray[np.uint64]) -> Hashes:
    """32 well-mixed bits of each number."""
    values = (values ^ (values >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
    return np.asarray((values ^ (values >> np.uint64(27))) >> np.uint64(16), np.uint64).astype(np.uint32)


def _character_shingles(texts: list[str]) -> tuple[Hashes, Ints]:
    """The hashes of each text's character 4-grams, without repetition, one text after the other, and where each text begins."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    return _shingled(codes, lengths, CHARACTERS)


def _word_shingles(texts: list[str]) -> tuple[Hashes, Ints]:
    """The same of word 3-grams."""
    words = [text.split() for text in texts]
    known: dict[str, int] = {}
    codes = np.fromiter(
        (known.get(word) or known.setdefault(word, zlib.crc32(word.encode("utf-8", "surrogatepass"))) for row in words for word in row),
        np.uint64,
    )
    return _shingled(codes, np.fromiter(map(len, words), np.int64, len(words)), WORDS)


def _shingled(codes: NDArray[np.uint64], lengths: Ints, size: int) -> tuple[Hashes, Ints]:
    """Hashes of `size` codes in a row, of fewer where a text has fewer; a text has at least one."""
    padded = np.concatenate([codes, np.zeros(size, np.uint64)])
    ends = np.cumsum(lengths)
    room = np.repeat(ends, lengths) - np.arange(len(codes))  # codes from here to the end of the text
    hashed = np.zeros(len(codes), np.uint64)
    for step in range(size):
        part = np.where(room > step, padded[step : step + len(codes)] + np.uint64(1), np.uint64(0))
        hashed = (hashed ^ part) * np.uint64(0x9E3779B97F4A7C15)
        hashed ^= hashed >> np.uint64(32)
    kept = (room >= size) | (np.arange(len(codes)) == np.repeat(ends - lengths, lengths))
    owner = np.repeat(np.arange(len(lengths), dtype=np.uint64), lengths)[kept]
    keys = (owner << np.uint64(32)) | _mixed(hashed[kept])
    keys = np.concatenate([keys, np.flatnonzero(lengths == 0).astype(np.uint64) << np.uint64(32)])
    keys = _sorted_set(keys)
    starts = np.searchsorted(keys, np.arange(len(lengths), dtype=np.uint64) << np.uint64(32))
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.uint32), starts
