"""Many annotators at once over HTTP while the server is killed: `python -m tests.stress.votes --people 50 --votes 200 --kills 3`.

Each annotator is logged in with an account of their own, judges about one item a second, and sends a vote again under the same key until it
is acknowledged. Meanwhile the server is killed with SIGKILL and started again on the same port. Afterwards the database is read: every
acknowledged vote has to be there exactly once as it was sent, nothing half-written, no item with more people than its overlap.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import text

from studio import people
from studio.db import Candidate, Comparison, Judgement, Lease, Task
from studio.feedback import projects
from studio.feedback.answers import Answer, from_shown
from studio.feedback.settings import ProjectSettings
from studio.workspace import Workspace

ROOT = Path(__file__).parents[2]
PASSWORD = "right horse"
MODELS = ("base", "tuned")
START_SECONDS = 120.0
RETRY_SECONDS = 0.2
PATIENCE_SECONDS = 30.0
P95_MILLISECONDS = 300.0


@dataclass(frozen=True)
class Plan:
    """How many people give how many votes each, about one in `pause` seconds, and how often the server is killed."""

    people: int = 50
    votes: int = 200
    kills: int = 3
    pause: float = 1.0

    @property
    def total(self) -> int:
        return self.people * self.votes


@dataclass
class Figures:
    """What happened: the votes that were acknowledged (key to answer, task, person), the seconds of each, and what went wrong."""

    acknowledged: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    sent_again: int = 0
    seconds: list[float] = field(default_factory=list)
    span: float = 0.0
    stored: int = 0

    def milliseconds(self, share: float) -> float:
        """How many milliseconds that share of the votes took at most."""
        return 1000 * statistics.quantiles(self.seconds, n=1000, method="inclusive")[round(share * 1000) - 1]

    def words(self, plan: Plan) -> str:
        rate = len(self.acknowledged) / self.span
        return (
            f"{len(self.acknowledged):,} of {plan.total:,} votes acknowledged in {self.span:.0f} s ({rate:.0f} a second with restarts), "
            f"{plan.kills} kills, {self.sent_again:,} attempts sent again, {len(self.refused)} refused; {self.stored:,} stored.\n"
            f"A vote and its next item: median {self.milliseconds(0.5):.0f} ms, p95 {self.milliseconds(0.95):.0f} ms, "
            f"p99 {self.milliseconds(0.99):.0f} ms, longest {1000 * max(self.seconds):.0f} ms."
        )


def prepare(root: Path, plan: Plan) -> int:
    """A workspace with an account for everybody and a project with items enough; gives the project's id."""
    ws = Workspace(root)
    people.add_person(ws, "lead", "admin", PASSWORD)
    for number in range(plan.people):
        people.add_person(ws, f"annotator {number}", "annotator", PASSWORD)
    count = plan.total + plan.people
    asked = [[{"role": "user", "content": f"where is order {number}"}] for number in range(count)]
    with ws.db.write() as session:
        comparison = Comparison(name="both", models=list(MODELS), prompts=asked, settings={})
        session.add(comparison)
        session.flush()
        for number in range(count):
            for model in MODELS:
                words = f"{model}: order {number} is on its way"
                session.add(
                    Candidate(
                        comparison_id=comparison.id,
                        prompt_index=number,
                        model=model,
                        text=words,
                        tokens=8,
                        seconds=0.1,
                        finish_reason="stop",
                        provenance={},
                    )
                )
        made = comparison.id
    return projects.create_project(ws, "everybody", made, ProjectSettings(mode="pair")).id


class Server:
    """`python -m app` in a process of its own, on a port that stays the same."""

    def __init__(self, root: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.root = root
        self.log = root.with_name("server.log").open("a")
        self.process = self._started()

    def _started(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "app", "--workspace", str(self.root), "--port", str(self.port)]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=self.log, text=True)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert self.url in line, f"the server did not come up at {self.url}: {line}{Path(self.log.name).read_text()}"
        return process

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def start(self) -> None:
        self.process = self._started()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(START_SECONDS)
        self.log.close()


async def logged_in(url: str, name: str) -> httpx.AsyncClient:
    """A browser of somebody who has logged in."""
    client = httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS)
    await client.post("/login", data={"name": name, "password": PASSWORD})
    assert "luthier_session" in client.cookies, f"{name} could not log in"
    return client


async def judge(plan: Plan, client: httpx.AsyncClient, name: str, project: int, figures: Figures) -> None:
    """One annotator, who judges item after item until they have given their votes."""
    chance = random.Random(name)
    await asyncio.sleep(chance.uniform(0, plan.pause))
    given, shown = 0, (await _asked(client, "next", {"project": project}, figures))[1]
    while given < plan.votes:
        item = shown["item"]
        assert item is not None, f"nothing is left for {name} after {given} votes"
        strength, key = chance.randint(-3, 3), str(uuid4())
        act = {"project": project, "lease": item["lease"], "key": key, "answer": {"strength": strength}, "active_seconds": plan.pause}
        status, said = await _asked(client, "submit", act, figures)
        if status == 200:
            figures.acknowledged[key] = (strength, item["task_number"], name)
            given, shown = given + 1, said
        else:
            assert status == 409, f"{name}: {status} {said}"
            figures.refused.add(key)
            shown = (await _asked(client, "next", {"project": project}, figures))[1]
        await asyncio.sleep(chance.uniform(0.5, 1.5) * plan.pause)
    await client.aclose()


async def _asked(client: httpx.AsyncClient, route: str, body: dict[str, Any], figures: Figures) -> tuple[int, dict[str, Any]]:
    """What the server says, asked again while it is away; the time of an attempt that was answered counts when it carries a vote."""
    while True:
        began = time.perf_counter()
        try:
            answer = await client.post(f"/api/label/{route}", json=body)
        except httpx.TransportError:
            figures.sent_again += 1
            await asyncio.sleep(RETRY_SECONDS)
            continue
        if answer.status_code >= 500:
            raise AssertionError(f"{route}: {answer.status_code} {answer.text}")
        if route == "submit":
            figures.seconds.append(time.perf_counter() - began)
        return answer.status_code, answer.json()


async def disturb(plan: Plan, server: Server, figures: Figures) -> None:
    """Kill the server and start it again, each time after another share of the votes."""
    for number in range(1, plan.kills + 1):
        while len(figures.acknowledged) < plan.total * number / (plan.kills + 1):
            await asyncio.sleep(0.02)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)


async def labelled(plan: Plan, server: Server, project: int) -> Figures:
    """Everybody at once, and the kills."""
    figures = Figures()
    names = [f"annotator {number}" for number in range(plan.people)]
    clients = [await logged_in(server.url, name) for name in names]
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        group.create_task(disturb(plan, server, figures))
        for name, client in zip(names, clients, strict=True):
            group.create_task(judge(plan, client, name, project, figures))
    figures.span = time.monotonic() - began
    return figures


def check(ws: Workspace, figures: Figures) -> None:
    """What must hold of the database afterwards; raises `AssertionError`."""
    names = {person.id: person.name for person in people.list_people(ws)}
    with ws.db.read() as session:
        assert session.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        rows = session.query(Judgement).all()
        tasks = {task.id: task for task in session.query(Task)}
        held = {(lease.task_id, lease.person_id) for lease in session.query(Lease).filter(Lease.repeat == 0)}
    by_key = {row.key: row for row in rows}
    figures.stored = len(rows)
    lost = [key for key in figures.acknowledged if key not in by_key]
    assert lost == [], f"{len(lost)} acknowledged votes are lost"
    unknown = [row.key for row in rows if row.key not in figures.acknowledged]
    assert unknown == [], f"{len(unknown)} votes are stored that nobody was told of"
    for key, (strength, task, name) in figures.acknowledged.items():
        row = by_key[key]
        sent = from_shown(Answer(strength=strength), row.shown)
        assert (row.state, row.task_id, names[row.person_id]) == ("judged", task, name), f"{key} is stored as another vote"
        assert Answer.model_validate(row.answer) == sent, f"{key} does not say what was sent"
    first = [(row.task_id, row.person_id) for row in rows if row.repeat == 0]
    assert len(first) == len(set(first)), "somebody judged an item twice by accident"
    assert not held & set(first), "an item is judged and still held"
    judged = Counter(task for task, _ in first)
    for task in tasks.values():
        assert task.judged == judged[task.id], f"item {task.id} counts {task.judged} judgements and has {judged[task.id]}"
        assert judged[task.id] <= task.overlap, f"item {task.id} has {judged[task.id]} judgements for {task.overlap} places"


def run(plan: Plan, folder: Path) -> Figures:
    """The whole of it in an empty folder; raises `AssertionError` when anything was lost."""
    root = folder / "workspace"
    project = prepare(root, plan)
    server = Server(root)
    try:
        with ThreadPoolExecutor(1) as own:  # the browser of other tests keeps an event loop in this thread
            figures = own.submit(asyncio.run, labelled(plan, server, project)).result()
    finally:
        server.close()
    check(Workspace(root), figures)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--votes", type=int, default=200)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between two votes of a person")
    options = parser.parse_args()
    plan = Plan(options.people, options.votes, options.kills, options.pause)
    with tempfile.TemporaryDirectory() as folder:
        figures = run(plan, Path(folder))
    print(figures.words(plan))
    slow = figures.milliseconds(0.95)
    assert slow <= P95_MILLISECONDS, f"p95 is {slow:.0f} ms, more than {P95_MILLISECONDS:.0f}"
    print("Nothing lost, nothing doubled, nothing half-written, no item with more people than its overlap.")


if __name__ == "__main__":
    main()
