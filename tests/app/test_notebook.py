"""The page in a notebook: a cell shows it in a frame and returns at once. Runs real kernels."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import app
import studio

CELL_SECONDS = 120
OPEN = """
import urllib.request
import app, studio
s = studio.open({workspace})
page = app.launch(studio=s, port=0)
assert urllib.request.urlopen(page.url).status == 200
"""
AGAIN = """
again = app.launch(studio=s, port=0)
assert again is page
"""
CLOSE = """
page.close()
page.close()
try:
    urllib.request.urlopen(page.url, timeout=5)
except OSError:
    print("closed")
later = app.launch(studio=s, port=0)
assert later is not page
assert urllib.request.urlopen(later.url).status == 200
later.close()
s.close()
"""


def _frames(cell: nbformat.NotebookNode) -> list[str]:
    return [out.data["text/html"] for out in cell.outputs if out.output_type == "display_data" and "text/html" in out.data]


def _printed(cell: nbformat.NotebookNode) -> str:
    return "".join(out.text for out in cell.outputs if out.output_type == "stream" and out.name == "stdout")


def test_a_cell_shows_the_page_in_a_frame_and_returns(tmp_path: Path) -> None:
    sources = [OPEN.format(workspace=json.dumps(str(tmp_path / "workspace"))), AGAIN, CLOSE]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    root = Path(__file__).parents[2]
    NotebookClient(notebook, timeout=CELL_SECONDS, kernel_name="python3", resources={"metadata": {"path": str(root)}}).execute()
    first, second, last = notebook.cells
    (frame,) = _frames(first)
    url = _printed(first).split()[-1]
    assert "<iframe" in frame
    assert f'src="{url}"' in frame
    assert _frames(second) == [frame]
    assert "closed" in _printed(last)


def test_a_studio_that_was_given_outlives_its_page(tmp_path: Path) -> None:
    mine = studio.open(tmp_path / "workspace")
    mine.worker.start()
    page = app.launch(studio=mine, port=0, inline=False, block=False)
    assert app.launch(studio=mine, port=0, inline=False, block=False) is page
    assert app.launch(tmp_path / "workspace", port=0, inline=False, block=False) is page
    page.close()
    assert mine.worker.start() is False, "the worker that was running before still runs"
    later = app.launch(studio=mine, port=0, inline=False, block=False)
    assert later is not page
    with urllib.request.urlopen(later.url) as answer:
        assert answer.status == 200
    later.close()
    with pytest.raises(OSError):
        urllib.request.urlopen(later.url, timeout=5)
    mine.close()
    assert mine.worker.start(), "closing the studio ended the worker"
    mine.close()
