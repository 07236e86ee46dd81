"""The model card follows the figures: its limits, its proofs, where it was trained; publishing says what is missing."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from studio.starter.card import card, device_line, limits, proofs_section
from studio.starter.domains import DOMAINS
from studio.starter.evaluation.metrics import LABELS
from studio.starter.publish import FILES, WEIGHTS, PublishError, publish, sha256, write_card

SPLITS = ("train", "templates", "slots")
PROOF = {
    "sample": "support.jsonl",
    "what": "answers that greet | sign",
    "before": "0 %",
    "after": "96 %",
    "command": "python -m studio.starter.prove",
    "rows": 50,
}
TRAINING = {
    "seed": 7,
    "steps": 100,
    "tokens": 400_000,
    "minutes": 61.2,
    "resumed": 0,
    "parameters": 3_000_000,
    "device": "CPU, 2 cores",
    "history": [{"step": 50 * n, "loss": 2.0 / n, "slots": 3.0 / n, "templates": 2.5 / n} for n in (1, 2)],
}


def _share(value: float) -> dict[str, Any]:
    return {"share": value, "low": value - 0.01, "high": value + 0.01, "hits": round(100 * value), "count": 100}


def _score(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


def _evaluation(**accuracies: float) -> dict[str, Any]:
    def row(domain: str, split: str) -> dict[str, Any]:
        accuracy = _share(accuracies.get(domain, 0.9))
        return {"domain": domain, "split": split, "accuracy": accuracy, "copied": None, "perplexity": 1.5, "distinct": 3.2,
                "varied": _share(0.8)}  # fmt: skip

    def each(**figures: Any) -> list[dict[str, Any]]:
        return [{"split": split, **copy.deepcopy(figures)} for split in SPLITS]

    return {
        "weights": "",
        "seed": 101,
        "questions_each": 100,
        "varied_prompts": 25,
        "means": each(accuracy=_share(0.88), varied=_share(0.8)),
        "rows": [row(domain, split) for domain in DOMAINS for split in SPLITS],
        "stories": each(consistent=_share(0.75), faults={"a third name": 25}),
        "sentiment": each(accuracy=_share(0.9), macro_f1=_score(0.89), f1=dict.fromkeys(LABELS, 0.89), predicted={"neither": 3}),
        "summaries": each(rouge1=_score(0.8), rouge2=_score(0.7), rougeL=_score(0.79)),
        "few_shot": each(**{"examples": 3, "without": _share(0.1), "with": _share(0.6), "gain": _score(0.5)}),
        "refusals": each(unknown_refused=_share(0.96), answerable=["facts"], answerable_refused=_share(0.02)),
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A published folder with weights of no meaning."""
    out = tmp_path / "out"
    out.mkdir()
    for name in FILES:
        (out / name).write_text("{}", encoding="utf-8")
    config = {"hidden_size": 192, "num_hidden_layers": 6, "num_attention_heads": 6, "intermediate_size": 512, "vocab_size": 3072}
    (out / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 512}), encoding="utf-8")
    (out / "training.json").write_text(json.dumps(TRAINING), encoding="utf-8")
    evaluation = {**_evaluation(), "weights": sha256(out / WEIGHTS)}
    (out / "evaluation.json").write_text(json.dumps(evaluation), encoding="utf-8")
    return out


def test_the_limits_name_what_is_weak_and_nothing_else() -> None:
    said = limits(_evaluation(sums=0.3, writing=0.1), 512)
    assert "wrong with new words in: writing (10%), sums (30%)." in said
    assert "wrong" not in limits(_evaluation(), 512).split("Of the world")[0]


def test_the_limits_say_of_examples_what_the_interval_allows() -> None:
    result = _evaluation()
    assert "showing it 3 examples helps: +50 points" in limits(result, 512)
    for row in result["few_shot"]:
        row["gain"] = {"value": 0.01, "low": -0.04, "high": 0.06}
    assert "no difference that these questions could show" in limits(result, 512)


def test_the_card_says_where_it_was_trained() -> None:
    assert device_line({"device": "CPU, 2 cores"}) == "Trained on: CPU, 2 cores; no GPU was used."
    assert device_line({"device": "NVIDIA H200"}) == "Trained on: NVIDIA H200."


def test_proofs_become_a_table_and_their_command_is_named_once() -> None:
    section = proofs_section([PROOF, {**PROOF, "what": "case numbers"}])
    assert "| support.jsonl | answers that greet \\| sign | 0 % | 96 % | 50 |" in section
    assert section.count("python -m studio.starter.prove") == 1
    assert proofs_section([]) == ""


def test_the_card_is_written_again_when_proofs_come(folder: Path) -> None:
    write_card(folder)
    before = (folder / "README.md").read_text(encoding="utf-8")
    assert "Before and after tuning" not in before
    assert sha256(folder / WEIGHTS) in before
    assert "75% (74 to 76)" in before
    (folder / "proofs.json").write_text(json.dumps([PROOF]), encoding="utf-8")
    write_card(folder)
    after = (folder / "README.md").read_text(encoding="utf-8")
    assert "## Before and after tuning" in after
    assert after == card(folder, TRAINING, json.loads((folder / "evaluation.json").read_text()), [PROOF])


def test_scores_of_other_weights_are_refused(folder: Path) -> None:
    (folder / WEIGHTS).write_text("other", encoding="utf-8")
    with pytest.raises(PublishError, match="those of other weights"):
        write_card(folder)


def test_a_training_folder_is_scored_copied_and_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.starter import evaluate
    from studio.starter.evaluation import generation
    from studio.starter.model import Shape, build, save
    from studio.starter.tokenizer import texts, train_tokenizer

    monkeypatch.setattr(generation, "LIMIT", 4)
    monkeypatch.setattr(evaluate, "DOMAINS", {name: DOMAINS[name] for name in ("greetings", "support", "facts", "unknown", "system")})
    run, out = tmp_path / "run", tmp_path / "out"
    shape = Shape(vocabulary=400, hidden=16, layers=1, heads=2, mlp=32, context=512)
    tokenizer = train_tokenizer(texts(5, 150), shape.vocabulary, shape.context)
    save(build(shape, tokenizer), tokenizer, run)
    (run / "training.json").write_text(json.dumps(TRAINING), encoding="utf-8")
    out.mkdir()
    (out / "proofs.json").write_text(json.dumps([PROOF]), encoding="utf-8")
    publish(run, out, count=2)
    assert {path.name for path in out.iterdir()} == {*FILES, "evaluation.json", "README.md"}
    text = (out / "README.md").read_text(encoding="utf-8")
    assert sha256(run / WEIGHTS) in text
    assert "More than half of its answers are wrong with new words in: " in text
    shown = evaluate.show(out, 7)
    assert shown.count("\n> ") == 7
    assert shown == evaluate.show(out, 7)


def test_a_folder_without_all_files_is_refused(folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(folder, run)
    (run / "training.json").unlink()
    with pytest.raises(PublishError, match=r"has no training\.json"):
        publish(run, folder)
