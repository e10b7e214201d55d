"""One attempt at a job: files in, child process, files out, and one transaction that ends the job."""

import asyncio
import contextlib
import json
import logging
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gnathos.children.child import ChildLimits, run_child
from gnathos.errors import DatabaseUnavailable, GnathosError, StoreUnavailable, UnknownFile
from gnathos.jobs.attempts import (
    Attempt,
    SignOfLife,
    begin_attempt,
    end_attempt,
    give_back,
    is_current,
    is_result,
    record_crash,
    report_life,
)
from gnathos.jobs.endings import Ending, OutputEnding
from gnathos.pipeline import InputFile, OutputFile, Request, Result
from gnathos.pipeline.request import KNOWN_FILE, SCAN_KEY
from gnathos.storage import ObjectStore
from gnathos.traces import Span, traces
from gnathos.worker.keeping import Shelf, attempt_prefix, clean_store, to_its_end
from gnathos.worker.sending import DELIVERING, Sender, deliver_outputs
from gnathos.worker.transactions import Transactions

logger = logging.getLogger(__name__)

REPORT_S = 0.5
"""Progress is written, and it is asked whether the job was cancelled, this often."""

SIGN_OF_LIFE_S = 3.0
"""And a sign of life at least this often."""


class AttemptFailed(Exception):
    """The attempt crashed, and the job is to be tried again."""


@dataclass(frozen=True)
class Workplace(Transactions):
    """What attempts need."""

    store: ObjectStore
    scratch: Path
    command: Sequence[str]
    """The child's command, but for the folder."""
    limits: ChildLimits
    most_attempts: int
    region: str
    """Named in receipts."""
    sender: Sender


async def run_attempt(workplace: Workplace, tenant_id: uuid.UUID, job_id: uuid.UUID) -> None:
    """Try a job once.

    Raises:
        AttemptFailed: it is to be tried again.
    """
    attempt = await workplace.write(lambda session: begin_attempt(tenant_id, session, job_id))
    if attempt is None:
        return
    folder = workplace.scratch / f"{job_id}-{attempt.number}"
    logger.info("job %s: attempt %d begins", job_id, attempt.number)
    try:
        await to_its_end(clean_store, workplace.store, attempt)
        with traces.span("attempt", job__id=str(job_id), attempt__number=attempt.number) as span:
            crash = await _try(workplace, attempt, folder, span)
            span.note(attempt__crash=crash or "")
    except asyncio.CancelledError:
        with contextlib.suppress(DatabaseUnavailable):
            await workplace.write(lambda session: give_back(attempt, session))
        raise
    except (StoreUnavailable, UnknownFile, OSError) as error:
        crash = f"The files of the job could not be moved: {type(error).__name__}."
        logger.warning("job %s: %s", job_id, error.__cause__ or error)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    if crash:
        await _fail(workplace, attempt, crash)


async def _try(workplace: Workplace, attempt: Attempt, folder: Path, span: Span) -> str | None:
    """Run the child, keep and send what it made, and end the job; a sentence if the child crashed."""
    await to_its_end(_fill_folder, workplace.store, attempt, folder)
    shelf = Shelf(workplace, workplace.store, attempt, folder)
    life = _Life(workplace, attempt, shelf)
    work = asyncio.create_task(_work(workplace, attempt, folder, life))
    beside = [asyncio.create_task(life.tell_until(work)), asyncio.create_task(shelf.keep_offered())]
    try:
        ending = await work
    except asyncio.CancelledError:
        if life.is_outdated:
            logger.warning("job %s: attempt %d no longer counts and was ended", attempt.job_id, attempt.number)
            ending = None
        else:
            raise
    finally:
        for each in beside:
            each.cancel()
        # Until all of them have ended, something may still be written.
        await asyncio.gather(*beside, work, return_exceptions=True)
    if ending is None:
        await asyncio.to_thread(workplace.store.delete_below, attempt_prefix(attempt))
        return None
    if isinstance(ending, str):
        return ending
    span.note(**{f"stage__{stage}__seconds": seconds for stage, seconds in life.seconds.items()})
    await _end(workplace, attempt, ending)
    return None


async def _work(workplace: Workplace, attempt: Attempt, folder: Path, life: "_Life") -> Ending | str:
    """What the job is to end with, or a sentence on why the child crashed."""
    end = await run_child([*workplace.command, str(folder)], folder, workplace.limits, life.hear)
    crash = end.crash()
    if crash:
        logger.warning("job %s: attempt %d: %s %s", attempt.job_id, attempt.number, crash, end.error_tail)
        return crash
    try:
        result = Result.load(folder)
        outputs = await life.shelf.keep_all(result)
        ending = _ending(result, outputs, await life.shelf.keep_findings(), workplace.region)
    except (FileNotFoundError, ValueError, TypeError, KeyError) as error:
        logger.warning("job %s: attempt %d left no result: %r", attempt.job_id, attempt.number, error)
        return "The computation ended without a result."
    paths = {(each.kind, each.position): folder / each.path for each in result.outputs if each.path is not None}
    if any(output.upload_url for output in attempt.outputs):
        life.enter(DELIVERING)
    return await deliver_outputs(workplace.sender, attempt, ending, paths)


async def _end(workplace: Workplace, attempt: Attempt, ending: Ending) -> None:
    await workplace.write_patiently(lambda session: end_attempt(attempt, session, ending))
    counts = await workplace.write_patiently(lambda session: is_result(attempt, session))
    if not counts:
        await asyncio.to_thread(workplace.store.delete_below, attempt_prefix(attempt))
    logger.info(
        "job %s: attempt %d ends, success %s, counts %s", attempt.job_id, attempt.number, ending.success, counts
    )


async def _fail(workplace: Workplace, attempt: Attempt, crash: str) -> None:
    again = await workplace.write_patiently(
        lambda session: record_crash(attempt, session, crash, workplace.most_attempts)
    )
    with contextlib.suppress(GnathosError):
        await asyncio.to_thread(workplace.store.delete_below, attempt_prefix(attempt))
    if again:
        raise AttemptFailed(crash)


class _Life:
    """What a child prints, passed on to the job's row now and then, and its outputs to the shelf."""

    def __init__(self, workplace: Workplace, attempt: Attempt, shelf: Shelf) -> None:
        self.shelf = shelf
        self._workplace = workplace
        self._attempt = attempt
        self._sign = SignOfLife("start", 0.0)
        self._told = self._sign
        self._told_at = time.monotonic()
        self.is_outdated = False

    def hear(self, line: bytes) -> None:
        """Note a line; what is no report is ignored."""
        with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
            report = json.loads(line)
            progress = min(max(float(report["progress"]), 0.0), 1.0)
            self._sign = SignOfLife(str(report["stage"])[:40], progress, dict(report.get("seconds") or {}))
            if report.get("made"):
                self.shelf.offer(report["made"])

    @property
    def seconds(self) -> Mapping[str, Any]:
        """Of the stages that have ended."""
        return self._sign.seconds

    def enter(self, stage: str) -> None:
        """Note that the attempt is at a stage of the worker's own."""
        self._sign = SignOfLife(stage, self._sign.progress, self._sign.seconds)

    async def tell_until(self, child: "asyncio.Task[object]") -> None:
        """Tell until the child ends; end it when the job was cancelled or another attempt has taken over."""
        while not child.done():
            await asyncio.sleep(REPORT_S)
            is_due = time.monotonic() - self._told_at > SIGN_OF_LIFE_S
            with contextlib.suppress(DatabaseUnavailable):  # the worker itself notices, and ends
                if not await (self._tell() if is_due or self._sign is not self._told else self._ask()):
                    self.is_outdated = True
                    child.cancel()
                    return

    async def _tell(self) -> bool:
        sign = self._sign
        counts = await self._workplace.write(lambda session: report_life(self._attempt, session, sign))
        self._told, self._told_at = sign, time.monotonic()
        return counts

    async def _ask(self) -> bool:
        return await self._workplace.write(lambda session: is_current(self._attempt, session))


def _fill_folder(store: ObjectStore, attempt: Attempt, folder: Path) -> None:
    inputs = []
    for each in attempt.inputs:
        # A folder for each file: some readers look for others beside it.
        path = Path("inputs") / each.key / f"file{each.extension}"
        (folder / path).parent.mkdir(parents=True, mode=0o700)
        store.fetch(each.object_key, folder / path)
        inputs.append(InputFile(each.key, str(path), each.extension))
        if each.key == SCAN_KEY and each.findings_key is not None:
            _fetch_findings(store, each.findings_key, folder / KNOWN_FILE)
    outputs = [
        OutputFile(each.kind, each.extension, each.structures, each.position, each.exclude) for each in attempt.outputs
    ]
    Request(tuple(inputs), tuple(outputs), attempt.options, attempt.version).save(folder)


def _fetch_findings(store: ObjectStore, findings_key: str, path: Path) -> None:
    try:
        store.fetch(findings_key, path)
    except UnknownFile:  # its job was deleted meanwhile: everything is found again
        path.unlink(missing_ok=True)


def _ending(result: Result, outputs: tuple[OutputEnding, ...], findings_keys: dict[str, str], region: str) -> Ending:
    return Ending(
        success=result.success,
        outputs=outputs,
        error=dict(result.error) if result.error else None,
        warnings=result.warnings,
        coordinate_system=result.coordinate_system,
        receipt={**result.receipt, "region": region},
        findings_keys=findings_keys,
    )
