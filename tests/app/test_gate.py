"""Who reaches what: nobody without logging in, annotators the labelling and nothing else, viewers the results and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.routing import Mount, Route

import studio
from app.gate import COOKIE, may_reach, person_in
from app.guard import guarded
from app.login import local
from app.main import compose
from app.server import application
from studio import people
from studio.errors import AccessError
from studio.people import PersonInfo
from studio.workspace import Workspace, acting

PASSWORD = "right horse"
NAMES = {"admin": "ada", "trainer": "tom", "annotator": "ina", "viewer": "vic"}
HTML = {"Accept": "text/html"}
Client = Callable[[str], TestClient]


def small_page(words: str) -> gr.Blocks:
    """A page whose one button says who pressed it."""
    with gr.Blocks(title=words, analytics_enabled=False) as blocks:
        gr.Button("who").click(guarded(lambda: acting.get()), None, gr.Textbox(), api_name="who", queue=False)
    return blocks


def accounts(ws: Workspace) -> None:
    """One person of each role."""
    for role, name in NAMES.items():
        people.add_person(ws, name, role, PASSWORD)  # type: ignore[arg-type]


@pytest.fixture
def server(workspace: Workspace) -> FastAPI:
    """Three tiny pages where the real ones would be, and one person of each role."""
    accounts(workspace)
    return application(small_page("main"), workspace, beside={"/label": small_page("label"), "/results": small_page("results")})


@pytest.fixture
def client(server: FastAPI, workspace: Workspace) -> Iterator[Client]:
    """A browser in which the person of that role is logged in; nobody for an empty one."""
    opened: list[TestClient] = []

    def make(role: str = "") -> TestClient:
        browser = TestClient(server, base_url="http://127.0.0.1", follow_redirects=False)
        if role:
            browser.cookies.set(COOKIE, people.log_in(workspace, NAMES[role], PASSWORD))
        opened.append(browser)
        return browser

    yield make
    for browser in opened:
        browser.close()


def who(browser: TestClient, root: str = "") -> Any:
    """What the button of the page at `root` answers."""
    answer = browser.post(f"{root}/gradio_api/run/who", json={"data": []})
    return answer.json()["data"][0] if answer.status_code == 200 else answer.status_code


def test_without_accounts_everybody_on_this_machine_is_the_local_person(workspace: Workspace) -> None:
    browser = TestClient(application(small_page("main"), workspace), base_url="http://127.0.0.1", follow_redirects=False)
    assert browser.get("/").status_code == 200
    assert browser.get("/api/me").json() == {"name": workspace.person, "role": "admin", "accounts": False}
    assert who(browser) == workspace.person
    assert browser.get("/login").headers["location"] == "/"
    accounts(workspace)
    assert browser.get("/", headers=HTML).headers["location"] == "/login"
    assert who(browser) == 401


def test_other_machines_always_log_in(workspace: Workspace) -> None:
    browser = TestClient(application(small_page("main"), workspace, "0.0.0.0"), base_url="http://127.0.0.1", follow_redirects=False)
    assert browser.get("/", headers=HTML).headers["location"] == "/login"
    assert who(browser) == 401


def test_nobody_gets_anything_without_logging_in(client: Client) -> None:
    nobody = client("")
    assert nobody.get("/label/?project=3", headers=HTML).headers["location"] == "/login?next=%2Flabel%2F%3Fproject%3D3"
    for path in ("/", "/config", "/label/", "/results/", "/api/me", "/plotly.min.js", "/gradio_api/info", "/assets/index.js"):
        assert nobody.get(path).status_code == 401, path
    assert nobody.post("/api/label/next", json={"project": 1}).status_code == 401
    assert nobody.get("/", cookies={COOKIE: "made up"}).status_code == 401


@pytest.mark.parametrize(
    ("role", "main", "label", "results"),
    [("admin", 200, 200, 200), ("trainer", 200, 200, 200), ("annotator", 303, 200, 403), ("viewer", 303, 403, 200)],
)
def test_each_role_has_its_pages(client: Client, role: str, main: int, label: int, results: int) -> None:
    browser = client(role)
    assert [browser.get(path, headers=HTML).status_code for path in ("/", "/label/", "/results/")] == [main, label, results]
    assert browser.get("/api/me").json()["role"] == role
    assert [who(browser, root) for root in ("", "/label", "/results")] == [
        NAMES[role] if status == 200 else 403 for status in (main, label, results)
    ]


def test_small_pages_take_no_files(client: Client) -> None:
    ina, tom = client("annotator"), client("trainer")
    upload = {"files": ("a.txt", b"words")}
    assert ina.post("/label/gradio_api/upload", files=upload).status_code == 403
    assert tom.post("/gradio_api/upload", files=upload).status_code == 200
    assert ina.get("/label/../gradio_api/info").status_code == 403
    assert ina.post("/api/label/next", content=b"{" + b" " * (5 << 20)).status_code == 413
    assert client("").post("/login", content=b" " * (5 << 20)).status_code == 413


@pytest.mark.parametrize(
    "path", ["/label/../gradio_api/info", "/labels", "/api/labels", "/api", "/label/gradio_api/file=/etc/passwd", "//label/"]
)
def test_paths_that_only_look_like_the_labelling(path: str) -> None:
    assert not may_reach(PersonInfo(1, "ina", "annotator"), path)


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """Every method and path of the server, those of mounted pages included."""
    found = []
    for route in app.routes:
        if isinstance(route, Mount):
            found += [(method, route.path + path) for method, path in routes(route.app)]  # type: ignore[arg-type]
        elif isinstance(route, Route):
            found += [(method, route.path) for method in route.methods or ()]
    return found


def test_as_annotator_no_call_of_the_main_page_succeeds(workspace: Workspace) -> None:
    accounts(workspace)
    opened = studio.open(workspace.root)
    demo = compose(opened)
    server = application(demo, workspace, beside={"/label": small_page("label")})
    browser = TestClient(server, base_url="http://127.0.0.1", follow_redirects=False, raise_server_exceptions=False)
    browser.cookies.set(COOKIE, people.log_in(workspace, NAMES["annotator"], PASSWORD))
    before = _content(workspace.root)
    for method, path in routes(server):
        if path.startswith(("/label", "/api/label", "/login", "/logout", "/api/me", "/static/", "/favicon.ico")):
            continue
        filled = path.replace("{path:path}", "x").replace("{", "").replace("}", "")
        assert browser.request(method, filled).status_code in (303, 403), (method, path)
    assert len(demo.fns) > 100
    for number, fn in demo.fns.items():
        body = {"data": [None] * len(fn.inputs), "fn_index": number, "session_hash": "abc", "trigger_id": None}
        assert browser.post("/gradio_api/queue/join", json=body).status_code == 403
        assert browser.post("/gradio_api/run/predict", json=body).status_code == 403
        if fn.api_name:
            assert browser.post(f"/gradio_api/run/{fn.api_name}", json=body).status_code == 403
            assert browser.post(f"/gradio_api/call/{fn.api_name}", json=body).status_code == 403
            named = {"data": body["data"], "session_hash": "abc"}
            assert browser.post(f"/label/gradio_api/run/{fn.api_name}", json=named).status_code >= 400
    for number in [number for number, block in demo.blocks.items() if isinstance(block, gr.HTML)][:20]:
        body = {"data": None, "component_id": number, "fn_name": "header_state", "session_hash": "abc"}
        assert browser.post("/gradio_api/component_server", json=body).status_code == 403
    assert _content(workspace.root) == before
    opened.close()


def _content(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if not path.name.startswith("luthier.db")}


def test_logging_in_and_out(client: Client) -> None:
    browser = client("")
    form = browser.get("/login?next=/label/?project=3")
    assert form.status_code == 200
    assert 'value="/label/?project=3"' in form.text
    wrong = browser.post("/login", data={"name": '<img src="x">', "password": "guess"})
    assert wrong.status_code == 401
    assert "<img" not in wrong.text
    assert "The name or the password is wrong." in wrong.text
    assert not browser.cookies
    right = browser.post("/login", data={"name": "ina", "password": PASSWORD, "next": "/label/?project=3"})
    assert right.headers["location"] == "/label/?project=3"
    sent = right.headers["set-cookie"].lower()
    assert "httponly" in sent
    assert "samesite=lax" in sent
    token = browser.cookies[COOKIE]
    assert browser.get("/label/").status_code == 200
    assert browser.get("/login").headers["location"] == "/label/"
    assert browser.post("/logout", headers={"Origin": "http://evil.example"}).status_code == 403
    assert browser.get("/logout", headers={"Sec-Fetch-Site": "cross-site"}).headers["location"] == "/"
    assert browser.get("/label/").status_code == 200
    assert browser.post("/logout").headers["location"] == "/login"
    assert browser.get("/label/").status_code == 401
    assert browser.get("/label/", cookies={COOKIE: token}).status_code == 401, "the session has ended, not only the cookie"


def test_too_many_tries_are_told_with_the_time_to_wait(client: Client) -> None:
    browser = client("")
    answers = [browser.post("/login", data={"name": "ada", "password": f"guess {i}"}) for i in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert "Wait " in answers[-1].text
    assert browser.post("/login", data={"name": "ada", "password": PASSWORD}).status_code == 429


@pytest.mark.parametrize(
    "address", ["", "label", "//evil.example", "/\\evil.example", "http://evil.example", "/a\nb", "javascript:alert(1)", "/" + "x" * 3000]
)
def test_nobody_is_sent_to_another_site(address: str) -> None:
    assert local(address) == ""


def test_a_request_without_a_person_is_refused() -> None:
    with pytest.raises(AccessError, match="logged in"):
        person_in(None)
