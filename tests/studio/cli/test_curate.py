"""`luthier data`: a messy file becomes a clean, checked, divided, augmented, mixed and exported dataset by commands alone."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.cli.step_text import step_from, step_text

Luthier = Callable[..., Any]

MESSY = [
    ("  Great   lamp, write to ann@example.com ", "Good"),
    ("Great lamp, write to ann@example.com", "good"),
    ("The kettle leaks and it smells", "bad"),
    ("<b>The chair is fine</b>", "good"),
    ("", "bad"),
    *[(f"thing number {i} does what it should and I use it every day", "good") for i in range(20)],
    *[(f"thing number {i} broke after a week and nobody answered me", "bad") for i in range(6)],
]


@pytest.fixture
def messy(luthier: Luthier, tmp_path: Path) -> Luthier:
    path = tmp_path / "messy.csv"
    path.write_text("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in MESSY))
    assert luthier("data", "import", str(path), "--name", "messy")[0] == 0
    return luthier


def test_cleaning_is_previewed_then_made_and_can_be_reapplied(messy: Luthier, tmp_path: Path) -> None:
    steps = [
        "--step",
        "normalise",
        "--step",
        "strip_html",
        "--step",
        "labels:table=Good = good",
        "--step",
        "personal",
        "--step",
        "exact_duplicates",
    ]
    _, seen = messy("data", "clean", "messy", *steps, "--preview")
    assert [step["kind"] for step in seen["steps"]] == ["normalise", "strip_html", "labels", "personal", "exact_duplicates"]
    assert len(messy("data", "show", "messy")[1]["versions"]) == 1, "a preview stores nothing"
    _, made = messy("data", "clean", "messy", *steps, "--save", "usual")
    assert made["version"]["rows"] == seen["steps"][-1]["rows_after"]
    _, shown = messy("data", "show", "messy", "--rows", "100")
    texts = [row["text"] for row in shown["rows"]]
    assert "The chair is fine" in texts
    assert not any("ann@example.com" in text or "  " in text for text in texts)
    assert {row["label"] for row in shown["rows"]} == {"good", "bad"}
    assert messy("data", "clean", "messy", "--saved", "usual")[0] == 0
    code, _, error = messy("data", "clean", "messy", "--step", "polish", text=True)
    assert code != 0
    assert error.startswith("There is no cleaning step 'polish'.\nUse normalise, ")
    _, _, error = messy("data", "clean", "messy", "--step", "normalise:speed=1", text=True)
    assert error.startswith("normalise has no setting speed.")


def test_the_report_says_how_to_mend_each_finding(messy: Luthier) -> None:
    _, report = messy("data", "report", "messy")
    assert "to fix" in report["verdict"]
    assert "personal" in {finding["flag"] for finding in report["findings"]}
    code, out, _ = messy("data", "report", "messy", text=True)
    assert code == 0
    for line in re.findall(r"mend: luthier (.*)", out):
        assert messy(*shlex.split(line), text=True)[0] == 0
    assert "Ready" in messy("data", "report", "messy")[1]["verdict"], "run one after another, the lines build on one another"
    assert "mend: luthier data clean messy@1 --step" in messy("data", "report", "messy@1", text=True)[1]
    _, flagged = messy("data", "show", "messy@1", "--flag", "personal")
    assert flagged["total"] >= 1
    assert all("ann@example.com" in row["text"] for row in flagged["rows"])


def test_a_line_that_the_report_prints_mends_its_finding_as_it_stands(luthier: Luthier, tmp_path: Path) -> None:
    """Patterns with commas, quotes and equals signs, and a table of labels with a line break."""
    answers = [
        "I'm sorry, but I can't help with that.",
        "It is open. I hope this helps!",
        *(f"The code of door {i} is {i * 7}." for i in range(30)),
    ]
    talks = [{"prompt": f"Question {i} about a door?", "completion": answer} for i, answer in enumerate(answers)]
    (tmp_path / "talks.jsonl").write_text("".join(json.dumps(talk) + "\n" for talk in talks))
    labels = ["Card, lost", "card, lost", "Pay-in", "pay-in", *["card, lost", "pay-in"] * 6]
    rows = "".join(f'"This is what customer {i} wrote to us",' + f'"{label}"\n' for i, label in enumerate(labels))
    (tmp_path / "labels.csv").write_text("text,label\n" + rows)
    for file, titles in (("talks.jsonl", ("Refusals", "Set phrases")), ("labels.csv", ("Labels that look like one",))):
        name = Path(file).stem
        assert luthier("data", "import", str(tmp_path / file), "--name", name)[0] == 0
        for title in titles:
            _, out, _ = luthier("data", "report", name, text=True)
            line = out[out.index(title) :].split("mend: ")[1].splitlines()[0]
            assert luthier(*shlex.split(line)[1:], text=True)[0] == 0
            assert title not in luthier("data", "report", name, text=True)[1]
    assert {row["label"] for row in luthier("data", "show", "labels", "--rows", "99")[1]["rows"]} == {"card, lost", "pay-in"}


@pytest.mark.parametrize("value", ["a, b", "x=1,part=all", "one\ntwo", r"\d+[^\n,]\\", "it's", " ", "\\\n", r"\,", r"\\n"])
def test_any_value_survives_as_a_word_of_the_command_line(value: str) -> None:
    step = step_from(step_text({"kind": "replace", "pattern": value, "replacement": "", "part": "answers"}))
    assert step.model_dump()["pattern"] == value
    assert step.model_dump()["part"] == "answers"
    assert step_from(r"replace: pattern=\d{1,3}, part=answers").model_dump()["pattern"] == r"\d{1,3}"


def test_what_a_version_was_made_of_is_told(messy: Luthier) -> None:
    messy("data", "clean", "messy", "--step", "strip_html")
    messy("data", "split", "messy")
    _, out, _ = messy("data", "show", "messy", text=True)
    assert "from messy.csv, 1 set aside" in out
    assert "cleaned from messy@1: 0 rows removed, 1 change\n    Strip HTML: 1 changed, 0 removed" in out
    assert "divided anew from messy@2, seed 42" in out
    _, out, _ = messy("data", "clean", "messy@1", "--step", "exact_duplicates", text=True)
    assert "Made messy@4 from messy@1" in out
    assert "It holds nothing of what was done after messy@1" in out
    _, out, _ = messy("data", "clean", "messy", "--step", "exact_duplicates", text=True)
    assert "Nothing changes; messy@4 stays as it is." in out


def test_files_that_are_not_there_and_parts_that_a_kind_lacks(luthier: Luthier, tmp_path: Path) -> None:
    _, _, error = luthier("data", "import", str(tmp_path / "none.csv"), text=True)
    assert f"There is no file {tmp_path / 'none.csv'}." in error
    _, _, error = luthier("data", "import", str(tmp_path), text=True)
    assert "is a folder" in error
    (tmp_path / "pairs.csv").write_text("q,a,b,better\n" + "".join(f"q{i},yes,no,2\n" for i in range(4)))
    maps = [word for part in ("prompt=q", "chosen=a", "rejected=b", "label=better") for word in ("--map", part)]
    code, _, error = luthier("data", "import", str(tmp_path / "pairs.csv"), "--kind", "preference", *maps, text=True)
    assert code != 0
    assert "Rows of the kind preference have no label." in error


def test_split_augment_diff_restore_export(messy: Luthier, tmp_path: Path) -> None:
    _, split = messy("data", "split", "messy", "--validation", "0.2", "--test", "0.1", "--similar")
    assert set(split["splits"]) == {"train", "validation", "test"}
    _, grown = messy("data", "augment", "messy", "--kind", "balance", "--set", "method=over")
    assert grown["added"] > 0
    assert len(set(grown["labels"].values())) == 1 or set(grown["labels"]) == {"Good", "bad", "good"}
    _, diff = messy("data", "diff", "messy@2", "messy@3")
    assert diff["added"] == grown["added"]
    assert messy("data", "restore", "messy@1", text=True)[0] == 0
    out = tmp_path / "out"
    _, files = messy("data", "export", "messy", "--out", str(out), "--format", "csv")
    assert {Path(file).suffix for file in files} >= {".csv", ".md"}
    _, again = messy("data", "import", next(file for file in files if "train" in file), "--name", "again")
    assert again["kind"] == "labelled"


def test_a_mix_is_worked_out_before_training(messy: Luthier, tmp_path: Path) -> None:
    path = tmp_path / "small.csv"
    path.write_text("text,label\n" + "".join(f"a small thing {i},good\na poor thing {i},bad\n" for i in range(4)))
    messy("data", "import", str(path), "--name", "small", "--validation", "0")
    _, mix = messy("data", "mix", "messy=1:12,small", "--temperature", "100", "--epochs", "2")
    assert [row["name"] for row in mix] == ["messy", "small"]
    assert mix[0]["rows"] == 12
    assert mix[1]["times"] > mix[0]["times"]
    assert sum(row["share"] for row in mix) == pytest.approx(1)


def test_datasets_of_different_kinds_are_not_mixed(messy: Luthier, chat_file: Callable[..., Path]) -> None:
    messy("data", "import", str(chat_file()), "--name", "chats")
    code, _, error = messy("data", "mix", "messy,chats", text=True)
    assert code != 0
    assert "messy labelled, chats chat" in error


def test_a_model_writes_drafts(messy: Luthier, tiny_model: Path) -> None:
    messy("models", "add", str(tiny_model), "--name", "tiny")
    settings = ["--set", "rows=3", "--model", "tiny"]
    _, written = messy("data", "augment", "messy", "--kind", "paraphrase", *settings)
    assert written["kept"] + written["dropped"] == 3
    assert written["version"] is None


def test_a_mapping_is_kept_and_used_again(luthier: Luthier, tmp_path: Path) -> None:
    for name in ("one", "two"):
        lines = "".join(json.dumps({"ask": f"q{i}?", "reply": f"{name} {i}"}) + "\n" for i in range(5))
        (tmp_path / f"{name}.jsonl").write_text(lines)
    maps = ["--map", "prompt=ask", "--map", "answer=reply", "--save-mapping", "ours"]
    assert luthier("data", "import", str(tmp_path / "one.jsonl"), *maps)[0] == 0
    _, version = luthier("data", "import", str(tmp_path / "two.jsonl"), "--mapping", "ours")
    assert (version["kind"], version["rows"]) == ("chat", 5)
