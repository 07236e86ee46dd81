"""The report finds what was put into the data, counts it right, and each of its buttons mends what it names."""

from __future__ import annotations

import random
import threading

import pytest

from studio.data import flags, store
from studio.data.cleaning.pipeline import Pipeline
from studio.data.cleaning.run import clean
from studio.data.quality import latest, report
from studio.data.quality.findings import Finding
from studio.data.similar import Stopped
from studio.data.splits import SplitSettings
from tests.tiny import make_tokenizer

NOUNS = "harbour lantern meadow violin ladder cobbler orchard saddle glacier pepper bridge curtain anchor barrel candle".split()  # noqa: SIM905
VERBS = "paints follows repairs borrows sketches polishes forgets carries measures gathers whispers studies".split()  # noqa: SIM905
GERMAN = ("Wo ist mein Paket, bitte?", "Wie lange hat der Laden am Samstag geöffnet?", "Kann ich die Rechnung auch später bezahlen?")


def sentence(rng: random.Random, length: int = 9) -> str:
    words = [rng.choice(NOUNS if i % 2 == 0 else VERBS) for i in range(length)]
    return f"The {' '.join(words)} near house {rng.randrange(10**6)}."


def chat(question: str, answer: str) -> dict:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def pair(question: str, chosen: str, rejected: str) -> dict:
    say = lambda text: [{"role": "assistant", "content": text}]  # noqa: E731
    return {"prompt": [{"role": "user", "content": question}], "chosen": say(chosen), "rejected": say(rejected)}


def chats(count: int, seed: int = 1) -> list[dict]:
    rng = random.Random(seed)
    return [chat(sentence(rng), sentence(rng, 13)) for _ in range(count)]


def stored(ws, kind: str, train: list[dict], validation: list[dict] = (), test: list[dict] = (), name: str = "data"):
    return store.add_version(ws, name, kind, {"train": train, "validation": list(validation), "test": list(test)}, {"kind": "test"})


def found(ws, ref: str = "data", **options) -> dict[str, Finding]:
    return {finding.kind: finding for finding in report(ws, ref, **options).findings}


def mended(ws, finding: Finding, ref: str = "data"):
    """The new version after the finding's button."""
    assert finding.fix is not None
    assert finding.button
    if finding.fix["kind"] == "split":
        return store.resplit(ws, ref, SplitSettings(**{name: value for name, value in finding.fix.items() if name != "kind"}))
    return clean(ws, ref, Pipeline.parse([finding.fix]))


def test_clean_data_is_ready(workspace):
    stored(workspace, "chat", chats(80), chats(10, seed=2))
    made = report(workspace, "data")
    assert made.verdict == "Ready"
    assert made.findings == []
    assert (made.rows, made.splits) == (90, {"train": 80, "validation": 10})
    assert made.languages["en"] >= 85
    assert made.turns.counts == {2: 90}
    assert made.lengths.unit == "characters"
    assert sum(count for *_, count in made.lengths.bins) == 90


def test_leaks_are_found_whatever_their_way(workspace):
    rows, held = chats(100), chats(20, seed=2)
    question, answer = (message["content"] for message in rows[3]["messages"])
    held[0] = rows[5]
    held[1] = chat(question, answer.replace("The", "The old"))
    held[2] = chat(rows[7]["messages"][0]["content"].upper(), "Something else that nobody ever said before, at all.")
    stored(workspace, "chat", rows, held)
    made = report(workspace, "data")
    assert (made.leakage.exact, made.leakage.near, made.leakage.prompt, made.leakage.held_out) == (1, 1, 1, 20)
    leak = next(finding for finding in made.findings if finding.kind == "leak")
    assert leak.severity == "fix"
    assert leak.rows == [("validation", 0), ("validation", 1), ("validation", 2)]
    mended(workspace, leak)
    after = report(workspace, "data")
    assert after.leakage.rows == 0
    assert after.splits == {"train": 100, "validation": 20}


def test_prompts_of_preference_rows_leak_too(workspace):
    rng = random.Random(4)
    rows = [pair(sentence(rng), sentence(rng), sentence(rng)) for _ in range(60)]
    held = [pair(sentence(rng), sentence(rng), sentence(rng)) for _ in range(10)]
    held[4] = pair(rows[9]["prompt"][0]["content"].replace("near", "close to"), sentence(rng), sentence(rng))
    test = [pair(held[6]["prompt"][0]["content"], sentence(rng), sentence(rng))]
    stored(workspace, "preference", rows, held, test)
    leak = found(workspace)["leak"]
    assert (leak.count, leak.rows) == (2, [("validation", 4), ("test", 0)])
    assert "prompt" in leak.text
    mended(workspace, leak)
    assert "leak" not in found(workspace)


def test_a_system_text_that_all_rows_share_is_no_leak(workspace):
    system = {"role": "system", "content": "You are the assistant of a small shop and answer politely, briefly and in plain words. " * 5}
    rows = [{"messages": [system, *row["messages"]]} for row in chats(40)]
    stored(workspace, "chat", rows[:30], rows[30:])
    assert set(found(workspace)) == {"few"}
    twice = rows[1]["messages"][2]["content"]
    rows.append({"messages": [*rows[1]["messages"][:2], {"role": "assistant", "content": f"{twice} Indeed."}]})
    stored(workspace, "chat", rows)
    near = found(workspace)["near_duplicate"]
    assert near.count == 1
    assert mended(workspace, near).rows == 40


def test_duplicates_are_counted_as_the_steps_remove_them(workspace):
    rows = chats(200)
    rows += [rows[1], chat(rows[2]["messages"][0]["content"].upper(), rows[2]["messages"][1]["content"])]
    rows += [chat(row["messages"][0]["content"], row["messages"][1]["content"].replace("house", "home")) for row in rows[10:14]]
    stored(workspace, "chat", rows)
    before = found(workspace)
    assert (before["duplicate"].count, before["duplicate"].rows) == (2, [("train", 200), ("train", 201)])
    assert (before["near_duplicate"].count, before["near_duplicate"].severity) == (4, "fix")
    assert mended(workspace, before["duplicate"]).rows == 204
    assert mended(workspace, found(workspace)["near_duplicate"]).rows == 200
    assert not {"duplicate", "near_duplicate"} & set(found(workspace))


def test_labels_that_disagree_and_labels_that_look_like_one(workspace):
    rng = random.Random(6)
    rows = [{"text": sentence(rng), "label": "good" if i % 2 else "bad"} for i in range(100)]
    rows += [{"text": rows[20]["text"] + " Truly", "label": "bad"}, {"text": rows[20]["text"], "label": "good"}]
    rows += [{"text": rows[21]["text"], "label": "bad"}, {"text": sentence(rng), "label": "Good "}]
    stored(workspace, "labelled", rows)
    before = found(workspace)
    assert before["label_suspect"].rows == [("train", 21), ("train", 101), ("train", 102)]
    assert before["label_suspect"].severity == "look"
    assert before["labels"].count == 1
    assert before["labels"].fix["table"] == "Good = good"
    mended(workspace, before["labels"])
    assert "labels" not in found(workspace)
    assert [item.label for item in report(workspace, "data").classes] == ["bad", "good"]


def test_answer_length_bias(workspace):
    rng = random.Random(8)
    long, short = "a long answer that goes on and on", "short one"
    rows = [pair(sentence(rng), *((f"{long} {i}", f"{short} {i}") if i < 75 else (f"{short} {i}", f"{long} {i}"))) for i in range(100)]
    rows += [pair(sentence(rng), f"same {i:03}", f"even {i:03}") for i in range(20)]
    stored(workspace, "preference", rows)
    made = report(workspace, "data")
    bias = made.length_bias
    assert (bias.pairs, bias.longer, bias.shorter, bias.equal, bias.share) == (120, 75, 25, 20, 0.75)
    assert bias.p_value == pytest.approx(5.6e-7, rel=0.02)
    assert (bias.low, bias.high) == pytest.approx((0.653, 0.831), abs=0.001)
    assert next(finding for finding in made.findings if finding.kind == "length_bias").title == "Longer answers are preferred"
    fair = [pair(sentence(rng), *((long, short) if i % 2 else (short, long))) for i in range(100)]
    stored(workspace, "preference", fair, name="fair")
    assert "length_bias" not in found(workspace, "fair")


def test_what_is_written_in_rows(workspace):
    rng = random.Random(9)
    rows = chats(120)
    rows[0] = chat(sentence(rng), "<p>Your parcel is <b>late</b> today.</p>")
    rows[1] = chat("The cafÃ© is closed, isnâ€™t it?", sentence(rng))
    rows[2] = chat("Where can I write?", "Write to anna.berg@posteo.example.org, or call +49 30 901820.")
    rows[3] = chat(sentence(rng), "N/A")
    rows[4] = chat(sentence(rng), " ")
    rows[5] = chat(sentence(rng), "I'm sorry, but I can't help with that request.")
    rows[6] = chat(sentence(rng), "It opens at nine. I hope this helps!")
    rows[7] = chat(sentence(rng) + " <|im_end|>", sentence(rng))
    rows[8] = {"messages": [*rows[8]["messages"], {"role": "user", "content": "And what about tomorrow in the evening?"}]}
    rows[9] = {"messages": [{"role": "user", "content": "First of all, hello."}, *rows[9]["messages"]]}
    rows[10:17] = [chat(sentence(rng), "This depends on where you live; look it up on our page.") for _ in range(7)]
    rows[17:20] = [chat(question, "Das weiß ich leider nicht genau; schauen Sie auf unserer Seite nach.") for question in GERMAN]
    stored(workspace, "chat", rows)
    before = found(workspace)
    expected = {
        kind: [row]
        for row, kind in enumerate(
            ("html", "mojibake", "personal", "missing", "one_sided", "refusal", "boilerplate", "control_tokens", "unanswered", "irregular")
        )
    }
    expected |= {"repeated": [*range(10, 17)], "language": [17, 18, 19]}
    assert {kind: [row for _, row in before[kind].rows] for kind in expected} == expected
    assert set(before) - set(expected) == {"no_split"}
    assert report(workspace, "data").verdict == "6 things to fix"
    names = flags.flags(workspace, "data")
    assert set(names[2]) == {"personal"}
    assert "boilerplate" in names[10]
    for kind in sorted(set(expected) - {"repeated"}):
        mended(workspace, before[kind])
    after = report(workspace, "data")
    assert set(expected) & {finding.kind for finding in after.findings} == {"repeated"}
    assert after.verdict == "Ready"
    mended(workspace, before["no_split"])
    assert report(workspace, "data").splits["validation"] > 5


def test_length_in_tokens_and_what_is_cut(workspace):
    rows = chats(60)
    rows[7] = chat("where is my parcel " * 100, "the shop opens at nine")
    stored(workspace, "chat", rows)
    tokenizer = make_tokenizer()
    longest = max(
        len(tokenizer.apply_chat_template(row["messages"], return_dict=True)["input_ids"]) for i, row in enumerate(rows) if i != 7
    )
    assert "truncated" not in {name for names in flags.flags(workspace, "data") for name in names}
    made = report(workspace, "data", tokenizer, max_length=longest)
    assert made.lengths.unit == "tokens"
    assert made.lengths.limit == longest
    cut = next(finding for finding in made.findings if finding.kind == "truncated")
    assert (cut.count, cut.rows, cut.severity) == (1, [("train", 7)], "look")
    assert made.tokens.truncated == made.lengths.over == 1
    assert made.tokens.untrained == 1
    assert "nothing is left to learn" in cut.text
    assert flags.facts(store.get_version(workspace, "data"))["tokens"][7].as_py() > longest


def test_the_length_step_of_the_report_removes_what_is_cut(workspace, tiny_model):
    from studio.models.loading import load_tokenizer
    from studio.models.registry import add_local

    add_local(workspace, tiny_model, "tiny")
    tokenizer = load_tokenizer(workspace, "tiny")
    rng = random.Random(3)
    rows = [chat("where is my parcel " * rng.randint(1, 30), f"good {i}") for i in range(60)]
    stored(workspace, "chat", rows)
    cut = found(workspace, tokenizer=tokenizer, max_length=64, model="tiny")["truncated"]
    assert flags.flags(workspace, "data")[cut.rows[0][1]].count("truncated") == 1
    assert mended(workspace, cut).rows <= 60 - cut.count
    assert "truncated" not in found(workspace, tokenizer=tokenizer, max_length=64, model="tiny")


def test_kinds_without_conversations(workspace):
    rng = random.Random(12)
    stored(workspace, "text", [{"text": sentence(rng, 30)} for _ in range(60)] + [{"text": "-"}], [{"text": sentence(rng)}])
    made = report(workspace, "data")
    assert [finding.kind for finding in made.findings] == ["missing"]
    assert made.turns is None
    assert made.classes == []
    prompts = [{"prompt": [{"role": "user", "content": sentence(rng)}]} for _ in range(60)]
    stored(workspace, "prompt", prompts, prompts[:1], name="prompts")
    assert [finding.kind for finding in report(workspace, "prompts").findings] == ["leak", "duplicate"]


@pytest.mark.parametrize("kind", ["unpaired", "ranking", "rating"])
def test_other_kinds_with_answers(workspace, kind):
    rng = random.Random(14)
    rows = []
    for i in range(60):
        answers = [[{"role": "assistant", "content": sentence(rng)}] for _ in range(3)]
        extra = {"unpaired": {"completion": answers[0], "label": bool(i % 2)}, "rating": {"completion": answers[0], "score": i / 60},
                 "ranking": {"completions": answers, "ranks": [2, 1, 3]}}[kind]  # fmt: skip
        rows.append({"prompt": [{"role": "user", "content": sentence(rng)}], **extra})
    stored(workspace, kind, rows[:50], rows[50:])
    assert report(workspace, "data").verdict == "Ready"
    made = report(workspace, "data", make_tokenizer(), max_length=2000)
    assert made.verdict == "Ready"
    assert [item.label for item in made.classes] == (["False", "True"] if kind == "unpaired" else [])


def test_classes_of_unequal_size(workspace):
    rng = random.Random(15)
    rows = [{"text": sentence(rng), "label": "usual" if i % 50 else "rare"} for i in range(150)]
    stored(workspace, "labelled", rows, [{"text": sentence(rng), "label": "usual"}])
    made = report(workspace, "data")
    assert [(item.label, item.rows, item.splits) for item in made.classes] == [
        ("usual", 148, {"train": 147, "validation": 1}),
        ("rare", 3, {"train": 3}),
    ]
    assert next(finding for finding in made.findings if finding.kind == "imbalance").rows == [("train", 0), ("train", 50), ("train", 100)]


def test_the_report_is_kept_and_made_anew_when_something_else_is_asked(workspace, monkeypatch):
    info = stored(workspace, "chat", chats(60))
    first = report(workspace, "data")
    monkeypatch.setattr("studio.data.quality.reports._measured", lambda *_: pytest.fail("worked out again"))
    assert report(workspace, "data") == first
    with pytest.raises(pytest.fail.Exception):
        report(workspace, "data", make_tokenizer())
    monkeypatch.undo()
    monkeypatch.setattr("studio.data.flags.scan", lambda *_: pytest.fail("rows read again"))
    with_tokens = report(workspace, "data", make_tokenizer(), max_length=20)
    assert with_tokens.tokens.truncated == 60
    assert report(workspace, "data", make_tokenizer(), max_length=2000).tokens.truncated == 0
    assert report(workspace, "data", make_tokenizer(), max_length=20).tokens.truncated == 60
    assert all("truncated" in names for names in flags.flags(workspace, "data"))
    assert latest(workspace, "data") == report(workspace, "data", make_tokenizer(), max_length=20)
    store.rename(workspace, "data", "renamed")
    assert latest(workspace, "renamed").ref == "renamed@1"
    assert report(workspace, "renamed").ref == "renamed@1"
    for path in info.folder.glob("report-*.json"):
        path.write_text("{broken")
    assert latest(workspace, "renamed") is None
    assert report(workspace, "renamed").findings == first.findings


def test_damaged_flags_are_worked_out_again(workspace):
    info = stored(workspace, "chat", chats(30))
    before = flags.flags(workspace, "data")
    assert flags.known(info)
    (info.folder / flags.FILE).write_bytes(b"nothing")
    assert not flags.known(info)
    assert flags.flags(workspace, "data") == before


def test_progress_and_stop(workspace):
    info = stored(workspace, "chat", chats(1500))
    seen: list[tuple[int, int]] = []
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        report(workspace, "data", stop=stop)
    assert sorted(path.name for path in info.folder.iterdir() if "parquet" not in path.name or "flags" in path.name) == []
    report(workspace, "data", make_tokenizer(), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (1500, 1500)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len(seen) > 10
