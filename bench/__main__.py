"""Where the time and the memory go: `make bench`."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bench import decimation, page
from bench.load import load_rows
from bench.scans import LARGE, SMALL, phantom
from bench.tables import print_table
from bench.transfers import transfer_rows
from gnathos.anatomy import STRUCTURES
from gnathos.cli.connection import engine_of
from gnathos.cli.demo import running_engine
from gnathos.pipeline import InputFile, OutputFile, Request

MANDIBLE = {"meshes": [{"extension": ".stl", "structures": ["mandible"]}]}
PIPELINE_COLUMNS = ("stage", "seconds", "peak memory, MB")
OVERHEAD_JOBS = 3
UPLOAD_BYTES = 500 * 10**6
SAMPLE_INTERVAL_S = 0.02
POLL_INTERVAL_S = 0.02


def main() -> None:
    """Measure and print."""
    large, small = phantom("large", LARGE), phantom("small", SMALL)
    print_table("mandible of 512 × 512 × 400 at 0.3 mm", PIPELINE_COLUMNS, pipeline_rows(large, ("mandible",)))
    print_table("the same, all structures as one mesh", PIPELINE_COLUMNS, pipeline_rows(large, tuple(STRUCTURES)))
    print_table(decimation.TITLE, decimation.COLUMNS, decimation.decimation_rows(large))
    with tempfile.TemporaryDirectory(prefix="gnathos-bench-") as data, running_engine(Path(data)) as credentials:
        rows = overhead_rows(credentials, small)
        print_table("engine, apart from computing", ("what", "seconds"), rows)
        print_table("API while 500 MB are uploaded", ("what", "value"), upload_rows(credentials, Path(data)))
        print_table("engine under load", ("what", "value"), load_rows(credentials, large, small))
        print_table(page.TITLE, page.COLUMNS, page.page_rows(credentials, large))
    print_table("500 MB by clients' presigned URLs", ("what", "value"), transfer_rows())


def pipeline_rows(scan: Path, structures: tuple[str, ...]) -> Iterator[Sequence[str]]:
    """Seconds and peak memory of each stage, in a process of its own as in a job."""
    request = Request((InputFile("cbct", str(scan.resolve()), ".dcm"),), (OutputFile("meshes", ".stl", structures),))
    peaks: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="gnathos-bench-") as folder:
        request.save(Path(folder))
        reports = Path(folder) / "reports"
        command = [sys.executable, "-m", "gnathos.pipeline", folder]
        began = time.monotonic()
        with reports.open("wb") as output:
            child = subprocess.Popen(command, stdout=output, env=os.environ | {"MALLOC_ARENA_MAX": "1"})
            while child.poll() is None:
                stage = last_stage(reports)
                peaks[stage] = max(peaks.get(stage, 0), resident_bytes(child.pid))
                time.sleep(SAMPLE_INTERVAL_S)
        whole_s = time.monotonic() - began
        receipt = json.loads((Path(folder) / "result.json").read_text())["receipt"]
    for stage, seconds in receipt["seconds"].items():
        yield stage, f"{seconds:.2f}", f"{peaks.get(stage, 0) / 1e6:.0f}"
    yield "all, with start", f"{whole_s:.2f}", f"{max(peaks.values()) / 1e6:.0f}"


def last_stage(reports: Path) -> str:
    """The stage that a run reported last."""
    lines = reports.read_text().splitlines()
    try:
        return str(json.loads(lines[-1])["stage"]) if lines else "start"
    except ValueError:  # half a line
        return "start"


def resident_bytes(pid: int) -> int:
    """Memory that a process holds."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def overhead_rows(credentials: Path, scan: Path) -> Iterator[Sequence[str]]:
    """From the notification to the start of the computation, and from its end until a client sees the result."""
    measured = [overhead(credentials, scan) for _ in range(OVERHEAD_JOBS)]
    for name in measured[0]:
        values = sorted(each[name] for each in measured)
        yield name, f"{values[len(values) // 2]:.2f} (of {OVERHEAD_JOBS}: {values[0]:.2f} to {values[-1]:.2f})"


def overhead(credentials: Path, scan: Path) -> Mapping[str, float]:
    """One small job."""
    with engine_of(credentials) as engine:
        job = engine.submit({"cbct": {"extension": ".dcm"}}, MANDIBLE)
        engine.upload(job.uploads["cbct"].url, scan)
        notified = time.time()
        engine.notify(job.uploads["cbct"].notify_url)
        answered = time.time()
        while (result := engine.poll(job.id)) is None:
            time.sleep(POLL_INTERVAL_S)
        seen = time.time()
    computing_s = sum(result["receipt"]["seconds"].values())
    started, ended = moment(result, "startedAt"), moment(result, "endedAt")
    return {
        "notify → answer, the file looked at": answered - notified,
        "notify → start of the attempt": started - notified,
        "attempt, less its stages": ended - started - computing_s,
        "end → visible": seen - ended,
        "stages": computing_s,
    }


def moment(result: Mapping[str, Any], name: str) -> float:
    """A time of a result, in seconds."""
    return datetime.fromisoformat(result[name]).timestamp()


def upload_rows(credentials: Path, data: Path) -> Iterator[Sequence[str]]:
    """Memory of the API before and while a large file is sent."""
    api = next(pid for pid in processes() if b"gnathos.api" in command_of(pid) and str(data).encode() in environ(pid))
    before, peak = resident_bytes(api), [0]
    file = data / "large.dcm"
    with file.open("wb") as zeros:
        zeros.truncate(UPLOAD_BYTES)
    began = time.monotonic()
    with engine_of(credentials) as engine:
        job = engine.submit({"cbct": {"extension": ".dcm"}}, MANDIBLE)
        engine.upload(job.uploads["cbct"].url, file, lambda _: peak.append(resident_bytes(api)))
    yield "memory before", f"{before / 1e6:.0f} MB"
    yield "peak while uploading", f"{max(peak) / 1e6:.0f} MB"
    yield "rate", f"{UPLOAD_BYTES / 1e6 / (time.monotonic() - began):.0f} MB/s"


def processes() -> list[int]:
    """All of them."""
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def command_of(pid: int) -> bytes:
    """Command line of a process."""
    return read_of(pid, "cmdline")


def environ(pid: int) -> bytes:
    """Environment of a process."""
    return read_of(pid, "environ")


def read_of(pid: int, name: str) -> bytes:
    """A file of a process; empty where it has ended or is another's."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


if __name__ == "__main__":
    main()
