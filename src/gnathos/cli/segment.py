"""`gnathos segment`: a scan to a mesh, without server or database."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gnathos.anatomy import expand_structures
from gnathos.anatomy.formats import MESH_EXTENSIONS, unknown_extension
from gnathos.cli.exits import Exit
from gnathos.cli.progress import StageProgress
from gnathos.cli.tables import print_table
from gnathos.errors import GnathosError
from gnathos.pipeline import InputFile, OutputFile, OutputResult, Request, Result

AVAILABLE = "Available"


def run(scan: Path, output: Path, structures: Sequence[str], as_json: bool) -> Exit:
    """Make one mesh of what is found; tell what is not."""
    expand_structures(structures)
    extension = output.suffix.lower()
    if extension not in MESH_EXTENSIONS:
        raise unknown_extension(extension, MESH_EXTENSIONS)
    request = Request(
        inputs=(InputFile("cbct", str(scan.resolve()), ""),),
        outputs=(OutputFile("meshes", extension, tuple(structures)),),
    )
    with tempfile.TemporaryDirectory(prefix="gnathos-segment-") as folder:
        result = run_in_child(request, Path(folder))
        if result.success and result.outputs[0].path is not None:
            _deliver(Path(folder) / result.outputs[0].path, output)
    if as_json:
        print(json.dumps(asdict(result), indent=2))
    elif result.success:
        _print_result(result.outputs[0], output)
    return _exit_of(result)


def run_in_child(request: Request, folder: Path) -> Result:
    """Run the pipeline in a process of its own: a hostile file ends that, and the exit code and the sentence are ours.

    Raises:
        GnathosError: the process ended without a result.
    """
    request.save(folder)
    command = [sys.executable, "-m", "gnathos.pipeline", str(folder)]
    with (folder / "log").open("w+") as log, StageProgress() as progress:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        with child, child.stdout or log as reports:
            try:
                for line in reports:
                    report = json.loads(line)
                    progress.show(report["stage"], report["progress"])
            except KeyboardInterrupt:
                child.kill()
                raise
        if child.returncode != 0:
            log.seek(0)
            last_line = (log.read().strip().splitlines() or ["no reason was given"])[-1]
            raise GnathosError(f"The computation ended early (code {child.returncode}): {last_line}")
    return Result.load(folder)


def _deliver(made: Path, output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    part = output.with_name(f".{output.name}.part")
    shutil.copyfile(made, part)
    part.replace(output)


def _exit_of(result: Result) -> Exit:
    if result.error is not None:
        print(result.error["detail"], result.error["remedy"], sep="\n", file=sys.stderr)
        return Exit.SCAN_UNREADABLE
    if result.outputs[0].status != AVAILABLE:
        print("Nothing of what was asked for was found; no file was written.", file=sys.stderr)
        return Exit.NOTHING_FOUND
    return Exit.OK


def _print_result(made: OutputResult, output: Path) -> None:
    print_table(("structure", "status", "confidence", "reason"), map(_row, made.parts))
    if made.status == AVAILABLE:
        measures = made.measures
        closed = "watertight" if measures["isWatertight"] else "not watertight"
        print(f"{output}: {measures['volumeMl']:.2f} ml, {measures['triangles']} triangles, {closed}")


def _row(part: Mapping[str, Any]) -> tuple[str, ...]:
    reason = (part["reason"] or {}).get("detail", "")
    return part["structure"], part["status"], f"{part['confidence']:.2f}", reason
