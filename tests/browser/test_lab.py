"""The live lab: a chapter opened by `ovbook lab`, run from the top, its slider moved by keyboard."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import nbformat
import pytest

from browser.visit import Visit, offline
from ovbook.press import lint
from ovbook.press.convert import tagged
from ovbook.press.execute import read_executed
from ovbook.press.lab import copy_chapter
from ovbook.project import Project
from smoke_chapters import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600, func_only=True)]

CHAPTER = "02-sensitivity-grows"


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A reader's copy of the book, with a chapter of their own set to scale smoke."""
    root = tmp_path_factory.mktemp("reader") / "book"
    (root / "chapters").mkdir(parents=True)
    for name in (f"chapters/{CHAPTER}.py", "_toc.yml"):
        shutil.copy(ROOT / name, root / name)
    project = Project(root=root)
    copy_chapter(project, project.chapter(CHAPTER))
    mine = project.lab / f"{CHAPTER}.ipynb"
    notebook = nbformat.read(mine, as_version=4)
    (cell,) = tagged(notebook, "parameters")
    assert 'scale: str = "laptop"' in cell.source
    cell.source = cell.source.replace('scale: str = "laptop"', 'scale: str = "smoke"')
    nbformat.write(notebook, mine)
    return project


def settings(folder):
    """Every cell stays on the page, also those that are out of sight."""
    file = folder / "@jupyterlab/notebook-extension/tracker.jupyterlab-settings"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"windowingMode": "none"}))
    return folder


@contextmanager
def jupyterlab(project, store):
    """JupyterLab as `ovbook lab` starts it, on a free port, ready to be asked."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--allow-root", "--IdentityProvider.token=", f"--ServerApp.port={port}"]
    seen = {
        "PYTHONPATH": str(ROOT / "src"),
        "OVBOOK_STORE": str(store),
        "OMP_NUM_THREADS": "1",
        "JUPYTER_CONFIG_DIR": str(project.root / "jupyter"),  # none of the user's own settings
        "JUPYTERLAB_SETTINGS_DIR": str(settings(project.root / "settings")),
    }
    log = project.root / "jupyterlab.log"
    with log.open("w") as said:
        running = subprocess.Popen(
            [sys.executable, "-m", "ovbook.cli", "lab", *options],
            cwd=project.root,
            env={**os.environ, **seen},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(240):
            assert running.poll() is None, log.read_text()
            try:
                urllib.request.urlopen(address + "api", timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.25)
        else:
            raise AssertionError(log.read_text())
        yield address
    finally:
        _end(running)


def _end(running):
    """End the server with its kernels, which it starts in sessions of their own."""
    import psutil

    family = [running.pid, *(p.pid for p in psutil.Process(running.pid).children(recursive=True))]
    running.terminate()
    for pid in reversed(family):
        try:
            psutil.Process(pid).kill()
        except psutil.NoSuchProcess:
            continue
    running.wait(30)


def run_all(page):
    """Choose Run All Cells from the menu and wait until the kernel has done them all."""
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for(timeout=120_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    # A cell that waits or runs carries a star; the last one gets its number when all is done.
    page.wait_for_function(
        """() => { const all = Array.from(document.querySelectorAll(".jp-CodeCell .jp-InputPrompt"), e => e.textContent);
                  return all.length > 0 && all.every(text => /\\[\\d+\\]/.test(text)); }""",
        timeout=300_000,
    )


def has_run(path):
    """True once a notebook in which something was executed lies at `path`, whole."""
    notebook = read_executed(path)
    return notebook is not None and any(cell.get("execution_count") for cell in notebook.cells)


def test_a_slider_moved_in_jupyterlab_is_answered_by_the_model(browser, reader, smoke_chapters, capsys):
    smoke_chapters.notebook("02")  # fills the store, as a reader who has built the book has filled it
    mine = reader.lab / f"{CHAPTER}.ipynb"
    with (
        jupyterlab(reader, smoke_chapters.store) as address,
        offline(browser, address, viewport={"width": 1280, "height": 1000}) as (context, asked),
    ):
        visit = Visit.open(context, address, f"lab/tree/{mine.name}", asked)
        page = visit.page
        run_all(page)
        assert page.get_by_text("Jupyter news").count() == 0  # no question before one has begun

        handles, answer = page.locator(".noUi-handle"), page.locator(".widget-html-content").last
        handles.first.scroll_into_view_if_needed()
        times = []
        for handle in handles.all():
            before = answer.inner_text()
            assert "nats per token" in before
            handle.focus()
            key = (
                "ArrowLeft"
                if handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
                else "ArrowRight"
            )
            page.keyboard.press(key)
            started = time.monotonic()
            page.wait_for_function(
                "([answer, before]) => answer.innerText !== before", arg=[answer.element_handle(), before]
            )
            times.append(time.monotonic() - started)
        assert len(times) >= 2
        with capsys.disabled():
            print(f"\nthe lab answered after {', '.join(f'{seconds:.2f}' for seconds in times)} s")

        page.keyboard.press("Control+s")
        visit.wait_until(lambda: has_run(mine), seconds=60)
        assert asked == []
    assert lint.problems(nbformat.read(mine, as_version=4)) == []
