"""The application, put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

from gnathos import __version__
from gnathos.api import (
    catalogue_routes,
    health_routes,
    job_record_routes,
    job_routes,
    local_routes,
    metrics_routes,
    notify_routes,
    page_routes,
    part_routes,
    share_routes,
    token_routes,
    transfer_routes,
    usage_routes,
    webhook_routes,
)
from gnathos.api.documentation import install_documentation
from gnathos.api.guide import install_guide
from gnathos.api.metrics import RequestMetrics
from gnathos.api.problems import install_problems
from gnathos.api.request_log import RequestLog
from gnathos.api.schema import install_schema
from gnathos.api.services import open_services
from gnathos.settings import Settings


def create_app(settings: Settings, local_client: str = "") -> FastAPI:
    """The API of an engine with these settings, and its page.

    Args:
        settings: as read from the environment.
        local_client: the client that whoever sits at this machine may sign in as with one click; empty: nobody may.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            services = open_services(settings, local_client)
            app.state.services = await run_in_threadpool(services.__enter__)
            stack.push_async_callback(run_in_threadpool, services.__exit__, None, None, None)
            stack.push_async_callback(app.state.services.client.aclose)
            yield

    app = FastAPI(
        title="Gnathos",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.metrics = RequestMetrics()
    app.add_middleware(RequestLog, metrics=app.state.metrics)
    install_problems(app)
    for routes in (
        token_routes,
        local_routes,
        catalogue_routes,
        job_routes,
        notify_routes,
        job_record_routes,
        share_routes,
        usage_routes,
        transfer_routes,
        part_routes,
        webhook_routes,
        health_routes,
        metrics_routes,
        page_routes,
    ):
        app.include_router(routes.router)
    install_documentation(app)
    install_guide(app)
    install_schema(app)
    return app
