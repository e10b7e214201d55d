import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from gnathos.api.app import create_app
from gnathos.jobs.credentials import create_client
from gnathos.jobs.database import Database, migrate
from gnathos.settings import Settings

MANDIBLE = {
    "inputFiles": {"cbct": {"extension": ".dcm"}},
    "outputFiles": {"meshes": [{"extension": ".stl", "structures": ["mandible"]}]},
}


@dataclass
class Api:
    """The application, called without a network, on a loop of its own."""

    app: FastAPI
    settings: Settings
    database: Database
    loop: asyncio.AbstractEventLoop

    def call(self, method: str, url: str, **arguments: Any) -> httpx2.Response:
        async def send() -> httpx2.Response:
            transport = httpx2.ASGITransport(self.app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://engine.test") as client:
                return await client.request(method, url, **arguments)

        return self.loop.run_until_complete(send())

    def token(self, tenant: str = "clinic") -> str:
        with self.database.transaction() as session:
            client_id, client_secret = create_client(session, tenant)
        body = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        return self.call("POST", "/oauth/token", json=body).json()["access_token"]


@pytest.fixture(scope="module")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder: Path = tmp_path_factory.mktemp("engine")
    return Settings(data=folder, database_url=database_url, region="eu", max_upload_mb=2, receiving_seconds=0)


@pytest.fixture(scope="module")
def start_api() -> Iterator[Callable[[Settings], Api]]:
    """Starts applications; ends them with the module."""
    loop = asyncio.new_event_loop()
    contexts: list[Any] = []
    databases: list[Database] = []

    def start(settings: Settings) -> Api:
        migrate(settings.database_url)
        app = create_app(settings)
        context = app.router.lifespan_context(app)
        loop.run_until_complete(context.__aenter__())
        contexts.append(context)
        databases.append(Database(settings.database_url))
        return Api(app, settings, databases[-1], loop)

    yield start
    for context in contexts:
        loop.run_until_complete(context.__aexit__(None, None, None))
    for database in databases:
        database.close()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.fixture(scope="module")
def api(start_api: Callable[[Settings], Api], settings: Settings) -> Api:
    return start_api(settings)


@pytest.fixture
def token(api: Api) -> str:
    return api.token()


@pytest.fixture
def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
