"""Proves that the shipped samples teach what they say: `python -m studio.starter.prove [--only support] [--json FILE]`.

For each sample, figures of the base and of the model tuned on the sample, on held-out rows, through the same calls as the page and the
command line, in a workspace that is thrown away. Prints a Markdown table. `prove_tasks.py` has the proofs, `prove_checks.py` what counts
as right.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from studio.session import Studio
from studio.starter.prove_tasks import PROOFS, Bench, Proof, prove

COUNT = 50


def prove_all(samples: list[str], count: int = COUNT, changes: dict[str, str] | None = None) -> list[Proof]:
    """The proofs of these samples, with `count` questions a split; `changes` are further fields of the recipes, by dotted path."""
    with tempfile.TemporaryDirectory(prefix="luthier-prove-") as folder:
        studio = Studio(Path(folder) / "workspace")
        try:
            return [proof for sample in samples for proof in prove(Bench(studio, Path(folder), count, changes), sample)]
        finally:
            studio.close()


def table(proofs: list[Proof]) -> str:
    """The figures as a Markdown table, with their 95 % intervals."""
    lines = ["| sample | what | before | after | rows trained on | held-out answers | seconds |", "|---|---|---|---|---|---|---|"]
    for proof in proofs:
        held_out = int(proof.after["of"])
        cells = (proof.sample, proof.what, _cell(proof.before), _cell(proof.after), f"{proof.rows}", f"{held_out}", f"{proof.seconds:.0f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def commands(proofs: list[Proof]) -> str:
    """What to type to train the same models."""
    return "\n".join(dict.fromkeys(proof.command for proof in proofs))


def _cell(figure: dict[str, float]) -> str:
    return f"{figure['value']:.0%} [{figure['low']:.0%}, {figure['high']:.0%}]"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Prove that the shipped samples teach what they say.")
    parser.add_argument("--only", choices=list(PROOFS), action="append", help="one sample; may be given more than once")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--count", type=int, default=COUNT, help="held-out questions a split")
    parser.add_argument("--set", metavar="PATH=VALUE", action="append", default=[], help="another field of the recipes: optim.epochs=6")
    given = parser.parse_args()
    changes = dict(change.split("=", 1) for change in given.set)
    proofs = prove_all(given.only or list(PROOFS), given.count, changes)
    if given.json:
        given.json.write_text(json.dumps([asdict(proof) for proof in proofs], indent=1) + "\n", encoding="utf-8")
    print(table(proofs))
    print()
    print(commands(proofs))


if __name__ == "__main__":
    main()
