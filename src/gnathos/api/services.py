"""What the routes work with, made once when the API starts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated

import httpx2
from fastapi import Depends, Request

from gnathos.api.issuers import ExternalIssuers
from gnathos.api.job_watch import JobWatch
from gnathos.api.local_access import OneTimeCodes
from gnathos.api.tokens import TokenKeys
from gnathos.api.uploads_under_way import UploadsUnderWay
from gnathos.children.scratch import scratch_folder
from gnathos.jobs.credentials import TOKENS, URLS, signing_keys
from gnathos.jobs.database import Database, migrate
from gnathos.jobs.limits import LIMITS, Limits
from gnathos.receiving import Reception
from gnathos.settings import Settings
from gnathos.storage import ObjectStore, UrlSigner
from gnathos.transfers.guard import UrlGuard
from gnathos.transfers.network import guarded_client

START_TIMEOUT_S = 30
"""How long the API waits for the database when it starts."""


@dataclass(frozen=True)
class Services:
    """Everything a route may need."""

    settings: Settings
    database: Database
    store: ObjectStore
    signer: UrlSigner
    tokens: TokenKeys
    issuers: ExternalIssuers
    watch: JobWatch
    guard: UrlGuard
    limits: Limits
    """Of tenants without any of their own."""
    client: httpx2.AsyncClient
    """For clients' URLs; a guarded one."""
    reception: Reception
    uploads: UploadsUnderWay = field(default_factory=UploadsUnderWay)
    local_client: str = ""
    """Client that whoever sits at this machine is signed in as; none where that is not allowed."""
    local_codes: OneTimeCodes = field(default_factory=OneTimeCodes)


@contextmanager
def open_services(settings: Settings, local_client: str = "") -> Iterator[Services]:
    """Wait for the database, bring it to this version, and read the keys."""
    migrate(settings.database_url, START_TIMEOUT_S)
    with Database(settings.database_url) as database, scratch_folder(settings.data / "scratch") as scratch:
        with database.transaction() as session:
            token_keys = [(key.id, key.private) for key in signing_keys(session, TOKENS)]
            url_keys = [key.private for key in signing_keys(session, URLS)]
        store = ObjectStore.open(settings.store_url, settings.data / "objects")
        store.sweep()
        guard = UrlGuard.from_settings(settings.allowed_networks, settings.allowed_hosts)
        yield Services(
            settings=settings,
            database=database,
            store=store,
            signer=UrlSigner(url_keys),
            tokens=TokenKeys(token_keys, settings),
            issuers=ExternalIssuers.from_setting(settings.external_issuers),
            watch=JobWatch(database),
            guard=guard,
            limits=Limits(**{name: getattr(settings, name) for name in LIMITS}),
            client=guarded_client(guard),
            local_client=local_client,
            reception=Reception.from_settings(settings, store, scratch.resolve()),
        )


async def services_of(request: Request) -> Services:
    """The services of the application that the request came to; async, to be spared a thread."""
    services = request.app.state.services
    assert isinstance(services, Services)  # noqa: S101 - for the type checker
    return services


Engine = Annotated[Services, Depends(services_of)]


def base_url(request: Request, settings: Settings) -> str:
    """The URL at which the client reaches this API, without a slash at the end."""
    return (settings.public_url or str(request.base_url)).rstrip("/")
