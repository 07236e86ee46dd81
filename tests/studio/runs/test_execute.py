"""A run from its recipe to a model that loads, on tiny real models."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from studio.data.store import add_version, import_file
from studio.device import lease
from studio.errors import RunError
from studio.inference.engine import Engine
from studio.inference.sampling import Sampling
from studio.models.registry import add_local
from studio.runs import checkpoints
from studio.runs.asks import answer, ask
from studio.runs.attend import Attendant
from studio.runs.callbacks import RunCallback
from studio.runs.execute import execute
from studio.runs.folder import RunFolder
from studio.runs.store import create_run
from studio.runs.worker import Worker
from studio.workspace import Workspace
from tests.tiny import make_model

New = Callable[..., RunFolder]


def weights(folder: RunFolder) -> dict[str, torch.Tensor]:
    """The weights that a run has left."""
    found = [*folder.model_path.glob("*.safetensors")]
    assert len(found) == 1
    return load_file(found[0])


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    """Whether two sets of weights are equal bit for bit."""
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def rows(folder: RunFolder, key: str) -> list[dict[str, Any]]:
    """The metrics rows that have `key`."""
    return [row for row in folder.read_metrics()[0] if key in row]


@pytest.fixture
def at_step(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`at_step(n, action)` calls `action` when step n of any run ends."""

    def install(step: int, action: Callable[[], None]) -> None:
        original = RunCallback.on_step_end

        def on_step_end(self: RunCallback, args: Any, state: Any, control: Any, **rest: Any) -> None:
            if state.global_step == step:
                action()
            original(self, args, state, control, **rest)

        monkeypatch.setattr(RunCallback, "on_step_end", on_step_end)

    return install


def test_a_chat_run_learns_and_leaves_a_model_that_answers(new_run: New, studio_ws: Workspace) -> None:
    folder = new_run()
    outcome = execute(folder.path)
    assert (outcome.state, outcome.message) == ("completed", ""), folder.read_log()
    losses = [row["loss"] for row in rows(folder, "loss")]
    evaluations = [row["eval_loss"] for row in rows(folder, "eval_loss")]
    assert [row["step"] for row in rows(folder, "loss")] == list(range(1, 9))
    assert [row["step"] for row in rows(folder, "eval_loss")] == [0, 4, 8]
    assert losses[-1] < losses[0]
    assert evaluations[-1] < evaluations[0]
    assert rows(folder, "loss")[-1]["tokens"] == outcome.summary["tokens"] > 500
    assert outcome.summary["baseline"]["eval_loss"] == evaluations[0]
    assert outcome.summary["best"] == {"metric": "eval_loss", "value": min(evaluations), "step": 8}
    assert [sample["step"] for sample in folder.samples()] == [0, 4, 8]
    status = folder.status()
    assert (status["state"], status["step"], status["steps"]) == ("completed", 8, 8)
    assert lease.holder() is None
    assert any(value.abs().sum() > 0 for name, value in weights(folder).items() if "lora_B" in name)


@pytest.mark.parametrize("method", ["sft", "classify"])
def test_the_worker_registers_what_a_run_made_and_it_answers(new_run: New, studio_ws: Workspace, method: str) -> None:
    recipe = new_run(method__kind=method, data__sources="labels" if method == "classify" else "chats").recipe()
    run = create_run(studio_ws, recipe)
    done = Worker(studio_ws).run_next()
    assert done is not None
    assert (done.name, done.state, done.message) == (run.name, "completed", "")
    engine = Engine(studio_ws, "cpu")
    if method == "classify":
        assert set(engine.classify(run.name, ["the film is great"])[0]) == {"good", "bad"}
    else:
        outputs = engine.generate(run.name, [[{"role": "user", "content": "where"}]], Sampling(temperature=0, max_new_tokens=3))
        assert [output.prompt_index for output in outputs] == [0]


def test_the_model_folder_tells_where_it_comes_from_and_no_secrets(new_run: New, studio_ws: Workspace) -> None:
    folder = new_run()
    execute(folder.path)
    names = {path.name for path in folder.model_path.iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors", "README.md", "lineage.json", "tokenizer.json"} <= names
    assert not names & {"training_args.bin", "optimizer.pt", "manifest.json", "studio.json"}
    card = (folder.model_path / "README.md").read_text()
    assert "Made from **tiny**" in card
    assert "None" not in card
    origin = json.loads((folder.model_path / "lineage.json").read_text())
    assert (origin["base"]["name"], origin["step"], origin["recipe"]["seed"]) == ("tiny", 8, 42)
    texts = "".join(path.read_text() for path in folder.model_path.iterdir() if path.suffix in (".json", ".md"))
    assert str(studio_ws.root.parent) not in texts


@pytest.mark.parametrize(
    ("architecture", "template", "adaptation"),
    [("qwen3", None, "full"), ("gpt2", None, "lora"), ("llama", None, "last_layers"), ("qwen3", None, "prompt_tuning")],
)
def test_other_architectures_without_a_chat_template(
    new_run: New, studio_ws: Workspace, tmp_path: Path, architecture: str, template: str | None, adaptation: str
) -> None:
    add_local(studio_ws, make_model(tmp_path / architecture, architecture, template), "other")
    folder = new_run(model="other", adaptation__kind=adaptation)
    assert execute(folder.path).state == "completed", folder.read_log()
    losses = [row["loss"] for row in rows(folder, "loss")]
    assert min(losses[4:]) < losses[0]
    assert "chat_template" in "".join(path.name for path in folder.model_path.iterdir())


def test_plain_text_rows(new_run: New, studio_ws: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text("\n".join(json.dumps({"text": f"the shop opens at nine and closes at five {i}"}) for i in range(30)))
    import_file(studio_ws, file, "texts")
    folder = new_run(data__sources="texts", adaptation__kind="full", optim__packing="on")
    assert execute(folder.path).state == "completed", folder.read_log()
    evaluations = [row["eval_loss"] for row in rows(folder, "eval_loss")]
    assert evaluations[-1] < evaluations[0]


@pytest.mark.parametrize("adaptation", ["lora", "head"])
def test_a_classifier_learns_and_reports_each_class(new_run: New, adaptation: str) -> None:
    folder = new_run(data__sources="labels", method__kind="classify", method__class_weights="balanced", adaptation__kind=adaptation,
                     optim__max_steps=24, optim__label_smoothing=0.05, optim__learning_rate=0.02, evaluation__every=12)  # fmt: skip
    outcome = execute(folder.path)
    assert outcome.state == "completed", folder.read_log()
    evaluations = rows(folder, "eval_f1")
    assert outcome.summary["best"]["value"] == max(row["eval_f1"] for row in evaluations[1:]) > (0.9 if adaptation == "lora" else 0.75)
    assert evaluations[0]["eval_f1"] < 0.6
    assert set(evaluations[-1]["eval_by_class"]) == {"bad", "good"} == set(outcome.summary["labels"])


@pytest.mark.parametrize("changes", [
    {"optim__packing": "on", "optim__gradient_accumulation": 2, "adaptation__dropout": 0.2, "data__sources": "chats"},
    {"optim__packing": "off", "optim__dropout": 0.1, "adaptation__kind": "full", "optim__max_steps": 20, "evaluation__save_every": 3},
    {"data__sources": "labels", "method__kind": "classify", "optim__optimizer": "adafactor", "optim__neftune_noise_alpha": 5},
], ids=["packed-lora", "full", "classify"])  # fmt: skip
def test_stop_and_resume_end_with_the_same_weights(new_run: New, at_step: Callable[..., None], changes: dict[str, Any]) -> None:
    whole = new_run(**changes)
    assert execute(whole.path).state == "completed", whole.read_log()
    halved = new_run(**changes)
    at_step(5, lambda: halved.request("stop"))
    stopped = execute(halved.path)
    assert stopped.state == "stopped", halved.read_log()
    assert halved.model_path.exists()
    assert [row["step"] for row in rows(halved, "loss")] == [1, 2, 3, 4, 5]
    at_step(5, lambda: None)
    halved.request("run")
    assert execute(halved.path).state == "completed", halved.read_log()
    assert same(weights(whole), weights(halved))
    for key in ("loss", "eval_loss"):
        assert [(row["step"], row[key]) for row in rows(whole, key)] == [(row["step"], row[key]) for row in rows(halved, key)]
    assert rows(whole, "loss")[-1]["tokens"] == rows(halved, "loss")[-1]["tokens"]


def test_a_damaged_checkpoint_is_passed_over_and_said(new_run: New) -> None:
    folder = new_run()
    execute(folder.path)
    before = weights(folder)
    newest = checkpoints.path_of(folder, 8)
    data = bytearray((newest / "optimizer.pt").read_bytes())
    data[len(data) // 2] ^= 1
    (newest / "optimizer.pt").write_bytes(bytes(data))
    assert execute(folder.path).state == "completed"
    assert "step 8 cannot be used: optimizer.pt was altered" in folder.read_log()
    assert "Continuing from the checkpoint of step 4" in folder.read_log()
    assert same(before, weights(folder))


def test_asking_during_training_changes_nothing(new_run: New, at_step: Callable[..., None]) -> None:
    plain = new_run()
    execute(plain.path)
    asked = new_run()
    ids: list[str] = []
    messages = [{"role": "user", "content": "where is my order"}]
    at_step(3, lambda: ids.append(ask(asked, messages, Sampling(temperature=1.0, max_new_tokens=8))))
    assert execute(asked.path).state == "completed"
    given = answer(asked, ids[0])
    assert (given.done, given.step, given.error) == (True, 3, "")
    assert same(weights(plain), weights(asked))


def test_a_classifier_in_training_answers_with_its_labels(new_run: New, at_step: Callable[..., None]) -> None:
    folder = new_run(data__sources="labels", method__kind="classify")
    ids: list[str] = []
    at_step(3, lambda: ids.append(ask(folder, [{"role": "user", "content": "the film is great"}])))
    execute(folder.path)
    assert "good" in answer(folder, ids[0]).text
    assert "%" in answer(folder, ids[0]).text


def test_a_paused_run_answers_waits_and_goes_on(new_run: New, at_step: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    plain = new_run()
    execute(plain.path)
    folder = new_run()
    seen: list[str] = []
    ids: list[str] = []
    original = Attendant._admit

    def admit(self: Attendant) -> None:
        if folder.status()["state"] == "paused":
            seen.append(folder.status()["state"])
            if len(seen) == 1:
                ids.append(ask(folder, [{"role": "user", "content": "hello"}], {"max_new_tokens": 4}))
            if len(seen) == 3:
                folder.request("run")
        original(self)

    monkeypatch.setattr(Attendant, "_admit", admit)
    at_step(3, lambda: folder.request("pause"))
    assert execute(folder.path).state == "completed"
    assert len(seen) == 3
    assert answer(folder, ids[0]).done
    assert same(weights(plain), weights(folder))


def test_stopping_a_paused_run_takes_no_further_step(new_run: New, at_step: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_run()
    original = Attendant._admit

    def admit(self: Attendant) -> None:
        if folder.status()["state"] == "paused":
            folder.request("stop")
        original(self)

    monkeypatch.setattr(Attendant, "_admit", admit)
    at_step(3, lambda: folder.request("pause"))
    outcome = execute(folder.path)
    assert (outcome.state, outcome.message) == ("stopped", "Stopped at step 3 of 8.")
    assert rows(folder, "loss")[-1]["step"] == 3


def test_early_stopping_counts_over_a_stop(new_run: New, at_step: Callable[..., None]) -> None:
    changes = {"optim__learning_rate": 1e-9, "evaluation__every": 2, "evaluation__early_stopping": 2, "optim__max_steps": 30}
    folder = new_run(**changes)
    at_step(5, lambda: folder.request("stop"))
    assert execute(folder.path).state == "stopped"
    folder.request("run")
    at_step(5, lambda: None)
    outcome = execute(folder.path)
    assert outcome.state == "completed"
    assert "Stopped early" in outcome.message
    evaluated = [row["step"] for row in rows(folder, "eval_loss")]
    assert evaluated == list(range(0, outcome.summary["best"]["step"] + 5, 2))


def test_the_best_checkpoint_becomes_the_model(new_run: New, studio_ws: Workspace) -> None:
    chats = {
        "train": [("where", "thank you the order is good")] * 16,
        "validation": [("where", "my film is awful")] * 4,
    }
    turns = {side: [{"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}]} for q, a in pairs]
             for side, pairs in chats.items()}  # fmt: skip
    add_version(studio_ws, "shifted", "chat", turns, {"name": "test"})
    folder = new_run(data__sources="shifted", optim__learning_rate=0.02, optim__max_steps=16, evaluation__every=2,
                     evaluation__keep_checkpoints=1, adaptation__kind="full")  # fmt: skip
    outcome = execute(folder.path)
    best = outcome.summary["best"]["step"]
    assert min(rows(folder, "eval_loss")[1:], key=lambda row: row["eval_loss"])["step"] == best < 16
    assert checkpoints.steps(folder) == [best, 16]
    assert same(weights(folder), load_file(checkpoints.path_of(folder, best) / "model.safetensors"))
    assert "overfitting" in [event["kind"] for event in outcome.summary["watchdog"]]


def test_a_run_without_held_out_rows_keeps_the_last(new_run: New, studio_ws: Workspace, chat_file: Callable[..., Path]) -> None:
    import_file(studio_ws, chat_file(20, "all.jsonl"), "all", split=None)
    folder = new_run(data__sources="all", data__holdout=0)
    outcome = execute(folder.path)
    assert outcome.state == "completed", folder.read_log()
    assert rows(folder, "eval_loss") == []
    assert outcome.summary["best"] == {}


def test_a_loss_that_is_not_a_number_ends_the_run_at_once(new_run: New, monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.methods.supervised import SupervisedTrainer

    original = SupervisedTrainer.compute_loss

    def poisoned(self: Any, *args: Any, **kwargs: Any) -> Any:
        loss = original(self, *args, **kwargs)
        return loss * float("nan") if self.state.global_step >= 5 and self.model.training else loss

    monkeypatch.setattr(SupervisedTrainer, "compute_loss", poisoned)
    folder = new_run()
    outcome = execute(folder.path)
    assert outcome.state == "failed"
    assert "not a number any more at step 6" in outcome.message
    assert "checkpoint of step 4" in outcome.message
    assert rows(folder, "loss")[-1]["step"] == 6
    assert checkpoints.steps(folder) == [4]
    assert not folder.model_path.exists()
    assert folder.status()["watchdog"][-1]["kind"] == "non_finite"


def test_a_full_disk_interrupts_and_the_run_resumes(new_run: New, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = new_run()
    execute(whole.path)
    folder = new_run()
    original = checkpoints.seal

    def seal(path: Path) -> None:
        if path.name == ".tmp-8":
            raise OSError(28, "No space left on device")
        original(path)

    monkeypatch.setattr(checkpoints, "seal", seal)
    outcome = execute(folder.path)
    assert outcome.state == "interrupted"
    assert "full" in outcome.message
    assert [path.name for path in folder.checkpoints_path.iterdir()] == ["checkpoint-4"]
    monkeypatch.setattr(checkpoints, "seal", original)
    assert execute(folder.path).state == "completed"
    assert same(weights(whole), weights(folder))


def test_rows_with_nothing_to_train_end_in_words(new_run: New) -> None:
    folder = new_run(data__max_length=8)
    outcome = execute(folder.path)
    assert outcome.state == "failed"
    assert "anything to train on" in outcome.message
    assert "Traceback" not in outcome.message


def test_a_crash_is_told_in_words_and_traced_in_the_log(new_run: New, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("for a test")

    monkeypatch.setattr("studio.runs.execute.tokenise", crash)
    folder = new_run()
    outcome = execute(folder.path)
    assert outcome.state == "failed"
    assert "ZeroDivisionError" in outcome.message
    assert "Traceback" in folder.read_log()
    assert lease.holder() is None
    assert folder.status()["state"] == "failed"
    with pytest.raises(RunError):
        ask(folder, [{"role": "user", "content": "hello"}])
