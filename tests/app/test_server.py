"""Who may reach the page, and where it is served."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from app.server import ServeError, check_host, free_port, own_names, policy


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_this_machine_is_allowed(host: str) -> None:
    assert check_host(host) == ""
    assert "127.0.0.1" in own_names(host)
    assert "192.168.1.4" not in own_names(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "example.org", ""])
def test_other_addresses_are_refused_with_a_way_out(host: str) -> None:
    with pytest.raises(ServeError, match="SSH tunnel"):
        check_host(host)


def test_other_addresses_need_accounts_and_come_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "not encrypted" in check_host("0.0.0.0", accounts=True)
    with pytest.raises(ServeError, match="IPv4"):
        check_host("::", accounts=True)
    monkeypatch.setenv("LUTHIER_NAMES", "label.example.org, other.example.org")
    assert {"label.example.org", "other.example.org", socket.gethostname(), "localhost"} <= set(own_names("0.0.0.0"))
    assert not {"0.0.0.0", "*"} & set(own_names("0.0.0.0"))


def test_the_next_free_port_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port("127.0.0.1", port) > port


def test_only_a_notebook_may_frame_the_page() -> None:
    assert "frame-ancestors 'self'" in policy(framed=False)
    assert "localhost" not in policy(framed=False)
    assert "http://localhost:*" in policy(framed=True)
    assert "http" not in policy(framed=False)


def test_the_page_comes_up_without_torch(tmp_path: object) -> None:
    code = (
        "import sys, app, studio; from app.main import compose; from app.server import application;"
        f"opened = studio.open({str(tmp_path)!r}); application(compose(opened), opened.workspace);"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
