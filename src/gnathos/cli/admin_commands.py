"""The commands of `gnathos admin` and their options; what they do is in `admin.py`."""

import importlib
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="Keep tenants, their clients and limits, in GNATHOS_DATABASE_URL.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

TenantName = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's name.")]
ClientId = Annotated[str, typer.Argument(metavar="CLIENT_ID", help="The client's id.")]
OwnLimit = Annotated[int | None, typer.Option(help="0: no limit; -1: the installation's.")]


def _run(action: str, **given: Any) -> None:
    importlib.import_module("gnathos.cli.admin").run(action, **given)


@app.command()
def tenants() -> None:
    """List the tenants with the limits that count for each."""
    _run("tenants")


@app.command("create-tenant")
def create_tenant(tenant: TenantName) -> None:
    """Make a tenant."""
    _run("create", tenant=tenant)


@app.command("disable-tenant")
def disable_tenant(tenant: TenantName) -> None:
    """Refuse a tenant's clients and tokens; its jobs stay."""
    _run("disable", tenant=tenant, is_disabled=True)


@app.command("enable-tenant")
def enable_tenant(tenant: TenantName) -> None:
    """Take them again."""
    _run("disable", tenant=tenant, is_disabled=False)


@app.command()
def limit(
    tenant: TenantName,
    max_open_jobs: OwnLimit = None,
    max_stored_mb: OwnLimit = None,
    jobs_per_minute: OwnLimit = None,
    upload_hours: OwnLimit = None,
    result_hours: OwnLimit = None,
) -> None:
    """Give a tenant limits of its own."""
    limits = {
        "max_open_jobs": max_open_jobs,
        "max_stored_mb": max_stored_mb,
        "jobs_per_minute": jobs_per_minute,
        "upload_hours": upload_hours,
        "result_hours": result_hours,
    }
    _run("limit", tenant=tenant, limits=limits)


@app.command()
def clients(tenant: TenantName) -> None:
    """List a tenant's clients."""
    _run("clients", tenant=tenant)


@app.command("create-client")
def create_client(
    tenant: TenantName, name: Annotated[str, typer.Option(help="What to call the client.")] = "client"
) -> None:
    """Make a client; its secret is shown this once."""
    _run("create_client", tenant=tenant, name=name)


@app.command("rotate-client")
def rotate_client(tenant: TenantName, client_id: ClientId) -> None:
    """Give a client a new secret, which is shown this once; the old one buys no tokens any more."""
    _run("rotate_client", tenant=tenant, client_id=client_id)


@app.command("revoke-client")
def revoke_client(tenant: TenantName, client_id: ClientId) -> None:
    """Refuse a client, with the tokens that it has."""
    _run("revoke_client", tenant=tenant, client_id=client_id)


@app.command()
def audit(tenant: TenantName) -> None:
    """Print a tenant's audit log."""
    _run("audit", tenant=tenant)
