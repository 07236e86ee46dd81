"""What a run writes is what others read, whole and in order."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from studio.errors import NotFoundError, RunError
from studio.recipe import Recipe
from studio.runs.asks import Answer, answer, ask, pending, refuse_all, write_answer
from studio.runs.folder import MetricsReader, RunFolder


def test_recipe_round_trip(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    recipe = Recipe(name="abc", model="starter")
    folder.write_recipe(recipe)
    assert folder.recipe() == recipe


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no recipe"):
        RunFolder(tmp_path / "run").recipe()


def test_metrics_come_back_from_an_offset_and_half_lines_wait(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.append_metrics({"step": 1, "loss": 2.0})
    folder.append_metrics({"step": 2, "loss": float("nan")})
    folder.flush()
    rows, offset = folder.read_metrics()
    assert [row["step"] for row in rows] == [1, 2]
    with folder.metrics_path.open("a") as file:
        file.write('{"step": 3, "lo')
    assert folder.read_metrics(offset) == ([], offset)
    with folder.metrics_path.open("a") as file:
        file.write('ss": 1.0}\n')
    assert folder.read_metrics(offset)[0] == [{"step": 3, "loss": 1.0}]


def test_a_reader_notices_that_a_resumed_run_dropped_rows(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    reader = MetricsReader(folder)
    assert not reader.poll()
    for step in range(1, 6):
        folder.append_metrics({"step": step, "loss": 1.0})
        folder.append_sample({"step": step, "text": "a\u2028b"})
    folder.flush()
    assert reader.poll()
    assert not reader.poll()
    folder.drop_metrics_after(3)
    for step in range(4, 8):
        folder.append_metrics({"step": step, "loss": 0.123456})
    folder.flush()
    assert reader.poll()
    assert [row["step"] for row in reader.rows] == [1, 2, 3, 4, 5, 6, 7]
    assert [row["step"] for row in folder.samples()] == [1, 2, 3]


def test_a_torn_last_line_is_dropped_on_resume(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.metrics_path.write_text('{"step": 1}\n{"step": 2}\n{"ste')
    folder.drop_metrics_after(2)
    assert [row["step"] for row in folder.read_metrics()[0]] == [1, 2]
    assert folder.metrics_path.read_text().endswith("\n")


def test_status_fields_change_alone_and_control_is_remembered(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.status() == {}
    assert folder.wanted() == "run"
    folder.write_status(state="running", step=1)
    folder.write_status(step=2)
    assert (folder.status()["state"], folder.status()["step"]) == ("running", 2)
    folder.request("pause")
    assert RunFolder(tmp_path).wanted() == "pause"
    with pytest.raises(ValueError):
        folder.request("explode")
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_log_has_the_time_and_a_tail(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.read_log() == ""
    for i in range(5):
        folder.log(f"line {i}")
    assert folder.read_log(tail=2).splitlines()[0].endswith("line 3")


def test_a_question_waits_grows_and_is_answered(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(RunError, match="not training"):
        ask(folder, [{"role": "user", "content": "hi"}])
    folder.write_status(state="running")
    first = ask(folder, [{"role": "user", "content": "hi"}], {"temperature": 0.0})
    second = ask(folder, [{"role": "user", "content": "ho"}])
    assert [waiting.id for waiting in pending(folder)] == [first, second]
    assert pending(folder)[0].sampling == {"temperature": 0.0}
    assert answer(folder, first) == Answer()
    write_answer(folder, first, Answer("hel", step=3))
    assert answer(folder, first).text == "hel"
    write_answer(folder, first, Answer("hello", done=True, step=3))
    assert answer(folder, first).done
    assert [waiting.id for waiting in pending(folder)] == [second]
    refuse_all(folder, "The run has ended.")
    assert answer(folder, second) == Answer(done=True, error="The run has ended.")
    with pytest.raises(NotFoundError):
        answer(folder, "nothing")


def test_watching_a_run_does_not_load_torch() -> None:
    code = "import sys, json, studio.runs.folder, studio.runs.asks; print(json.dumps('torch' in sys.modules))"
    assert json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout) is False
