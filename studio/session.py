"""A studio: one workspace with its worker and its engine, and the steps of the loop as methods.

This is what notebooks, the command line and the page hold. Each method is one call on the part that does the work; to offer a new step, add
it to that part first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.data import store as data_store
from studio.data.mapping import Mapping
from studio.data.splits import SplitSettings
from studio.data.store import VersionInfo
from studio.device import describe
from studio.errors import ModelError, RunError
from studio.fields import apply_overrides, load_recipe
from studio.inference.engine import Engine
from studio.inference.sampling import Sampling
from studio.models import registry
from studio.models.registry import ModelInfo
from studio.quiet import quiet
from studio.recipe import Recipe
from studio.runs import store as run_store
from studio.runs.plan import Plan
from studio.runs.plan import plan as plan_run
from studio.runs.store import RunInfo
from studio.runs.worker import Worker
from studio.workspace import Workspace

if TYPE_CHECKING:
    from studio.evaluate.report import Report
    from studio.feedback.api import Feedback
    from studio.feedback.projects import ProjectInfo
    from studio.inference.compare import CandidateInfo
    from studio.rounds.lineage import Node
    from studio.rounds.overview import RoundInfo

Messages = list[dict[str, str]]


class Studio:
    """One workspace, open: `path` defaults to `$LUTHIER_WORKSPACE`, then `~/luthier`."""

    def __init__(self, path: str | Path | None = None) -> None:
        quiet()
        self.workspace = Workspace(path)

    @cached_property
    def worker(self) -> Worker:
        """The thread that trains; `start()` it to work the queue."""
        return Worker(self.workspace, before_run=self._free_gpu)

    @cached_property
    def engine(self) -> Engine:
        """Loaded models that answer."""
        return Engine(self.workspace)

    @cached_property
    def feedback(self) -> Feedback:
        """Labelling projects: items for people, what they said of them, what that is worth, and datasets made of it."""
        from studio.feedback.api import Feedback

        return Feedback(self.workspace)

    def _free_gpu(self) -> None:
        """Before a run: models loaded to answer make room on a GPU; on a CPU they may stay."""
        if "engine" in self.__dict__ and describe().kind == "cuda":
            self.engine.unload()

    def close(self) -> None:
        """Stop and save what runs, and free what is loaded."""
        if "worker" in self.__dict__:
            self.worker.shutdown()
        if "engine" in self.__dict__:
            self.engine.unload()

    # -- data and models

    def import_data(
        self, file: str | Path, name: str, mapping: Mapping | None = None, validation: float = 0.1, test: float = 0.0, seed: int = 42
    ) -> VersionInfo:
        """Import a file as a dataset; its shape is recognised unless a mapping says how to read it. Raises `DataError`."""
        return data_store.import_file(self.workspace, Path(file), name, mapping, SplitSettings(validation=validation, test=test, seed=seed))

    def datasets(self) -> list[VersionInfo]:
        """The newest version of each dataset."""
        return data_store.list_datasets(self.workspace)

    def models(self) -> list[ModelInfo]:
        """Every model that one can train from or chat with."""
        return registry.list_models(self.workspace)

    def add_model(self, source: str | Path, name: str | None = None, base: str | None = None) -> ModelInfo:
        """Add a model: a local folder in Hugging Face format, or a Hub id where the network is allowed.

        For a folder that holds an adapter, `base` names the model that it belongs to. Raises `ModelError`.
        """
        folder = Path(source).expanduser()
        if folder.exists():
            return registry.add_local(self.workspace, folder, name, base=base)
        return registry.add_hub(self.workspace, str(source), name)

    # -- training

    def recipe(self, preset: str | Path = "chat-lora", /, **changes: Any) -> Recipe:
        """A shipped or saved recipe with some fields changed; dots are written as double underscores (`optim__learning_rate=1e-4`).

        `data="support"` is short for `data__sources`.
        """
        overrides = {path.replace("__", "."): value for path, value in changes.items()}
        if "data" in overrides:
            overrides["data.sources"] = overrides.pop("data")
        return apply_overrides(load_recipe(Path(preset)), overrides)

    def plan(self, recipe: Recipe) -> Plan:
        """What will happen: rows, tokens, steps, memory and warnings, without training. Raises `RecipeError`."""
        return plan_run(self.workspace, recipe)

    def train(self, recipe: Recipe, follow: Callable[[RunInfo], None] | None = None) -> RunInfo:
        """Queue a run and wait for its end; `follow` is called a few times a second with the run as it stands.

        Raises `RunError` when the run fails; a keyboard interrupt stops the run, saves it and is raised again.
        """
        run = run_store.create_run(self.workspace, recipe)
        return self.wait(run.name, follow)

    def wait(self, name: str, follow: Callable[[RunInfo], None] | None = None) -> RunInfo:
        """Work the queue until run `name` ends. See `train`."""
        started = self.worker.start(until=name)
        try:
            while not (run := run_store.get_run(self.workspace, name)).finished:
                if follow:
                    follow(run)
                time.sleep(0.2)
        except KeyboardInterrupt:
            run_store.stop_run(self.workspace, name)
            raise
        finally:
            if started:
                self.worker.shutdown()
        if follow:
            follow(run)
        if run.state == "failed":
            raise RunError(f"The run {name} failed: {run.message}", f"See {run.folder.path / 'log.txt'}.")
        return run

    def runs(self) -> list[RunInfo]:
        """Every run, newest first."""
        return run_store.list_runs(self.workspace)

    # -- rounds

    def rounds(self) -> list[RoundInfo]:
        """The loop as it stands, round by round: votes, agreement, verdict, datasets, runs, models, and what comes next."""
        from studio.rounds.overview import rounds

        return rounds(self.workspace)

    def next_recipe(self, *projects: int | str, data: str = "", method: str | None = None) -> Recipe:
        """The recipe that votes call for, with its settings filled in; makes the dataset of votes where there is none."""
        from studio.rounds.advance import next_recipe

        return next_recipe(self.workspace, projects, data, method)

    def rematch(self, model: str, n: int = 30, **how: Any) -> ProjectInfo:
        """A blind labelling project of a model against the one before it and the base, on `n` held-out prompts; `how` as in
        `start_rematch`."""
        from studio.rounds.rematch import start_rematch

        return start_rematch(self, model, n, **how)

    def lineage(self, model: str) -> Node:
        """Where a model comes from, as a tree down to each judgement."""
        from studio.rounds.lineage import lineage

        return lineage(self.workspace, model)

    # -- answers

    def generate(self, model: str, prompt: str | Messages, system: str = "", n: int = 1, **sampling: Any) -> list[str]:
        """`n` answers of a model to a prompt (a text, or messages); `sampling` as in `Sampling`. Raises `ModelError`, `BusyError`."""
        outputs = self.engine.generate(model, [as_messages(prompt, system)], Sampling(**sampling), n)
        return [output.text for output in sorted(outputs, key=lambda output: output.sample)]

    def compare(
        self,
        models: list[str],
        prompts: list[str] | list[Messages],
        n: int = 1,
        name: str | None = None,
        turns: bool = False,
        round: int = 1,
        progress: Callable[[int, int], None] | None = None,
        **sampling: Any,
    ) -> list[CandidateInfo]:
        """Outputs of one to nine models or checkpoints for the same prompts, stored in the workspace. With `turns` every turn of each
        conversation is answered in order. Raises `ModelError`, `BusyError`."""
        from studio.inference.compare import compare

        asked, drawn = [as_messages(prompt) for prompt in prompts], Sampling(**sampling)
        return list(compare(self.workspace, self.engine, models, asked, drawn, n, name, turns=turns, round=round, progress=progress))

    def evaluate(self, model: str, data: str, split: str = "validation", max_rows: int | None = None) -> Report:
        """Loss and perplexity, or accuracy, precision, recall and F1, of a model on a dataset's split."""
        from studio.evaluate.report import evaluate

        return evaluate(self.workspace, self.engine, model, data, split, max_rows)

    def probabilities(self, model: str, texts: list[str]) -> list[dict[str, float]]:
        """What a classifier makes of each text: its labels with their probabilities. Raises `ModelError` for other models."""
        if registry.get_model(self.workspace, model).kind != "classifier":
            raise ModelError(f"{model} is not a classifier.", "Train one with the method classify, or use generate.")
        return self.engine.classify(model, texts)


def as_messages(prompt: str | Messages, system: str = "") -> Messages:
    """A prompt as messages, with the system message in front if there is one."""
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    return [{"role": "system", "content": system}, *messages] if system else messages
