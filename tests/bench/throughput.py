"""Training speed of the studio against the same settings in a bare TRL script: `python -m tests.bench.throughput`.

Both sides train the same LoRA on the same rows with the same seed, alternating A B B A in processes of their own; the studio's side is a
run in the process of the page, with browser tabs watching its curves. The first steps are dropped; the figure is the ratio of the medians
of tokens per second, wall and CPU both. Losses must agree before speeds are compared. `--watchers 0` leaves the browser out.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from studio.workspace import assets_dir

DROPPED = 5
BATCH = 8
SETTINGS = {"learning_rate": 1e-3, "rank": 16, "alpha": 32.0, "max_length": 512, "seed": 42}


def bare(rows: Path, steps: int, out: Path) -> None:
    """The same training without the studio: TRL's trainer with its own preparation of the rows."""
    from datasets import load_dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    marks: list[dict[str, float]] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
            if logs and "loss" in logs:
                mark = {"time": time.time(), "cpu": time.process_time(), "loss": logs["loss"], "tokens": logs["num_tokens"]}
                marks.append(mark)

    base = str(assets_dir() / "starter")
    arguments = SFTConfig(
        output_dir=str(out.with_suffix(".run")),
        per_device_train_batch_size=BATCH,
        learning_rate=SETTINGS["learning_rate"],
        max_steps=steps,
        lr_scheduler_type="constant",
        weight_decay=0.0,
        max_grad_norm=1.0,
        bf16=False,
        gradient_checkpointing=False,
        assistant_only_loss=True,
        packing=False,
        max_length=SETTINGS["max_length"],
        seed=SETTINGS["seed"],
        use_cpu=True,
        logging_steps=1,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
    )
    lora = LoraConfig(
        r=SETTINGS["rank"], lora_alpha=SETTINGS["alpha"], lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(base, dtype="float32"),
        args=arguments,
        train_dataset=load_dataset("json", data_files=str(rows), split="train"),
        processing_class=AutoTokenizer.from_pretrained(base),
        peft_config=lora,
        callbacks=[Clock()],
    )
    trainer.train()
    out.write_text(json.dumps(marks))


def studio(rows: Path, steps: int, out: Path) -> None:
    """The studio's side: the page is served, and the run is trained by its worker."""
    import app
    from studio.data import store as data_store
    from studio.recipe import parse
    from studio.runs import store
    from studio.session import Studio

    opened = Studio(out.with_suffix(".workspace"))
    data_store.import_file(opened.workspace, rows, "rows", split=None)
    handle = app.launch(studio=opened, port=7990, block=False)
    optim = {
        "learning_rate": SETTINGS["learning_rate"],
        "per_device_batch_size": BATCH,
        "max_steps": steps,
        "schedule": "constant",
        "warmup": 0,
        "packing": "off",
        "gradient_checkpointing": "off",
        "precision": "float32",
    }
    recipe = parse(
        {
            "name": "bench",
            "model": "starter",
            "seed": SETTINGS["seed"],
            "data": {"sources": [{"name": "rows"}], "max_length": SETTINGS["max_length"], "holdout": 0},
            "adaptation": {"kind": "lora", "rank": SETTINGS["rank"], "alpha": SETTINGS["alpha"], "dropout": 0},
            "optim": optim,
            "evaluation": {"samples": 0, "save_every": 10**6, "keep": "last"},
            "compute": {"threads": int(os.environ["OMP_NUM_THREADS"])},
        }
    )
    run = store.create_run(opened.workspace, recipe)
    print(f"{handle.url} {run.name}", flush=True)
    cpu: dict[int, float] = {}
    while (now := store.get_run(opened.workspace, run.name)).state not in ("completed", "failed"):
        cpu[now.folder.status().get("step", 0)] = time.process_time()
        time.sleep(0.1)
    metrics, _ = now.folder.read_metrics()
    marks = [{**row, "cpu": cpu.get(row["step"], 0.0)} for row in metrics if "loss" in row]
    out.write_text(json.dumps(marks))
    handle.close()


def measure(side: str, rows: Path, steps: int, out: Path, watchers: int) -> list[dict[str, float]]:
    """Run one side in a process of its own and give its marks, one a step."""
    command = [
        sys.executable,
        "-m",
        "tests.bench.throughput",
        "--side",
        side,
        "--rows",
        str(rows),
        "--steps",
        str(steps),
        "--out",
        str(out),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    if side == "studio" and watchers:
        lines = iter(process.stdout.readline, "")
        url, name = next(line.split() for line in lines if line.startswith("http"))
        watch(process, url, name, watchers)
    process.communicate()
    assert process.returncode == 0, f"the {side} side failed"
    marks: list[dict[str, float]] = json.loads(out.read_text())
    return marks


def watch(process: subprocess.Popen[str], url: str, name: str, watchers: int) -> None:
    """Keep `watchers` browser tabs on the run's curves until the process ends."""
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import FLAGS, chromium, open_tab, ready

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for _ in range(watchers):
            page = browser.new_page()
            page.goto(url)
            ready(page)
            open_tab(page, "Runs").get_by_text(name).first.click()
        while process.poll() is None:
            page.wait_for_timeout(500)


def speed(marks: list[dict[str, float]], clock: str) -> float:
    """Tokens a second after the first steps, by the wall or the process's own CPU time."""
    kept = [mark for mark in marks[DROPPED:] if mark[clock]]
    return (kept[-1]["tokens"] - kept[0]["tokens"]) / (kept[-1][clock] - kept[0][clock])


def interval(ratios: list[float]) -> tuple[float, float]:
    """A 95 % bootstrap interval of the median."""
    drawn = random.Random(0)
    medians = sorted(statistics.median(drawn.choices(ratios, k=len(ratios))) for _ in range(2000))
    return medians[50], medians[1949]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", choices=["bare", "studio"])
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=4, help="pairs of runs")
    parser.add_argument("--watchers", type=int, default=2)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if options.side:
        {"bare": bare, "studio": studio}[options.side](options.rows, options.steps, options.out)
        return
    rows = options.rows or assets_dir() / "samples" / "support.jsonl"
    ratios, cpu_ratios = [], []
    with tempfile.TemporaryDirectory() as folder:
        for repeat in range(options.repeats):
            order = ("bare", "studio") if repeat % 2 == 0 else ("studio", "bare")
            marks = {side: measure(side, rows, options.steps, Path(folder) / f"{side}{repeat}.json", options.watchers) for side in order}
            first = [marks[side][0]["loss"] for side in ("bare", "studio")]
            mean = [statistics.mean(m["loss"] for m in marks[side]) for side in ("bare", "studio")]
            assert abs(first[0] - first[1]) < 1e-3, f"the first losses differ: {first}"
            assert abs(mean[0] - mean[1]) < 0.05 * mean[0], f"the mean losses differ: {mean}"
            ratios.append(speed(marks["studio"], "time") / speed(marks["bare"], "time"))
            cpu_ratios.append(speed(marks["studio"], "cpu") / speed(marks["bare"], "cpu"))
            print(f"repeat {repeat + 1}: bare {speed(marks['bare'], 'time'):.0f}, studio {speed(marks['studio'], 'time'):.0f} tokens/s; "
                  f"ratio {ratios[-1]:.3f} (CPU {cpu_ratios[-1]:.3f}); losses {mean[0]:.4f}, {mean[1]:.4f}", flush=True)  # fmt: skip
    low, high = interval(ratios)
    print(f"studio / bare TRL, {options.watchers} tabs watching: {statistics.median(ratios):.3f} [{low:.3f}, {high:.3f}] by the wall, "
          f"{statistics.median(cpu_ratios):.3f} by the process's CPU")  # fmt: skip


if __name__ == "__main__":
    main()
