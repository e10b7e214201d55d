"""Outputs sent to the URLs that clients named for them."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2

from gnathos.errors import DeliveryFailed, GnathosError
from gnathos.jobs.attempts import Attempt, AttemptOutput
from gnathos.jobs.endings import Ending, OutputEnding
from gnathos.transfers.push import push

logger = logging.getLogger(__name__)

DELIVERING = "deliver"
"""Stage of a job whose outputs are being sent."""

MEDIA_TYPE = "application/octet-stream"

Place = tuple[str, int]
"""Kind and position of an output."""


@dataclass(frozen=True)
class Sender:
    """What sending needs."""

    client: httpx2.AsyncClient
    """A guarded one."""
    limit_s: float
    """For one file with all of its tries."""


async def deliver_outputs(sender: Sender, attempt: Attempt, ending: Ending, paths: Mapping[Place, Path]) -> Ending:
    """Send what has a URL; where that fails, the job has still succeeded, and says so beside the file."""
    wanted = {(each.kind, each.position): each for each in attempt.outputs if each.upload_url}
    outputs = [await _delivered(sender, wanted, each, paths) for each in ending.outputs]
    warnings = tuple(_warning(each) for each in outputs if each.delivery and each.delivery["reason"])
    for warning in warnings:
        logger.warning("job %s: %s", attempt.job_id, warning["detail"])
    return replace(ending, outputs=tuple(outputs), warnings=(*ending.warnings, *warnings))


async def _delivered(
    sender: Sender, wanted: Mapping[Place, AttemptOutput], output: OutputEnding, paths: Mapping[Place, Path]
) -> OutputEnding:
    place = (output.kind, output.position)
    if place not in wanted or place not in paths:
        return output
    reason = await _send(sender, wanted[place].upload_url or "", paths[place])
    delivery: dict[str, Any] = {"status": "Failed" if reason else "Delivered", "reason": reason}
    return replace(output, delivery=delivery)


async def _send(sender: Sender, url: str, path: Path) -> dict[str, str] | None:
    try:
        async with asyncio.timeout(sender.limit_s):
            await push(sender.client, url, path, MEDIA_TYPE)
    except TimeoutError:
        return DeliveryFailed("Sending to `uploadUrl` took longer than it may.").as_reason()
    except GnathosError as error:
        return error.as_reason()
    return None


def _warning(output: OutputEnding) -> dict[str, Any]:
    reason = (output.delivery or {})["reason"]
    detail = f"{output.kind}[{output.position}] was not delivered: {reason['detail']}"
    return {"code": DeliveryFailed.code, "detail": detail, "remedy": DeliveryFailed.remedy}
