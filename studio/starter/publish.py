"""Puts a trained model into its place: `python -m studio.starter.publish --run DIR --out assets/starter [--count 80]`.

Scores the model of a training folder, copies its Hugging Face files (not its checkpoint), and writes the model card. Each file is
replaced in one go, the weights last, so readers never see half a file. `--card-only` writes the card again from what is in
`--out`, which is what a change of its text in `card.py` or of `proofs.json` needs.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from studio.errors import StudioError
from studio.starter.card import WEIGHTS, card, sha256

__all__ = ["WEIGHTS", "card", "publish", "sha256", "write_card"]

FILES = (
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "training.json",
    WEIGHTS,
)


class PublishError(StudioError):
    """The model cannot be published or described from what is there."""


def check(run: Path) -> None:
    """Refuses a folder that lacks a file."""
    missing = [name for name in FILES if not (run / name).is_file()]
    if missing:
        raise PublishError(f"{run} has no {', '.join(missing)}.", "Give the folder that studio.starter.train wrote.")


def copy(run: Path, out: Path) -> None:
    """Copies the model's files, each aside first and the weights last."""
    out.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        aside = out / f".{name}.part"
        shutil.copyfile(run / name, aside)
        aside.replace(out / name)


def _read(path: Path) -> Any:
    if not path.is_file():
        raise PublishError(f"{path} is missing.", "Publish a training folder with --run first.")
    return json.loads(path.read_text(encoding="utf-8"))


def write_card(out: Path) -> None:
    """Writes the model card from the files in `out`: training, evaluation, and the proofs if there are any."""
    training, evaluation = _read(out / "training.json"), _read(out / "evaluation.json")
    if evaluation["weights"] != sha256(out / WEIGHTS):
        raise PublishError("The scores are those of other weights.", f"Run `python -m studio.starter.evaluate --model {out}` first.")
    proofs = _read(out / "proofs.json") if (out / "proofs.json").is_file() else []
    (out / "README.md").write_text(card(out, training, evaluation, proofs), encoding="utf-8")


def publish(run: Path, out: Path, count: int | None = None) -> None:
    """Scores, copies and describes the model of a training folder; proofs of other weights are taken away."""
    from studio.starter.evaluate import COUNT, evaluate, save

    check(run)
    evaluation = evaluate(run, count or COUNT)
    if not (out / WEIGHTS).is_file() or evaluation["weights"] != sha256(out / WEIGHTS):
        (out / "proofs.json").unlink(missing_ok=True)
    copy(run, out)
    save(out, evaluation)
    write_card(out)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Copy, score and describe a trained model.")
    parser.add_argument("--run", type=Path, help="the folder that training wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, help="questions a domain and split")
    parser.add_argument("--card-only", action="store_true", help="write the card again, from the scores that are there")
    given = parser.parse_args()
    if given.card_only:
        write_card(given.out)
    elif given.run is None:
        parser.error("--run is needed unless --card-only is given")
    else:
        publish(given.run, given.out, given.count)


if __name__ == "__main__":
    main()
