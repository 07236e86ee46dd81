"""Direct preference optimisation: tokens are those of the rendering, the reference is the start, and a preference is learned."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerCallback
from trl import DPOConfig, DPOTrainer

from studio.cli.main import main
from studio.data.store import add_version
from studio.device import lease
from studio.errors import RecipeError
from studio.fields import apply_overrides
from studio.inference.engine import Engine
from studio.inference.sampling import Sampling
from studio.methods.dpo import DPO
from studio.recipe import Recipe, parse
from studio.runs.execute import build_trainer, execute, prepare, training_arguments
from studio.runs.folder import RunFolder
from studio.runs.plan import plan
from studio.runs.store import create_run
from studio.runs.worker import Worker
from studio.workspace import Workspace
from tests.studio.methods.stopping import rows, same_when_stopped, weights
from tests.studio.runs.conftest import new_run, studio_ws
from tests.studio.runs.test_trainer import memory_for

__all__ = ["new_run", "studio_ws"]

New = Callable[..., RunFolder]
PAIRS: dict[str, Any] = {"method__kind": "dpo", "data__sources": "pairs"}


def pair(i: int, question: str = "where is order") -> dict[str, Any]:
    """A pair whose chosen answer thanks and whose rejected one does not."""
    return {
        "prompt": [{"role": "user", "content": f"{question} {i}"}],
        "chosen": [{"role": "assistant", "content": f"thank you the order {i} is good"}],
        "rejected": [{"role": "assistant", "content": f"the film {i} is awful and bad"}],
    }


@pytest.fixture
def pairs(studio_ws: Workspace) -> Workspace:
    """The workspace with the dataset `pairs`: 24 + 6 rows."""
    add_version(
        studio_ws, "pairs", "preference", {"train": [pair(i) for i in range(24)], "validation": [pair(i) for i in range(30, 36)]}, {}
    )
    return studio_ws


@pytest.mark.parametrize("adaptation", ["lora", "dora", "ia3", "full", "last_layers", "prompt_tuning"])
def test_a_preference_is_learned_and_the_model_answers(new_run: New, pairs: Workspace, adaptation: str) -> None:
    rate = {"prompt_tuning": 0.3, "ia3": 0.1}.get(adaptation, 0.01)
    extra = {"adaptation__layers": 1} if adaptation == "last_layers" else {}
    recipe = new_run(**PAIRS, **extra, adaptation__kind=adaptation, optim__learning_rate=rate, optim__max_steps=12).recipe()
    create_run(pairs, recipe)
    run = Worker(pairs).run_next()
    assert run is not None
    assert (run.state, run.message) == ("completed", "")
    before, after = run.summary["baseline"], run.summary["final"]
    assert before["eval_loss"] == pytest.approx(math.log(2), abs=1e-4)
    assert before["eval_rewards/margins"] == pytest.approx(0, abs=1e-4)
    assert after["eval_rewards/margins"] > 0
    assert after["eval_loss"] < before["eval_loss"]
    if adaptation not in ("prompt_tuning", "ia3"):
        assert after["eval_rewards/accuracies"] == 1.0
        assert after["eval_rewards/margins"] > 0.1
    assert run.summary["best"]["metric"] == "eval_loss"
    assert {"rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies"} <= {
        key for row in run.folder.read_metrics()[0] for key in row
    }
    assert [sample["prompt"][0]["content"] for sample in run.folder.samples()][:1] == ["where is order 30"]
    if adaptation == "lora":
        assert all(value.abs().sum() > 0 for name, value in weights(run.folder).items() if "lora_B" in name)
    outputs = Engine(pairs, "cpu").generate(str(run.model), [pair(1)["prompt"]], Sampling(temperature=0, max_new_tokens=4))
    assert [output.prompt_index for output in outputs] == [0]


def test_losses_are_those_of_trl(new_run: New, pairs: Workspace) -> None:
    """Our rows of tokens train as TRL's own reading of the conversations does."""
    changes = {**PAIRS, "adaptation__dropout": 0.0, "optim__max_steps": 4}
    ours, bare = new_run(**changes), new_run(**changes)
    assert execute(ours.path).state == "completed", ours.read_log()
    kept: list[float] = []

    class Losses(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            kept.extend([logs["loss"]] if "loss" in logs else [])

    with lease.hold("bare"):
        run = prepare(pairs, bare, bare.recipe())
        arguments = training_arguments(run) | {"eval_strategy": "no", "eval_on_start": False, "save_strategy": "no"}
        trainer = DPOTrainer(
            model=run.model,
            args=DPOConfig(**arguments, max_length=None),
            train_dataset=run.rows.train,
            processing_class=run.tokenizer,
            callbacks=[Losses()],
        )
        trainer.train()
    assert kept == pytest.approx(rows(ours, "loss"), abs=1e-5)


@pytest.mark.parametrize("adaptation", ["lora", "full"])
def test_stop_and_resume_end_with_the_same_weights(
    new_run: New, pairs: Workspace, monkeypatch: pytest.MonkeyPatch, adaptation: str
) -> None:
    changes = {**PAIRS, "adaptation__kind": adaptation, "optim__gradient_accumulation": 2}
    same_when_stopped(new_run, monkeypatch, changes, 5, ("loss", "rewards/margins", "eval_loss", "eval_rewards/margins", "tokens"))


def test_an_adapter_that_goes_on_is_its_own_reference(new_run: New, pairs: Workspace) -> None:
    create_run(pairs, new_run(name="first", optim__max_steps=4, evaluation__samples=0).recipe())
    first = Worker(pairs).run_next()
    assert first is not None
    folder = new_run(**PAIRS, model=str(first.model), optim__max_steps=6)
    assert execute(folder.path).state == "completed", folder.read_log()
    assert rows(folder, "eval_loss")[0] == pytest.approx(math.log(2), abs=1e-4)
    assert rows(folder, "eval_rewards/margins")[-1] > 0
    assert not (folder.model_path / "ref").exists()
    assert len(weights(folder)) == len(weights(first.folder))


def test_smaller_pieces_keep_pairs_together(new_run: New, pairs: Workspace) -> None:
    changes = {**PAIRS, "optim__learning_rate": 0.003, "adaptation__dropout": 0.0}
    whole, pieces = new_run(**changes), new_run(**changes)
    assert execute(whole.path).state == "completed", whole.read_log()
    with memory_for(2):
        assert execute(pieces.path).state == "completed", pieces.read_log()
    assert "Memory ran out" in pieces.read_log()
    for key in ("loss", "eval_loss", "rewards/margins", "eval_rewards/accuracies"):
        assert rows(pieces, key) == pytest.approx(rows(whole, key), abs=1e-4)


@pytest.mark.parametrize("adaptation", ["lora", "full"])
def test_gradient_checkpointing_changes_nothing_but_memory(new_run: New, pairs: Workspace, adaptation: str) -> None:
    changes = {**PAIRS, "adaptation__kind": adaptation, "optim__max_steps": 4, "evaluation__samples": 0}
    off, on = (new_run(**changes, optim__gradient_checkpointing=choice) for choice in ("off", "on"))
    for folder in (off, on):
        assert execute(folder.path).state == "completed", folder.read_log()
    assert "gradient checkpointing on" in on.read_log()
    assert rows(on, "loss") == pytest.approx(rows(off, "loss"), abs=1e-5)
    assert rows(on, "grad_norm") == pytest.approx(rows(off, "grad_norm"), abs=1e-4)


def test_held_out_figures_do_not_depend_on_batches(new_run: New, pairs: Workspace) -> None:
    found = []
    for size in (1, 4):
        folder = new_run(**PAIRS, optim__per_device_batch_size=size, optim__max_steps=1, evaluation__every=1, optim__learning_rate=1e-9)
        execute(folder.path)
        found.append((rows(folder, "eval_loss")[-1], rows(folder, "eval_logps/chosen")[-1], rows(folder, "eval_logps/rejected")[-1]))
    assert found[1] == pytest.approx(found[0], abs=1e-4)


@pytest.mark.parametrize(
    ("loss", "smoothing", "imitation"),
    [
        ("ipo", 0, 0),
        ("hinge", 0, 0),
        ("robust", 0.1, 0),
        ("exo_pair", 0.001, 0),
        ("apo_zero", 0, 0),
        ("sppo_hard", 0, 0),
        ("sigmoid", 0, 0.5),
    ],
)
def test_every_loss_trains(new_run: New, pairs: Workspace, loss: str, smoothing: float, imitation: float) -> None:
    settings = {"method__loss": loss, "method__label_smoothing": smoothing, "method__sft_weight": imitation}
    folder = new_run(**PAIRS, **settings, optim__max_steps=6, evaluation__every=6)
    assert execute(folder.path).state == "completed", folder.read_log()
    assert rows(folder, "eval_rewards/margins")[-1] > 0
    if imitation:
        assert rows(folder, "eval_logps/chosen")[-1] > rows(folder, "eval_logps/chosen")[0]


def test_the_reference_is_the_start_also_after_a_resume(new_run: New, pairs: Workspace) -> None:
    folder = new_run(**PAIRS, adaptation__kind="full", optim__max_steps=4)
    assert execute(folder.path).state == "completed", folder.read_log()
    with lease.hold("look"):
        run = prepare(pairs, folder, folder.recipe())
        trainer, _ = build_trainer(run)
        start = load_file(Path(run.info.path) / "model.safetensors")
        reference = trainer.ref_model.state_dict()
        assert all(torch.equal(reference[name], value) for name, value in start.items())
        assert not any(parameter.requires_grad for parameter in trainer.ref_model.parameters())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ({"beta": 0}, "method.beta"),
        ({"loss": "simpo"}, "method.loss"),
        ({"label_smoothing": 0.1}, "method.label_smoothing"),
        ({"loss": "exo_pair"}, "method.label_smoothing"),
        ({"loss": "robust", "label_smoothing": 0.5}, "method.label_smoothing"),
    ],
)
def test_settings_that_cannot_be_are_refused_at_their_field(method: dict[str, Any], path: str) -> None:
    with pytest.raises(RecipeError) as raised:
        parse({"method": {"kind": "dpo", **method}})
    assert [problem.path for problem in raised.value.problems] == [path]


def test_packing_is_refused() -> None:
    with pytest.raises(RecipeError, match="packed"):
        apply_overrides(Recipe(), {"method.kind": "dpo", "optim.packing": "on"})
    assert not DPO().packs


def test_the_plan_counts_what_the_training_takes(new_run: New, pairs: Workspace) -> None:
    long = [pair(i, "hello " * 60 + "where is order") for i in range(6)]
    add_version(pairs, "long", "preference", {"train": [*(pair(i) for i in range(10, 24)), *long], "validation": [pair(0)]}, {})
    folder = new_run(**PAIRS | {"data__sources": "long"}, optim__epochs=1, optim__max_steps=None)
    planned = plan(pairs, folder.recipe())
    assert (planned.rows, planned.cut_rows, planned.untrained_rows) == (20, 6, 0)
    assert any("lose the beginning of their prompt" in warning.text for warning in planned.warnings)
    assert execute(folder.path).state == "completed", folder.read_log()
    assert rows(folder, "tokens")[-1] == planned.tokens
    assert len(rows(folder, "loss")) == planned.steps
    assert "6 rows were cut" in folder.read_log()


def test_the_plan_leads_to_the_method_that_takes_the_rows(new_run: New, pairs: Workspace) -> None:
    (warning,) = [each for each in plan(pairs, new_run(data__sources="pairs").recipe()).warnings if "preference rows" in each.text]
    assert warning.changes == {"method.kind": "dpo"}


def test_the_plan_names_settings_without_effect_and_knows_the_usual_rates(new_run: New, pairs: Workspace) -> None:
    found = plan(pairs, new_run(**PAIRS, optim__dropout=0.1, optim__learning_rate=2e-6).recipe())
    texts = [warning.text for warning in found.warnings]
    assert [warning.changes for warning in found.warnings] == [{"optim.dropout": 0.0}]
    assert texts == ["Dropout has no effect with direct preference optimisation."]


def test_without_an_adapter_the_frozen_copy_counts_as_memory(new_run: New, pairs: Workspace) -> None:
    recipes = [new_run(**PAIRS, adaptation__kind="full").recipe(), new_run(adaptation__kind="full", optim__packing="off").recipe()]
    preference, supervised = (plan(pairs, recipe).memory for recipe in recipes)
    assert preference.weights == 2 * supervised.weights
    assert preference.activations > supervised.activations


def test_the_command_line_trains_the_shipped_recipe(pairs: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "--workspace",
        str(pairs.root),
        "train",
        "preference-dpo",
        "--model",
        "tiny",
        "--data.sources",
        "pairs",
        "--data.max_length",
        "64",
    ]
    with pytest.raises(SystemExit) as stopped:
        main([*words, "--optim.max_steps", "2", "--method.beta", "0.2", "--evaluation.samples", "0"])
    assert stopped.value.code == 0
    said = capsys.readouterr().out
    assert "reward margin: 0.000 before" in said
    assert "best held-out loss" in said
