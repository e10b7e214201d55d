"""`gnathos submit`: a scan to an engine, meshes back."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gnathos.cli.exits import Exit
from gnathos.cli.progress import StageProgress
from gnathos.client import Engine
from gnathos.errors import EngineNotReachable
from gnathos.settings import Settings

CREDENTIALS_FILE = "credentials.json"


def run(
    scan: Path, structures: Sequence[str], folder: Path, credentials: Path | None, url: str | None, as_json: bool
) -> Exit:
    """Submit, wait, download; tell what became of each structure."""
    file = credentials or Settings.from_environment().data / CREDENTIALS_FILE
    with engine_of(file, url) as engine, StageProgress() as progress:
        result = engine.segment(scan, structures, folder, lambda each: progress.show(each.stage, each.fraction))
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        print_result(result)
    return exit_of(result)


def engine_of(credentials: Path, url: str | None = None) -> Engine:
    """The client for a credentials file.

    Raises:
        EngineNotReachable: the file cannot be read.
    """
    try:
        known = json.loads(credentials.read_text())
        return Engine(url or known["url"], known["client_id"], known["client_secret"], audience=known["audience"])
    except (OSError, ValueError, KeyError):
        raise EngineNotReachable(
            f"There are no credentials in {credentials}.",
            remedy="Name the file that `gnathos up` wrote, with --credentials.",
        ) from None


def print_result(result: Mapping[str, Any]) -> None:
    """A line per mesh."""
    for mesh in result.get("outputFiles", {}).get("meshes", []):
        reason = (mesh.get("reason") or {}).get("detail", "")
        print(f"{'+'.join(mesh['structures'])}: {mesh['status']}{f' - {reason}' if reason else ''}")


def exit_of(result: Mapping[str, Any]) -> Exit:
    """Exit code of a job's result."""
    if not result["success"]:
        error = result.get("error") or {}
        print(error.get("detail", "The job failed."), error.get("remedy", ""), sep="\n", file=sys.stderr)
        return Exit.SCAN_UNREADABLE
    meshes = result.get("outputFiles", {}).get("meshes", [])
    return Exit.OK if any(mesh["status"] == "Available" for mesh in meshes) else Exit.NOTHING_FOUND
