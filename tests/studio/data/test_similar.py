"""Near duplicates are found wherever brute force finds them, and nothing else is; long and short texts, any script, any order."""

from __future__ import annotations

import random
import threading

import pytest

from studio.data.similar import LONG, Components, Stopped, exact_groups, jaccard, near_groups, normal_form
from studio.errors import DataError

ENDS = ("a", "ing", "ed", "os", "y", "um", "er")
WORDS = [a + b + c for a in ("ba", "re", "ki", "lo", "mu", "sta", "de", "vo") for b in ("n", "ster", "vel", "rk") for c in ENDS]


def sentence(rng: random.Random, least: int = 15, most: int = 40) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(least, most)))


def changed(rng: random.Random, text: str, way: int) -> str:
    words = text.split()
    at = rng.randrange(len(words))
    if way == 0:
        words[at] = words[at][::-1]
    elif way == 1:
        words.insert(at, "really")
    elif way == 2:
        del words[at]
    else:
        return text.upper().replace(" ", "  ") + "."
    return " ".join(words)


def test_seeded_near_duplicates_are_found_and_nothing_else() -> None:
    rng = random.Random(5)
    texts = [sentence(rng) for _ in range(3000)]
    seeded = {len(texts) + i: rng.randrange(3000) for i in range(300)}
    texts += [changed(rng, texts[source], i % 4) for i, source in enumerate(seeded.values())]
    groups = near_groups(texts)
    close = {copy: source for copy, source in seeded.items() if jaccard(texts[copy], texts[source]) >= 0.8}
    assert len(close) > 270
    assert sum(groups[copy] == groups[source] for copy, source in close.items()) / len(close) >= 0.99
    by_source: dict[int, int] = {}
    for index, group in enumerate(groups):
        source = seeded.get(index, index)
        assert by_source.setdefault(group, source) == source  # a group never holds texts of two sources


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.95])
def test_as_brute_force_finds_them(threshold: float) -> None:
    rng = random.Random(7)
    texts = [sentence(rng, 3, 8) for _ in range(30)]
    for _ in range(60):
        texts.append(changed(rng, rng.choice(texts), rng.randrange(4)) or "a")
    expected = Components(len(texts))
    pairs = [(i, j) for i in range(len(texts)) for j in range(i) if jaccard(texts[i], texts[j]) >= threshold]
    expected.join([i for i, _ in pairs], [j for _, j in pairs])
    assert near_groups(texts, threshold) == exact_groups(expected.roots().tolist())


def test_long_texts_and_those_at_the_limit_between_short_and_long() -> None:
    rng = random.Random(9)
    long = [sentence(rng, 400, 500) for _ in range(40)]
    copies = [changed(rng, changed(rng, text, 0), 1) for text in long]
    groups = near_groups(long + copies)
    assert groups[:40] == list(range(40))
    assert groups[40:] == groups[:40]
    text = sentence(rng, 400, 400)
    short, longer = text[: LONG - 40], text[: LONG + 40]
    others = [sentence(rng, 400, 400)[:length] for length in (LONG - 50, LONG + 50, 3 * LONG)]
    groups = near_groups([short, *others, longer])
    assert groups == [0, 1, 2, 3, 0]


def test_case_punctuation_and_spaces_do_not_count() -> None:
    assert normal_form("  Where's\u00a0my—PARCEL?! ") == "where s my parcel"
    assert near_groups(["Where is my parcel?", "where is  MY parcel", "Ｗhere is my parcel!!", "Where is my bill?"]) == [0, 0, 0, 1]
    assert near_groups(["???", "!!!", "???", "", "  ", ""]) == [0, 1, 0, 2, 2, 2]
    assert near_groups(["昨日は東京でとても良い天気でした", "昨日は東京でとても良い天気でした。", "明日は大阪で雨が降るそうです"]) == [
        0,
        0,
        1,
    ]


def test_texts_of_a_template_are_grouped_quickly() -> None:
    texts = [f"Where is the order with the number {i}, please tell me, I have waited for it a very long time" for i in range(2000)]
    assert set(near_groups(texts)) == {0}
    assert len(set(near_groups(texts, 1.0))) == 2000


def test_equal_arguments_give_equal_groups_and_order_does_not_matter() -> None:
    rng = random.Random(11)
    texts = [sentence(rng) for _ in range(300)]
    texts += [changed(rng, text, 0) for text in texts[:100]]
    groups = near_groups(texts)
    assert groups == near_groups(texts)
    backwards = near_groups(texts[::-1])[::-1]
    assert exact_groups(backwards) == groups


def test_few_texts() -> None:
    assert near_groups([]) == []
    assert near_groups(["a"]) == [0]
    assert near_groups(["a", "a"]) == [0, 0]
    assert exact_groups(["b", "a", "b", "B"]) == [0, 1, 0, 2]
    assert near_groups(["\ud800 lone", "\ud800 lone"]) == [0, 0]


def test_progress_and_stop() -> None:
    rng = random.Random(13)
    texts = [sentence(rng) for _ in range(500)]
    seen: list[tuple[int, int]] = []
    near_groups(texts, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (500, 500)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    stop = threading.Event()
    with pytest.raises(Stopped, match="nothing was changed"):
        near_groups(texts, progress=lambda done, total: stop.set(), stop=stop)


@pytest.mark.parametrize(("threshold", "permutations"), [(0, 128), (1.1, 128), (0.8, 4)])
def test_settings_that_make_no_sense_are_refused(threshold: float, permutations: int) -> None:
    with pytest.raises(DataError, match="cannot be"):
        near_groups(["a", "b"], threshold, permutations)
