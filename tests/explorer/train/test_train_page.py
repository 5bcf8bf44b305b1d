"""The Train page in a browser: a person can train, watch, stop, resume and come back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import PATIENCE, free_port, served_explorer, set_look, until, visit
from PIL import Image

from explorer.library import Library
from explorer.train import queue
from explorer.train.queue import JobQueue, terminate
from mtm.runs import Run


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    """A runs folder; whatever process was started for one of its runs is ended afterwards."""
    (tmp_path / "runs").mkdir()
    yield tmp_path / "runs"
    for job in JobQueue(Library(tmp_path / "runs"), str).all():
        if job.process:
            terminate(job.process)


@pytest.fixture
def address(runs: Path, tmp_path: Path) -> Iterator[str]:
    with served_explorer(runs, tmp_path, data_root=tmp_path / "data") as address:
        yield f"{address}/train"


@pytest.fixture
def open_page(page: Any, new_page: Callable[..., Any]) -> Callable[..., Any]:
    def make(address: str, width: int = 1440, scheme: str = "light") -> Any:
        opened = new_page() if page.is_closed() else page
        set_look(opened, width, scheme=scheme)
        visit(opened, address)
        opened.wait_for_selector("#train-command:not(:empty)")
        return opened

    return make


@pytest.fixture
def fake_training(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Start a line of Python instead of a training."""
    return lambda code: monkeypatch.setattr(queue, "COMMAND", (sys.executable, "-c", f"import sys, time; {code}"))


def fill(page: Any, **values: object) -> None:
    for name, value in values.items():
        field = page.locator(f"#train-{name}")
        if page.locator(f"details:not([open]) #train-{name}").count():
            page.locator(f".train-more:has(#train-{name}) summary").click()
        field.select_option(str(value)) if field.evaluate("(e) => e.tagName") == "SELECT" else field.fill(str(value))


def command(page: Any, *parts: str) -> None:
    """Wait until the line to copy has all of these."""
    script = "(parts) => parts.every((part) => document.querySelector('#train-command').textContent.includes(part))"
    page.wait_for_function(script, arg=list(parts))


def card(name: str, state: str = "training") -> str:
    return f'.train-card[data-run="{name}"][data-state="{state}"]'


def row(name: str, state: str) -> str:
    return f'.train-job[data-run="{name}"][data-state="{state}"]'


def wait_until_drawn(page: Any, n: int) -> int:
    """Wait until that many snapshots of the training are on the screen; how many there are."""
    page.wait_for_function("(n) => Number(document.querySelector('.train-card')?.dataset.drawn) >= n", arg=n)
    return int(page.locator(".train-card").get_attribute("data-drawn"))


def test_images_and_estimate_are_there_before_the_start(open_page: Callable[..., Any], address: str) -> None:
    page = open_page(address)
    page.wait_for_selector(".preview-row img")
    assert page.locator(".preview-row").nth(0).locator("img").count() == 8
    sizes = page.locator(".preview-row img").evaluate_all("(images) => images.map((image) => image.naturalWidth)")
    assert sizes == [8] * 8 + [16] * 8
    assert "1,438 training and 359 test images of 10 classes" in page.inner_text(".preview-facts")
    page.wait_for_selector(".preview-figure")
    figures = page.inner_text(".preview-figures")
    assert "about" in figures
    assert "11" in figures
    assert "MB" in figures
    assert page.errors == []


@pytest.mark.timeout(900)
def test_train_watch_close_the_tab_stop_resume_and_finish(
    open_page: Callable[..., Any], address: str, runs: Path
) -> None:
    page = open_page(address)
    page.click("[data-preset=digits]")
    fill(page, dim=8, epochs=20, batch_size=16, train_images=600, loss="push_pull")
    command(page, "--dim 8", "--epochs 20", "--batch-size 16", "--loss push_pull")
    fill(page, name="mine")
    page.click("#train-start")
    page.wait_for_selector(card("mine"))
    n = wait_until_drawn(page, 3)
    assert page.locator(".train-picture").evaluate("(image) => image.src.includes('run=mine')")
    assert page.locator(".train-curve svg .curve-line").count() >= 6
    page.wait_for_selector(".train-numbers >> text=images/s")
    page.close()
    page = open_page(address)
    assert wait_until_drawn(page, n + 1) > n  # it went on without the tab
    page.click(f"{card('mine')} >> text=Stop")
    page.wait_for_selector(row("mine", "stopped"))
    before = {path.name: path.read_bytes() for path in Run.open(runs / "mine").snapshots}
    page.click(f"{row('mine', 'stopped')} >> text=Resume")
    page.wait_for_selector(row("mine", "finished"))
    after = {path.name: path.read_bytes() for path in Run.open(runs / "mine").snapshots}
    assert len(after) == 24  # 4 in the first epoch, 19 more, and the untrained one
    assert {name: after[name] for name in before} == before
    page.click(f"{row('mine', 'finished')} >> text=mine")
    page.wait_for_selector("#explore-stage")
    assert page.errors == []


@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 as on Linux and macOS")
def test_the_server_and_then_the_training_are_killed(open_page: Callable[..., Any], runs: Path, tmp_path: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}/train"
    server = serve(runs, tmp_path, port)
    page = open_page(address)
    fill(page, epochs=5000, train_images=600, dim=8, name="mine")
    command(page, "--epochs 5000")
    page.click("#train-start")
    n = wait_until_drawn(page, 2)
    server.kill()
    server.wait()
    page.wait_for_selector("#train-message:not(:empty)")
    assert "does not answer" in page.inner_text("#train-message")
    until(lambda: len(Run.open(runs / "mine").snapshots) > n + 2)
    server = serve(runs, tmp_path, port)
    page.wait_for_selector("#train-message:empty", state="attached")
    wait_until_drawn(page, n + 3)
    process = JobQueue(Library(runs), str).get("mine").process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    page.wait_for_selector(row("mine", "interrupted"))
    before = {path.name: path.read_bytes() for path in Run.open(runs / "mine").snapshots}
    page.click(f"{row('mine', 'interrupted')} >> text=Resume")
    wait_until_drawn(page, len(before) + 1)
    page.click(f"{card('mine')} >> text=Stop")
    page.wait_for_selector(row("mine", "stopped"))
    after = {path.name: path.read_bytes() for path in Run.open(runs / "mine").snapshots}
    assert {name: after[name] for name in before} == before
    server.send_signal(signal.SIGINT)
    server.wait(PATIENCE)


def serve(runs: Path, home: Path, port: int) -> subprocess.Popen[bytes]:
    """The explorer as a process, from its first answer on. One that does not answer tells where its threads are."""
    command = [sys.executable, "-X", "faulthandler", "-m", "explorer"]
    command += ["--runs", str(runs), "--port", str(port), "--no-browser"]
    environment = {"XDG_CACHE_HOME": str(home / "cache")}
    log = home / "server.log"
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=os.environ | environment)
    end = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read()
            return process
        except OSError as problem:
            if process.poll() is not None or time.monotonic() > end:
                process.send_signal(signal.SIGABRT)
                process.wait()
                raise AssertionError(f"no answer at {port}, {problem}:\n{log.read_text()}") from problem
        time.sleep(0.05)


def test_three_are_queued(open_page: Callable[..., Any], address: str, fake_training: Any, runs: Path) -> None:
    fake_training("time.sleep(3600)")
    page = open_page(address)
    for i in (1, 2, 3):
        fill(page, name=f"job-{i}")
        page.click("#train-start")
        page.wait_for_selector(f'[data-run="job-{i}"]')
    assert page.locator(".train-card").count() == 1
    assert page.locator("ol .train-job").evaluate_all("(rows) => rows.map((row) => row.dataset.run)") == [
        "job-2",
        "job-3",
    ]
    assert "where 'job-1' trains" in page.inner_text(row("job-2", "queued"))
    assert page.inner_text("#train-start") == "Add to the queue"
    page.click(f"{row('job-2', 'queued')} >> text=Remove")
    page.wait_for_selector(row("job-2", "queued"), state="detached")
    assert not (runs / "job-2").exists()
    page.click(f"{card('job-1', 'starting')} >> text=Stop")
    page.wait_for_selector(row("job-1", "stopped"))
    page.wait_for_selector(card("job-3", "starting"))
    assert page.errors == []


def test_an_invalid_value_is_refused_beside_its_field(open_page: Callable[..., Any], address: str, runs: Path) -> None:
    page = open_page(address)
    fill(page, dim=0, momentum=2)
    page.wait_for_selector("#train-dim[aria-invalid=true]")
    page.wait_for_selector("#train-momentum[aria-invalid=true]")
    assert "greater than or equal to 1" in page.inner_text("#train-dim-problem")
    assert "less than 1" in page.inner_text("#train-momentum-problem")
    assert page.is_disabled("#train-start")
    page.focus("#train-dim")
    page.keyboard.press("Enter")  # a disabled button keeps the form from being sent
    fill(page, dim=3, momentum=0.5)
    page.wait_for_selector("#train-start:enabled")
    assert page.inner_text("#train-dim-problem") == ""
    fill(page, name="../outside")
    page.click("#train-start")
    page.wait_for_selector("#train-problem:not(:empty)")
    assert "cannot be the name of a run" in page.inner_text("#train-problem")
    assert list(runs.iterdir()) == []


def test_a_failure_says_why_and_its_settings_can_be_used_again(
    open_page: Callable[..., Any], address: str, fake_training: Any, runs: Path
) -> None:
    fake_training(
        "print('UserWarning: odd'); print('mtm: out of memory; lower batch_size (32) or record (2000)'); sys.exit(1)"
    )
    page = open_page(address)
    fill(page, loss="class_proximity", r=2e4, batch_size=32, name="mine")
    command(page, "--r 20000", "--batch-size 32")
    page.click("#train-start")
    page.wait_for_selector(row("mine", "failed"))
    assert "out of memory; lower batch_size (32)" in page.inner_text(row("mine", "failed"))
    page.click("[data-preset=digits]")
    command(page, "--epochs 20")
    page.click(f"{row('mine', 'failed')} >> text=Settings")
    command(page, "--loss class_proximity", "--r 20000", "--batch-size 32")
    assert page.input_value("#train-epochs") == "10"
    page.click(f"{row('mine', 'failed')} >> text=Log")
    page.wait_for_selector(".log-amiss >> text=UserWarning: odd")
    page.keyboard.press("Escape")
    page.click(f"{row('mine', 'failed')} >> text=Remove")
    page.keyboard.press("Enter")  # keeping is what Enter does
    page.wait_for_selector("dialog", state="detached")
    assert (runs / "mine").exists()
    page.click(f"{row('mine', 'failed')} >> text=Remove")
    page.click("dialog .is-bad")
    page.wait_for_selector(row("mine", "failed"), state="detached")
    assert not (runs / "mine").exists()
    assert page.errors == []


def test_the_paper_s_row_and_what_goes_with_a_loss(open_page: Callable[..., Any], address: str) -> None:
    page = open_page(address)
    page.click("text=From the paper")
    page.select_option("[aria-label='Loss of the paper']", "class_proximity")
    page.click("text=Fill in")
    command(page, "--dataset fashion-mnist", "--backbone resnet18", "--dim 1247", "--r 400738", "--lr 0.0008485818")
    assert "will be downloaded" in page.inner_text(".preview-images")
    page.locator("#train-r + .train-range").fill("0")
    command(page, "--r 1000")
    fill(page, loss="cosine")
    page.wait_for_selector("#train-r", state="hidden")
    page.wait_for_function("!document.querySelector('#train-command').textContent.includes('--r ')")
    fill(page, head="linear")
    page.wait_for_selector("#train-dim", state="hidden")
    command(page, "--head linear")
    assert "--dim" not in page.inner_text("#train-command")
    assert page.errors == []


def test_the_account_of_own_images_stands_beside_them(
    open_page: Callable[..., Any], address: str, tmp_path: Path
) -> None:
    for k in (2, 10):
        (tmp_path / "data" / "own" / f"class {k}" / "below").mkdir(parents=True)
        for i in range(5):
            Image.new("L", (8, 8), 9 * k).save(tmp_path / "data" / "own" / f"class {k}" / "below" / f"{i}.png")
        (tmp_path / "data" / "own" / f"class {k}" / "notes.txt").write_text("")
    page = open_page(address)
    fill(page, dataset=tmp_path / "data" / "own")
    page.wait_for_selector(".preview-account li")
    assert page.locator(".preview-account li").all_inner_texts() == [
        "Classes in order: class 2 (5), class 10 (5)",
        "10 images are in folders below their class (class 2/below, class 10/below)",
        "There is no test folder: a fifth of each class is held out as test images",
        "Read in grey, as all images are",
        "Ignored: files that end in .txt, which is not read (2: class 2/notes.txt, class 10/notes.txt)",
    ]
    fill(page, dataset="digits")
    page.wait_for_selector(".preview-account li", state="detached")


@pytest.mark.parametrize(("width", "scheme"), [(800, "dark"), (1440, "light"), (2560, "light")])
def test_it_fits_and_every_control_has_a_name(
    open_page: Callable[..., Any], address: str, width: int, scheme: str, finished_run: Path, runs: Path
) -> None:
    (runs / "a-long-name-of-a-run-that-somebody-chose-with-care-and-conviction").symlink_to(finished_run)
    page = open_page(address, width, scheme)
    page.wait_for_selector(".train-job")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for part in (".train-form", ".train-side"):
        across = page.locator(part).evaluate("(e) => e.scrollWidth - e.clientWidth")
        assert across <= 0, part
    nameless = page.evaluate(
        "[...document.querySelectorAll('.train :is(input, select, button)')].filter((e) => !e.labels?.length"
        " && !e.ariaLabel && !e.textContent.trim()).map((e) => e.outerHTML)"
    )
    assert nameless == []
    assert page.errors == []
