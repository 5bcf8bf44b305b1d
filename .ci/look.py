"""Whether a freshly installed explorer shows a newcomer its bundled runs, its browser code and the run just trained."""

import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import explorer
import mtm

address = sys.argv[1]
PATIENCE = 60  # seconds until the server answers


def fetched(path: str) -> bytes:
    with urllib.request.urlopen(f"{address}{path}", timeout=120) as response:
        return bytes(response.read())


for package in (mtm, explorer):
    assert ".venv" in str(package.__file__), f"{package.__file__} is not the installed package"
until = time.monotonic() + PATIENCE
while True:
    try:
        page = fetched("/")
        break
    except (urllib.error.URLError, OSError):
        assert time.monotonic() < until, f"nothing answers at {address} after {PATIENCE} s"
        time.sleep(0.5)
assert b"Moving targets" in page
assert b"export" in fetched("/assets/player/main.mjs")
bundled = sorted(path.name for path in (Path(explorer.__file__).parent / "demo").iterdir() if path.is_dir())
assert len(bundled) == 7, bundled
for run in ("digits-convnet-euclidean-1", *(f"demo/{name}" for name in bundled)):
    frames = fetched(f"/api/frames?run={run}&view=pca")
    header = json.loads(frames[4 : 4 + int.from_bytes(frames[:4], "little")])
    count, n = len(header["epochs"]), header["n"]
    print(f"{run}: {count} snapshots of {n} images")
    assert run.startswith("digits") or (count >= 20 and 500 <= n <= 1000)
