"""One line about a run: for `mtm runs`, for `--json` and for the explorer's table."""

from __future__ import annotations

from typing import Any

from mtm.runs import Run


def summarise(run: Run) -> dict[str, Any]:
    """State, config, progress and best accuracies of a run, in JSON's types."""
    status, config, rows = run.status, run.info.get("config") or {}, run.metrics
    best: dict[str, float] = {}
    for row in rows:
        for name, value in (row.get("accuracy") or {}).items():
            best[name] = max(value, best.get(name, 0.0))
    return {
        "run": str(run.folder),
        "name": run.name,
        "state": status.state,
        "error": status.error,
        "created": run.info.get("created"),
        "dataset": config.get("dataset"),
        "backbone": config.get("backbone"),
        "loss": (config.get("loss") or "pure") if config else None,
        "dim": config.get("dim") if config.get("head") == "targets" else None,
        "epoch": rows[-1]["epoch"] if rows else None,
        "epochs": config.get("epochs"),
        "snapshots": len(run.snapshots),
        "best_accuracy": best,
        "megabytes": round(run.size() / 1e6, 1),
        "problems": run.problems,
    }
