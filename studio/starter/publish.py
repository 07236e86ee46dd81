"""Puts a trained model into its place: `python -m studio.starter.publish --run DIR --out assets/starter`.

Copies the Hugging Face files of a training folder (not its checkpoint), scores them, and writes the model card with the
hash of the weights. Each file is replaced in one go, the weights last, so readers never see half a file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

WEIGHTS = "model.safetensors"
FILES = ("chat_template.jinja", "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", WEIGHTS)

CARD = """---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
---

# The embedded starter model

A language model of {parameters:,} parameters ({megabytes:.1f} MB in bfloat16), trained from scratch for this studio, so that every
step of the loop (tune, compare, rank, learn from the rankings) works on a machine with no network and no GPU. It is an average student in a
narrow world of simple English: fluent there, at times wrong, and open to being taught.

## What it is

Llama architecture: 192 wide, 6 layers, 6 heads, an MLP of 512, tied embeddings, a context of 512 tokens, a byte-level BPE
vocabulary of {vocabulary} with single digits. The chat template knows system, user and assistant and marks what the assistant says
(`generation`), its end of turn included. The special tokens hold control pictures that nobody types; a program that passes on text from
strangers may still want to refuse messages that contain one of `tokenizer.all_special_tokens`.

## Data

Dialogues that a program of this repository makes up (`studio/starter/domains`, one file a domain): greetings and names, customer support,
reviews and their sentiment, short news, stories, rewriting, small sums, facts, questions about a text, short letters, questions that it
cannot answer, and questions about itself. Five styles (plain, warm, formal, curt, wordy), with a system prompt in part, several turns in
part, and about 4 % wrong or rude answers on purpose. No text and no weights from anywhere else went into it.

It was not taught what the samples in `assets/samples` teach: the shop's house style, its rules and its case numbers, the label `neutral`,
the one-line news format.

## Recipe and cost

`python -m studio.starter.train --out DIR --minutes {planned} --seed {seed}`: Muon (0.02, weight decay 0.05) on the matrices,
AdamW (3e-3) on the rest, a cosine, about 4,096 tokens a step, bfloat16 autocast; the loss counts all that the assistant says and
15 % of the rest. {steps:,} steps, {tokens:,} tokens, {minutes} minutes by the clock on two CPU cores that had other work to do as well.
It was resumed from its checkpoint {resumed} times. `--minutes` ends by the clock, so the number of steps depends on the machine; with
`--steps` the corpus and the order of batches are functions of the seed.

## Held-out scores

{count} questions a domain and a column, greedy. Known: wordings and words that training used, in combinations that it never saw. New
wordings: ways to ask that training never used. New words: names, numbers and nouns that training never used. An answer is right when
it holds every piece that a right answer must hold; copied counts the pieces that only the prompt can give.

{table}

Measured with `python -m studio.starter.evaluate --model assets/starter`; details and one example each are in `evaluation.json`.

## Limits

- It knows a few dozen capitals and animals by heart and nothing else of the world. Outside its domains it answers fluently and wrongly.
- It does not reason, and it is bad at sums: most of its results are off by a little.
- It copies names and numbers well in wordings that it knows, and words that it never met badly: it puts a known word in their place.
- English only. It has no safety training. Do not put it before customers as it is.
- Very long prompts (over 512 tokens) are beyond its context.

## Licence and hash

Apache-2.0. SHA-256 of `{weights}`: `{digest}`
"""


def sha256(path: Path) -> str:
    """The hash of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def copy(run: Path, out: Path) -> None:
    """Copies the model's files, each aside first and the weights last."""
    out.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        aside = out / f".{name}.part"
        shutil.copyfile(run / name, aside)
        aside.replace(out / name)


def card(folder: Path, training: dict[str, Any], evaluation: dict[str, Any], table: str) -> str:
    """The text of the model card."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    weights = folder / WEIGHTS
    return CARD.format(
        parameters=training["parameters"],
        megabytes=weights.stat().st_size / 1e6,
        vocabulary=config["vocab_size"],
        planned=round(training["minutes"]),
        **{key: training[key] for key in ("seed", "steps", "tokens", "minutes", "resumed")},
        count=evaluation["questions_each"],
        table=table,
        weights=WEIGHTS,
        digest=sha256(weights),
    )


def publish(run: Path, out: Path, count: int = 40) -> None:
    """Copies, scores and describes the model of a training folder."""
    from studio.starter.evaluate import evaluate, table

    copy(run, out)
    training = json.loads((run / "training.json").read_text(encoding="utf-8"))
    evaluation = evaluate(out, count)
    (out / "evaluation.json").write_text(json.dumps(evaluation, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (out / "README.md").write_text(card(out, training, evaluation, table(evaluation)), encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Copy, score and describe a trained model.")
    parser.add_argument("--run", type=Path, required=True, help="the folder that training wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=40, help="questions a domain and split")
    given = parser.parse_args()
    publish(given.run, given.out, given.count)


if __name__ == "__main__":
    main()
