"""What a type checker makes of a program that uses the client."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """\
from typing import assert_type
from gnathos.client import AsyncEngine, Engine, Job, Result

def use(engine: Engine) -> None:
    job = engine.submit({"cbct": {"extension": ".dcm"}}, {"meshes": []}, webhook="https://here.example")
    assert_type(job, Job)
    assert_type(engine.wait(job.id, timeout_s=3)["success"], bool)
    assert_type(engine.poll(job.id), Result | None)
    assert_type(engine.token(), str)
    engine.segment(3)  # wrong
    engine.wait(job.id, wrong=1)  # wrong

async def use_async(engine: AsyncEngine) -> None:
    assert_type(await engine.poll("job"), Result | None)
    engine.poll("job")["success"]  # wrong
"""


def test_arguments_and_results_are_typed(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--no-error-summary",
        "--cache-dir",
        tmp_path / "cache",
        program,
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path).stdout

    wrong = [number for number, line in enumerate(PROGRAM.splitlines(), 1) if line.endswith("# wrong")]
    assert sorted({int(line.split(":")[1]) for line in told.splitlines() if ": error:" in line}) == wrong, told
