"""`gnathos submit`, `watch`, `download`, `jobs`, `cancel`, `delete`: an engine's jobs from a terminal."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from gnathos.cli.connection import engine_of
from gnathos.cli.exits import Exit
from gnathos.cli.progress import StageProgress
from gnathos.cli.results import tell_result
from gnathos.cli.tables import print_table
from gnathos.client import Engine, JobSummary
from gnathos.errors import EngineRefused

JOB_COLUMNS = ("job", "state", "stage", "done", "created", "seconds", "what is wrong")


def submit(
    engine: Engine, scan: Path, structures: Sequence[str], extension: str, folder: Path, wait: bool, as_json: bool
) -> Exit:
    """Send a scan; wait and fetch a mesh per structure, unless not to wait."""
    outputs = {"meshes": [{"extension": extension, "structures": [name]} for name in structures]}
    with StageProgress() as progress:
        job = engine.send(scan, outputs, progress=progress.tell)
    if not wait:
        print(json.dumps({"jobId": job.id}, indent=2) if as_json else job.id)
        return Exit.OK
    return watch(engine, job.id, folder, as_json)


def watch(engine: Engine, job_id: str, folder: Path | None, as_json: bool) -> Exit:
    """Wait for a job's end, and fetch its files where there is a folder for them."""
    with _going_on(job_id), StageProgress() as progress:
        result = engine.wait(job_id, progress.tell)
        saved = [] if folder is None else engine.save(result, folder, progress.tell)
    return tell_result(result, saved, as_json)


def download(engine: Engine, job_id: str, folder: Path, as_json: bool) -> Exit:
    """Fetch the files of a job that has ended."""
    result = engine.poll(job_id)
    if result is None:
        raise EngineRefused("The job has not ended yet.", remedy=f"Wait for it: gnathos watch {job_id}")
    with StageProgress() as progress:
        saved = engine.save(result, folder, progress.tell)
    return tell_result(result, saved, as_json)


def jobs(engine: Engine, states: Sequence[str], limit: int, as_json: bool) -> None:
    """List jobs, the newest first."""
    found = engine.jobs(states, limit)
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        print_table(JOB_COLUMNS, map(_row, found))


def cancel(engine: Engine, job_id: str, as_json: bool) -> None:
    """End a job without a result."""
    engine.cancel(job_id)
    _tell_done(job_id, "cancelled", as_json)


def delete(engine: Engine, job_id: str, as_json: bool) -> None:
    """Erase a job and its files."""
    engine.delete(job_id)
    _tell_done(job_id, "deleted", as_json)


def run(action: str, credentials: Path | None, url: str | None, **given: Any) -> Exit:
    """Do one of the above against the engine of a credentials file."""
    with engine_of(credentials, url) as engine:
        exit_code: Exit | None = ACTIONS[action](engine, **given)
    return exit_code or Exit.OK


ACTIONS: dict[str, Any] = {
    "submit": submit,
    "watch": watch,
    "download": download,
    "jobs": jobs,
    "cancel": cancel,
    "delete": delete,
}


@contextmanager
def _going_on(job_id: str) -> Iterator[None]:
    """Say that the job outlives the command that is interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"The job goes on. Its result: gnathos watch {job_id} -o FOLDER", file=sys.stderr)
        raise


def _tell_done(job_id: str, what: str, as_json: bool) -> None:
    print(json.dumps({"jobId": job_id, "state": what}, indent=2) if as_json else f"{job_id} is {what}.")


def _row(job: JobSummary) -> tuple[str, ...]:
    reason = (job.get("error") or {}).get("detail", "")
    created = job["createdAt"][:19].replace("T", " ")
    done = f"{job.get('progress') or 0:.0%}"
    return job["jobId"], job["state"], job.get("stage", ""), done, created, _seconds(job), reason


def _seconds(job: JobSummary) -> str:
    began, ended = job.get("startedAt"), job.get("endedAt")
    if not began or not ended:
        return ""
    return f"{(datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds():.1f}"
