"""The commands of `gnathos admin` and their options; what they do is in `admin.py`."""

import importlib
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="Keep tenants, their clients and limits, in GNATHOS_DATABASE_URL.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

TenantName = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's name.")]
ClientId = Annotated[str, typer.Argument(metavar="CLIENT_ID", help="The client's id.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
OwnLimit = Annotated[int | None, typer.Option(help="0: no limit; -1: the installation's.")]


def _run(action: str, **given: Any) -> None:
    importlib.import_module("gnathos.cli.admin").run(action, **given)


@app.command()
def tenants(json: Json = False) -> None:
    """List the tenants with the limits that count for each."""
    _run("tenants", as_json=json)


@app.command("create-tenant")
def create_tenant(tenant: TenantName, json: Json = False) -> None:
    """Make a tenant."""
    _run("create", as_json=json, tenant=tenant)


@app.command("disable-tenant")
def disable_tenant(tenant: TenantName, json: Json = False) -> None:
    """Refuse a tenant's clients and tokens; its jobs stay."""
    _run("disable", as_json=json, tenant=tenant, is_disabled=True)


@app.command("enable-tenant")
def enable_tenant(tenant: TenantName, json: Json = False) -> None:
    """Take them again."""
    _run("disable", as_json=json, tenant=tenant, is_disabled=False)


@app.command()
def limit(
    tenant: TenantName,
    max_open_jobs: OwnLimit = None,
    max_stored_mb: OwnLimit = None,
    jobs_per_minute: OwnLimit = None,
    upload_hours: OwnLimit = None,
    result_hours: OwnLimit = None,
    deidentify: Annotated[
        int | None, typer.Option(help="1: take out of scans whose they are; 0: do not; -1: as the installation.")
    ] = None,
    json: Json = False,
) -> None:
    """Give a tenant limits of its own."""
    limits = {
        "max_open_jobs": max_open_jobs,
        "max_stored_mb": max_stored_mb,
        "jobs_per_minute": jobs_per_minute,
        "upload_hours": upload_hours,
        "result_hours": result_hours,
        "deidentify": deidentify,
    }
    _run("limit", as_json=json, tenant=tenant, limits=limits)


@app.command()
def clients(tenant: TenantName, json: Json = False) -> None:
    """List a tenant's clients."""
    _run("clients", as_json=json, tenant=tenant)


@app.command("create-client")
def create_client(
    tenant: TenantName,
    name: Annotated[str, typer.Option(help="What to call the client.")] = "client",
    json: Json = False,
) -> None:
    """Make a client; its secret is shown this once."""
    _run("create_client", as_json=json, tenant=tenant, name=name)


@app.command("rotate-client")
def rotate_client(tenant: TenantName, client_id: ClientId, json: Json = False) -> None:
    """Give a client a new secret, which is shown this once; the old one buys no tokens any more."""
    _run("rotate_client", as_json=json, tenant=tenant, client_id=client_id)


@app.command("revoke-client")
def revoke_client(tenant: TenantName, client_id: ClientId, json: Json = False) -> None:
    """Refuse a client, with the tokens that it has."""
    _run("revoke_client", as_json=json, tenant=tenant, client_id=client_id)


@app.command()
def audit(tenant: TenantName, json: Json = False) -> None:
    """Print a tenant's audit log."""
    _run("audit", as_json=json, tenant=tenant)


@app.command()
def usage(
    tenant: TenantName,
    since: Annotated[datetime | None, typer.Option(help="Only jobs submitted then or later (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only jobs submitted before (UTC).")] = None,
    json: Json = False,
) -> None:
    """Count a tenant's jobs by package and end user."""
    _run("usage", as_json=json, tenant=tenant, since=_in_utc(since), until=_in_utc(until))


def _in_utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None else None
