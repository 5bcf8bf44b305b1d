"""The devices of this machine, with and without a GPU that answers."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace

import pytest
import torch
from conftest import until

from explorer.train import devices
from explorer.train.devices import Device, Devices


def test_a_gpu_that_does_not_answer_once_is_there_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = Device("cuda:0", "a GPU", 10, 20)
    answers = [json.dumps([asdict(gpu)]), "out of memory", json.dumps([asdict(replace(gpu, free=5))])]
    monkeypatch.setattr(devices, "may_have_gpu", lambda: True)
    monkeypatch.setattr(devices, "FRESH_SECONDS", 0)
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, answers.pop(0), "")
    )
    local = Devices()
    assert [device.name for device in local.all()] == ["cuda:0", "cpu"]
    local.refresh()
    until(lambda: len(answers) == 1)
    assert local.device_of("auto") == "cuda:0"
    local.refresh()
    until(lambda: local.all()[0].free == 5)


def test_the_devices_are_listed_by_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "explorer.train.preview_process", "devices"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    gpus = [Device(**device) for device in json.loads(done.stdout)]
    assert [device.name for device in gpus] == [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    assert Devices().all()[-1].name == "cpu"
