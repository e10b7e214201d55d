"""Whether the API runs, and whether it can do its work."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from gnathos.api.services import Engine, Services
from gnathos.errors import DatabaseUnavailable
from gnathos.jobs.heartbeats import count_alive

router = APIRouter(prefix="/health", tags=["Health"])


class Health(BaseModel):
    """What is there."""

    status: str = Field(examples=["ready"])
    missing: list[str] = Field(description="`database`, `store`, `worker`.", examples=[[]])


@router.get("/live", summary="Whether the API runs", response_model=Health)
def live() -> Health:
    """Always, when it answers."""
    return Health(status="live", missing=[])


@router.get(
    "/ready",
    summary="Whether jobs can be taken and done",
    response_model=Health,
    responses={503: {"model": Health, "description": "Something is missing"}},
)
def ready(engine: Engine) -> JSONResponse:
    """Database, store, and a worker that gave a sign of life lately."""
    missing = [name for name, is_there in _parts(engine).items() if not is_there]
    health = Health(status="not ready" if missing else "ready", missing=missing)
    return JSONResponse(health.model_dump(), 503 if missing else 200, {"Cache-Control": "no-store"})


def _parts(engine: Services) -> dict[str, bool]:
    try:
        with engine.database.transaction() as session:
            workers = count_alive(session)
        has_database = True
    except DatabaseUnavailable:
        workers, has_database = 0, False
    return {"database": has_database, "store": engine.store.is_up(), "worker": workers > 0}
