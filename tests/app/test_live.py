"""What a viewer of a run gets: all of it once, then only what is new, and all of it again when a resumed run dropped rows."""

from __future__ import annotations

from app.live import Followed, Follower, metric_words
from app.page import Page
from studio.runs.folder import RunFolder
from studio.workspace import Workspace


def _grown(folder: RunFolder, first: int, last: int) -> None:
    for step in range(first, last + 1):
        folder.append_metrics({"step": step, "loss": 1.0 / step})
    folder.flush()


def test_only_new_points_are_sent(workspace: Workspace) -> None:
    folder = RunFolder(workspace.runs / "one")
    _grown(folder, 1, 10)
    followed = Followed(folder)
    whole = followed.since(0, 0)
    assert whole["whole"]
    assert whole["curves"]["loss"]["x"] == list(range(1, 11))
    _grown(folder, 11, 12)
    news = followed.since(int(whole["generation"]), whole["next"])
    assert not news["whole"]
    assert news["curves"]["loss"]["x"] == [11, 12]
    assert followed.since(int(news["generation"]), news["next"])["curves"] == {}


def test_a_resumed_run_makes_viewers_start_over(workspace: Workspace) -> None:
    folder = RunFolder(workspace.runs / "one")
    _grown(folder, 1, 10)
    followed = Followed(folder)
    before = followed.since(0, 0)
    folder.drop_metrics_after(4)
    _grown(folder, 5, 20)
    after = followed.since(int(before["generation"]), before["next"])
    assert after["whole"]
    assert after["generation"] != before["generation"]
    assert after["curves"]["loss"]["x"] == list(range(1, 21))


def test_a_run_that_is_gone_is_named_not_an_error(workspace: Workspace) -> None:
    class Studio:
        pass

    studio = Studio()
    studio.workspace = workspace  # type: ignore[attr-defined]
    answer = Follower(Page(studio)).follow({"run": "none", "have": {"none": ["0", 0]}})  # type: ignore[arg-type]
    assert answer["missing"] == ["none"]
    assert answer["news"] == {}


def test_metrics_are_named_as_people_say_them() -> None:
    assert metric_words("eval_f1") == "F1"
    assert metric_words("eval_token_accuracy") == "token accuracy"
