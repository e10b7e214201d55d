import uuid
from collections.abc import Callable, Iterator

import pytest

from gnathos.jobs.credentials import ensure_tenant
from gnathos.jobs.database import Database, migrate
from gnathos.jobs.submission import NewInput, NewJob, NewOutput


@pytest.fixture(scope="module")
def database(database_url: str) -> Iterator[Database]:
    migrate(database_url)
    with Database(database_url) as opened:
        yield opened


@pytest.fixture
def tenant_id(database: Database) -> uuid.UUID:
    """A new tenant."""
    with database.transaction() as session:
        return ensure_tenant(session, f"tenant {uuid.uuid4()}")


@pytest.fixture
def new_job() -> Callable[..., NewJob]:
    def make(inputs: tuple[str, ...] = ("cbct",), request: str = "", **fields: str | None) -> NewJob:
        outputs = (
            NewOutput("meshes", 0, ".stl", ".stl", ("mandible",)),
            NewOutput("meshes", 1, ".stl", "STL", ("all_nerves", "skull")),
        )
        return NewJob(
            client_id="client",
            version="24.06",
            request={"made": request},
            inputs=tuple(NewInput(key, ".dcm") for key in inputs),
            outputs=outputs,
            options={"mandible": {"smoothingIterations": 2}},
            **fields,
        )

    return make
