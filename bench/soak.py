"""Memory of every role while jobs are done for long: `python -m bench.soak --minutes 60`; not part of `make bench`."""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.processes import command_of, descendants_of

from bench.load import ROLES, engine_process
from bench.scans import SMALL, phantom
from bench.tables import print_table
from gnathos.cli.connection import engine_of
from gnathos.cli.demo import running_engine

SEEN_EVERY_S = 180.0
WARM_UP_S = 600.0
"""Before this nothing counts for the slope: pools fill, code is loaded."""

Sample = tuple[float, dict[str, float]]
"""Seconds since the start, and MB of each role."""


def main() -> None:
    """Run jobs one after the other, print what each role holds now and then, at the end its slope."""
    given = _arguments()
    scan = phantom("small", SMALL)
    with tempfile.TemporaryDirectory(prefix="gnathos-soak-") as data, running_engine(Path(data)) as credentials:
        samples, jobs = [], 0
        for at_s, jobs in _jobs(credentials, scan, given.minutes * 60, given.every):
            if not samples or at_s - samples[-1][0] >= SEEN_EVERY_S:
                samples.append((at_s, _held_mb(engine_process(Path(data)))))
                held = ", ".join(f"{role} {size:.1f} MB" for role, size in samples[-1][1].items())
                print(f"{at_s / 60:.0f} min, {jobs} jobs: {held}", flush=True)
    rows = (_row(role, samples) for role in samples[0][1])
    columns = ("role", "first, MB", "last, MB", "most, MB", "slope, MB an hour")
    print_table(f"memory of its own over {samples[-1][0] / 60:.0f} minutes and {jobs} jobs", columns, rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--every", type=float, default=20, help="seconds from the start of a job to that of the next")
    return parser.parse_args()


def _jobs(credentials: Path, scan: Path, duration_s: float, every_s: float) -> Iterator[tuple[float, int]]:
    """The time and the number of jobs, at the end of each."""
    began = time.monotonic()
    done = 0
    while time.monotonic() - began < duration_s:
        next_at = time.monotonic() + every_s
        with engine_of(credentials) as engine, tempfile.TemporaryDirectory() as folder:
            result = engine.segment(scan, ["mandible"], Path(folder))
        if not result["success"]:
            raise RuntimeError(f"a job failed: {result['error']}")
        done += 1
        yield time.monotonic() - began, done
        time.sleep(max(0.0, next_at - time.monotonic()))


def _held_mb(engine_pid: int) -> dict[str, float]:
    processes = [engine_pid, *descendants_of(engine_pid)]
    words = {"supervisor": "gnathos.cli", **ROLES}
    return {
        role: sum(_own_bytes(pid) for pid in processes if each in command_of(pid)) / 1e6 for role, each in words.items()
    }


def _own_bytes(pid: int) -> int:
    """What is not read from files: programs and libraries count less the more engines run beside this one."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # ended meanwhile
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:")))


def _row(role: str, samples: list[Sample]) -> tuple[str, ...]:
    sizes = [held[role] for _, held in samples]
    late = [(at_s / 3600, held[role]) for at_s, held in samples if at_s >= WARM_UP_S]
    slope = f"{statistics.linear_regression(*zip(*late, strict=True)).slope:+.1f}" if len(late) > 1 else "too short"
    return role, f"{sizes[0]:.1f}", f"{sizes[-1]:.1f}", f"{max(sizes):.1f}", slope


if __name__ == "__main__":
    main()
