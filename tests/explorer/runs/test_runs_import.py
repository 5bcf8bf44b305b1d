"""Import of a file on the Runs page: sent as it is, and a dialog that says what was taken or why it was refused."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import without_refusals
from runs_grid import open_runs

from explorer.app import create_app
from mtm.run_folder.imports.limits import LARGEST_UPLOAD
from mtm.runs import Run

E, Y = np.eye(6, dtype=np.float32), np.array([0, 0, 1, 1, 2, 2])
BINARY = "application/octet-stream"


@pytest.fixture
def page(page: Any, address: str) -> Any:
    """The page of runs, open."""
    return open_runs(page, address)


def choose(page: Any, file: Path) -> None:
    page.set_input_files("#runs-import input", file)


def test_the_account_stays_until_it_is_closed(page: Any, runs: Path, tmp_path: Path) -> None:
    columns = {f"d{k}": E[:, k] for k in range(6)}
    pq.write_table(pa.table({"label": [*"aabbcc"], **columns, "score": E[0]}), tmp_path / "mine.parquet")
    with page.expect_file_chooser() as chooser:
        page.click("#runs-import-button")
    chooser.value.set_files(tmp_path / "mine.parquet")
    page.wait_for_selector("#runs-import-dialog >> text=Imported as mine")
    page.wait_for_selector('.ag-row-selected[row-id="mine"]')
    lines = page.locator(".import-account li").all_inner_texts()
    run = Run.open(runs / "mine")
    assert lines == run.info["account"]["lines"]
    assert lines[0] == "mine.parquet: 6 recorded images of 3 classes in 6 dimensions at epoch 0"
    assert lines[1] == "Classes in order: a (2), b (2), c (2)"
    assert lines[-1] == "Ignored: column score: no dimensions"
    assert page.get_attribute("#runs-import-dialog a", "href") == "/?run=mine"
    page.click("#runs-import-close")
    page.wait_for_selector("#runs-import-dialog", state="detached")
    assert page.evaluate("document.activeElement.id") == "runs-import-button"
    choose(page, tmp_path / "mine.parquet")  # the same file once more is a new import
    page.wait_for_selector("#runs-import-problem >> text=there is already a run 'mine'")
    page.keyboard.press("Escape")
    page.wait_for_selector("#runs-import-dialog", state="detached")
    assert without_refusals(page.errors) == []


def test_a_file_that_cannot_be_used_says_why(page: Any, runs: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_bytes(b"no zip")
    (tmp_path / "notes.txt").write_text("notes")
    np.save(tmp_path / "e.npy", E)
    np.savez(tmp_path / "odd.npz", embeddings=E * 1j, labels=Y)
    with (tmp_path / "large.npz").open("wb") as file:
        file.truncate(LARGEST_UPLOAD + 1)
    refusals = {
        "bad.npz": "bad.npz is damaged or not an .npz file",
        "notes.txt": "notes.txt: '.txt' files cannot be imported here; use .npz or .parquet or .zip or .tar",
        "e.npy": "mtm import e.npy --labels FILE",
        "odd.npz": "odd.npz: embeddings must be numbers that are real, not complex64",
        "large.npz": "mtm import large.npz",
    }
    for name, refusal in refusals.items():
        choose(page, tmp_path / name)
        page.wait_for_selector(f"#runs-import-problem >> text={refusal}")
    assert page.locator("#runs-import-dialog").count() == 1
    assert sorted(path.name for path in runs.iterdir()) == ["one"]
    page.click("#runs-import-close")
    assert without_refusals(page.errors) == []


DROP = """([names, place]) => {
    const transfer = new DataTransfer();
    for (const name of names) transfer.items.add(new File(["no zip"], name));
    const drop = new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
    document.querySelector(place).dispatchEvent(drop);
}"""


def test_files_may_be_dropped_on_the_page_one_at_a_time(page: Any) -> None:
    page.evaluate(DROP, [["own.npz"], "#runs-table"])
    page.wait_for_selector("#runs-import-problem >> text=own.npz is damaged")
    page.evaluate(DROP, [["one.npz", "two.npz"], "#runs-import-button"])
    page.wait_for_selector("#runs-import-problem >> text=2 files were dropped; a run is made of one")
    page.click("#runs-import-close")


def test_a_file_on_its_way_says_how_far_it_is_and_can_be_cancelled(page: Any, runs: Path, tmp_path: Path) -> None:
    with (tmp_path / "mine.npz").open("wb") as file:
        file.truncate(40 * 10**6)
    slow = page.context.new_cdp_session(page)
    slow.send("Network.enable")
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 4 * 10**6}
    slow.send("Network.emulateNetworkConditions", limits)
    choose(page, tmp_path / "mine.npz")
    page.wait_for_function(
        r"/^Sent [1-9]\d? % of 40 MB$/.test(document.querySelector('#runs-import-dialog p')?.textContent)"
    )
    page.click("#runs-import-close")
    page.wait_for_selector("#runs-import-dialog", state="detached")
    slow.send("Network.emulateNetworkConditions", limits | {"uploadThroughput": -1})
    slow.detach()
    assert sorted(path.name for path in runs.iterdir()) == ["one"]


@pytest.fixture
def client(runs: Path, tmp_path: Path) -> Any:
    return create_app(runs, tmp_path / "demo", tmp_path / "cache").server.test_client()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_the_route_takes_a_file_as_it_is(client: Any, runs: Path) -> None:
    content = npz(embeddings=E, labels=Y)
    answer = client.post("/api/import?name=own.npz", data=content, content_type=BINARY)
    assert answer.status_code == 200
    assert answer.json["id"] == "own"
    assert answer.json["account"]["images"] == 6
    assert len(Run.open(runs / "own").snapshots) == 1


@pytest.mark.parametrize(
    ("path", "options", "status", "sentence"),
    [
        ("/api/import?name=own.npz", {"content_type": "text/plain"}, 400, "a file is meant"),
        ("/api/import?name=own.npz", {"content_type": "multipart/form-data; boundary=x"}, 400, "a file is meant"),
        ("/api/import?name=own.npz", {"headers": {"Origin": "http://elsewhere"}}, 403, "another site"),
        ("/api/import", {}, 400, "lacks 'name'"),
        ("/api/import?name=one.npz", {}, 400, "there is already a run 'one'"),
        ("/api/import?name=a%2Fb%2F.npz", {}, 400, "cannot be"),
        (f"/api/import?name={'x' * 300}.npz", {}, 400, "it is too long"),
        ("/api/import?name=a%00b.npz", {}, 400, "cannot be printed"),
        ("/api/import?name=own.npz", {"data": b""}, 400, "own.npz is damaged"),
        ("/api/import?name=own.tar", {"data": b"x"}, 400, "own.tar is damaged"),
    ],
)
def test_the_route_refuses_in_one_sentence(
    client: Any, runs: Path, path: str, options: dict[str, Any], status: int, sentence: str
) -> None:
    answer = client.post(path, **{"data": npz(embeddings=E, labels=Y), "content_type": BINARY} | options)
    assert answer.status_code == status
    assert sentence in answer.get_data(as_text=True)
    assert not re.search(r"/tmp|Traceback", answer.get_data(as_text=True))
    assert sorted(path.name for path in runs.iterdir()) == ["one"]
