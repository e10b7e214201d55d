"""The suite against a real engine, with a scan in which a mandible is found: each check's outcome."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.engine import ALLOWED_ADDRESS, RunningEngine
from tests.ports import free_port

from gnathos.conformance.check import Check
from gnathos.conformance.checks import CHECKS

TIMEOUT_S = 1500
"""Two minutes are usual; a machine that is busy with other things takes its time."""


@pytest.fixture(scope="module")
def report(engine: RunningEngine, small_scan: Path) -> dict[str, Any]:
    callback = f"http://{ALLOWED_ADDRESS}:{free_port()}"
    command = [sys.executable, "-m", "gnathos.conformance", "--url", engine.url, "--scan", str(small_scan), "--json"]
    known = {"CLIENT_ID": engine.credentials["client_id"], "CLIENT_SECRET": engine.credentials["client_secret"]}
    ended = subprocess.run(
        [*command, "--callback-url", callback],
        env={**os.environ, **known},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert ended.stdout, ended.stderr[-4000:]
    found: dict[str, Any] = json.loads(ended.stdout)
    assert ended.returncode == (0 if found["kept"] else 1)
    assert len(ended.stderr.splitlines()) == len(CHECKS)  # a line each, as they came
    return found


@pytest.mark.timeout(TIMEOUT_S + 60)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.section}: {check.name}")
def test_the_engine_keeps_the_contract(report: dict[str, Any], check: Check) -> None:
    (found,) = [each for each in report["checks"] if (each["section"], each["name"]) == (check.section, check.name)]

    assert found["outcome"] == "passed", found["detail"]
