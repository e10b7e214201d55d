"""How much was done, by package and end user."""

from dataclasses import asdict

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from gnathos.api.callers import Caller
from gnathos.api.job_record_routes import NO_STORE, After, Before
from gnathos.api.job_routes import ACCESS
from gnathos.api.responses import problems
from gnathos.api.services import Engine
from gnathos.api.versions import Version
from gnathos.errors import RequestInvalid
from gnathos.jobs.usage import Usage, count_usage

router = APIRouter(tags=["Jobs"])

NAMES = {"cloud_package": "cloudPackage", "end_user_id": "endUserId"}
"""Of the contract."""


class UsageOf(BaseModel):
    """What was done for one end user in one package."""

    cloudPackage: str | None = Field(description="Null: jobs that named none.")  # noqa: N815 - contract
    endUserId: str | None = Field(description="Null: jobs that named none.")  # noqa: N815 - contract
    jobs: int = Field(description="All that were submitted, open and deleted ones too.", examples=[12])
    succeeded: int = Field(examples=[10])
    failed: int = Field(examples=[1])
    cancelled: int = Field(examples=[0])
    seconds: float = Field(description="Time that jobs ran.", examples=[431.5])


class UsageAnswer(BaseModel):
    """By package and end user."""

    usage: list[UsageOf]


@router.get(
    "/{version}/usage",
    summary="Count jobs by package and end user",
    response_model=UsageAnswer,
    responses=problems(*ACCESS, RequestInvalid),
)
def usage(
    version: Version,  # noqa: ARG001 - checked by its type
    caller: Caller,
    engine: Engine,
    after: After = None,
    before: Before = None,
) -> JSONResponse:
    """Of the token's tenant, counted from the records of its jobs; those of deleted jobs count too."""
    with engine.database.transaction() as session:
        found = count_usage(caller.tenant_id, session, after, before)
    return JSONResponse({"usage": [_as_answer(each) for each in found]}, headers=NO_STORE)


def _as_answer(found: Usage) -> dict[str, object]:
    return {NAMES.get(name, name): value for name, value in asdict(found).items()}
