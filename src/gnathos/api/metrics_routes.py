"""`/metrics`, as Prometheus asks for it."""

import os
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from gnathos import __version__
from gnathos.api.metrics import Family, RequestMetrics, exposition
from gnathos.api.responses import problems
from gnathos.api.services import Engine
from gnathos.jobs.figures import Figures, count_everything

router = APIRouter(tags=["Health"])

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@router.get(
    "/metrics",
    summary="Numbers for Prometheus",
    response_class=PlainTextResponse,
    responses={200: {"description": "Text format 0.0.4"}, **problems()},
)
def metrics(request: Request, engine: Engine) -> PlainTextResponse:
    """Requests of this process, jobs, queue, workers, webhooks and files of the installation; nothing of tenants."""
    requests = request.app.state.metrics
    assert isinstance(requests, RequestMetrics)  # noqa: S101 - for the type checker
    with engine.database.transaction() as session:
        figures = count_everything(session)
    families = [*_installation(figures), *_process(), *requests.families()]
    return PlainTextResponse(exposition(families), headers={"Cache-Control": "no-store"}, media_type=MEDIA_TYPE)


def _installation(figures: Figures) -> list[Family]:
    jobs = tuple(("", {"state": state}, float(number)) for state, number in figures.jobs.items())
    messages = tuple(("", {"state": state}, float(number)) for state, number in figures.deliveries.items())
    return [
        Family("gnathos_jobs", "gauge", "Jobs that are kept, by state.", jobs),
        _gauge(
            "gnathos_queue_oldest_seconds", "How long the first job in the queue has waited.", figures.queue_seconds
        ),
        Family("gnathos_webhook_messages", "gauge", "Messages to webhooks that are kept, by state.", messages),
        _gauge("gnathos_stored_bytes", "Size of the files of all jobs.", figures.stored_bytes),
        _gauge("gnathos_workers", "Workers that gave a sign of life lately.", figures.workers),
    ]


def _process() -> list[Family]:
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if Path("/proc/self/statm").exists() else 0
    memory = _gauge("process_resident_memory_bytes", "Memory of this process.", pages * os.sysconf("SC_PAGE_SIZE"))
    return [Family("gnathos_info", "gauge", "What runs.", (("", {"version": __version__}, 1.0),)), memory]


def _gauge(name: str, meaning: str, value: float) -> Family:
    return Family(name, "gauge", meaning, (("", {}, float(value)),))
