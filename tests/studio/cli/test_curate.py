"""`luthier data`: a messy file becomes a clean, checked, divided, augmented, mixed and exported dataset by commands alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
    assert "polish" in error


def test_the_report_says_how_to_mend_each_finding(messy: Luthier) -> None:
    _, report = messy("data", "report", "messy")
    assert "to fix" in report["verdict"]
    assert "personal" in {finding["flag"] for finding in report["findings"]}
    code, out, _ = messy("data", "report", "messy", text=True)
    assert code == 0
    assert "luthier data clean messy@1 --step" in out
    _, flagged = messy("data", "show", "messy", "--flag", "personal")
    assert flagged["total"] >= 1
    assert all("ann@example.com" in row["text"] for row in flagged["rows"])


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
