"""Programs of others that judge our files; each skips its test, and says so, where it is not installed."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

NODE_FOLDER = Path(__file__).parents[1] / "quickstart" / "node"
_GLTF_SCRIPT = """
const validator = require('gltf-validator'), fs = require('fs');
validator.validateBytes(new Uint8Array(fs.readFileSync(process.argv[1])), {maxIssues: 20})
  .then(report => console.log(JSON.stringify(report.issues)));
"""
_ADMESH_REPAIRS = (
    *("Degenerate facets", "Edges fixed", "Facets removed", "Facets added", "Facets reversed"),
    *("Backwards edges", "Normals fixed"),
)


def program(name: str, package: str) -> str:
    """Where a program is."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed (Debian: {package})")
    return path


def admesh_repairs(path: Path) -> dict[str, int]:
    """What admesh found to repair in an STL, by its own words; empty: nothing."""
    command = [program("admesh", "admesh"), str(path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    told_of = {line.partition(":")[0].strip(): line.partition(":")[2] for line in told.splitlines()}
    counts = {what: int(told_of[what].split()[0]) for what in (*_ADMESH_REPAIRS, "Total disconnected facets")}
    return {what: count for what, count in counts.items() if count}


def gltf_issues(path: Path) -> dict[str, object]:
    """What the Khronos validator says of a GLB: numbers of errors, warnings, infos, and messages."""
    node = program("node", "nodejs")
    if not (NODE_FOLDER / "node_modules" / "gltf-validator").exists():
        pytest.skip("gltf-validator is not installed (make test installs it where there is npm)")
    command = [node, "-e", _GLTF_SCRIPT, str(path)]
    told = subprocess.run(command, cwd=NODE_FOLDER, capture_output=True, text=True, check=True).stdout
    issues: dict[str, object] = json.loads(told)
    return issues


def dicom_errors(path: Path) -> list[str]:
    """The lines in which dciodvfy finds an error in a DICOM file."""
    ended = subprocess.run([program("dciodvfy", "dicom3tools"), str(path)], capture_output=True, text=True, check=False)
    return [line for line in (ended.stdout + ended.stderr).splitlines() if line.startswith("Error")]
