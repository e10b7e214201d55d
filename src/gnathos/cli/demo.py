"""`make demo`: the quick start's job through a real engine, from nothing to a mesh, and everything stopped again."""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from gnathos import __version__
from gnathos.cli.exits import Exit, exit_for, known_error, tell
from gnathos.cli.mesh_check import MeshFacts, facts_of_stl
from gnathos.cli.progress import StageProgress
from gnathos.cli.results import exit_of
from gnathos.client import Engine, Result
from gnathos.errors import EngineNotReachable, NothingFound, ScanError
from gnathos.phantom import make_phantom, write_phantom
from gnathos.pipeline.progress import STAGE_SHARES
from gnathos.tether import tethered

PHANTOM = Path(".cache") / f"phantom-{__version__}.dcm"
FOLDER = Path("demo")
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60


def main() -> None:
    """Run the demo; exit code as of `gnathos segment`."""
    parser = argparse.ArgumentParser(prog="make demo")
    parser.add_argument("--scan", type=Path)
    try:
        run(parser.parse_args().scan)
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    except Exception as error:
        tell(known_error(error))
        sys.exit(exit_for(known_error(error)))


def run(scan: Path | None) -> None:
    """Start an engine, send the scan, fetch the mandible, print what came of it."""
    if scan is not None and not scan.exists():
        raise ScanError(f"There is no {scan}.", remedy="Give the path of a scan: make demo SCAN=path")
    began = time.monotonic()
    scan = scan or ensure_phantom()
    with tempfile.TemporaryDirectory(prefix="gnathos-demo-") as data, running_engine(Path(data)) as credentials:
        started = time.monotonic()
        result = _segment(scan, credentials)
        ended = time.monotonic()
        documentation = json.loads(credentials.read_text())["url"] + "/docs"
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    _require_mandible(result)
    _print_facts(facts_of_stl(FOLDER / "mandible.stl"), result)
    print(f"time            {ended - started:.1f} s for the job, {started - began:.1f} s before it")
    print(f"documentation   was at {documentation}")
    print(
        "next            make up, and open the address that it prints: send a scan, look at the result, read the guide"
    )


def ensure_phantom() -> Path:
    """The demo's scan, made at the first use."""
    if not PHANTOM.exists():
        print(f"making a phantom, {PHANTOM}", file=sys.stderr, flush=True)
        PHANTOM.parent.mkdir(exist_ok=True)
        part = PHANTOM.with_suffix(".part")
        write_phantom(make_phantom(), part)
        part.replace(PHANTOM)
    return PHANTOM


@contextmanager
def running_engine(data: Path) -> Iterator[Path]:
    """`gnathos up` on a free port; yields its credentials file once it takes jobs.

    Raises:
        EngineNotReachable: it did not start; its log's end is in the sentence.
    """
    print("starting the engine", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "gnathos.cli", "up", "--data", str(data), "--port", "0"]
    with (data / "up.log").open("w+") as log:
        engine = subprocess.Popen(tethered(command, signal.SIGTERM), stdout=log, stderr=log, start_new_session=True)
        try:
            _wait_until_ready(engine, data / "credentials.json", data / "up.log")
            yield data / "credentials.json"
        finally:
            _stop(engine)


def _wait_until_ready(engine: subprocess.Popen[bytes], credentials: Path, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and engine.poll() is None:
        if credentials.exists():
            try:
                ready = httpx2.get(f"{json.loads(credentials.read_text())['url']}/health/ready")
            except httpx2.TransportError:
                pass
            else:
                if ready.is_success:
                    return
        time.sleep(0.1)
    last_lines = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
    raise EngineNotReachable(f"The engine did not start:\n{last_lines}")


def _stop(engine: subprocess.Popen[bytes]) -> None:
    engine.send_signal(signal.SIGTERM)
    try:
        engine.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        engine.kill()
        engine.wait()


def _segment(scan: Path, credentials: Path) -> Result:
    with Engine.from_file(credentials) as engine, StageProgress() as progress:
        return engine.segment(scan, ["mandible"], FOLDER, progress=progress.tell)


def _require_mandible(result: Result) -> None:
    if not result["success"]:
        error = result.get("error") or {}
        raise ScanError(error.get("detail"), remedy=error.get("remedy"))
    (mesh,) = result["outputFiles"]["meshes"]
    if exit_of(result):
        reason = (mesh.get("reason") or {}).get("detail", "no reason was given")
        raise NothingFound(f"There is no mandible in the scan: {reason}")


def _print_facts(mesh: MeshFacts, result: Result) -> None:
    seconds = (result.get("receipt") or {}).get("seconds", {})
    closed = "yes" if mesh.is_watertight else f"no, {mesh.open_edges} edges do not have one face on each side"
    print(f"mesh            {FOLDER / 'mandible.stl'}, result in {FOLDER / 'result.json'}")
    print(f"volume          {mesh.volume_ml:.2f} ml")
    print(f"triangles       {mesh.triangles}")
    print(f"watertight      {closed}")
    print(
        "stages          " + ", ".join(f"{stage} {seconds[stage]:.1f} s" for stage in STAGE_SHARES if stage in seconds)
    )


if __name__ == "__main__":
    main()
