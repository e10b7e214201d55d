"""`gnathos admin`: tenants, their clients and limits, and the audit log."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from gnathos.cli.roles import require_database
from gnathos.cli.tables import tell
from gnathos.jobs.audit import entries
from gnathos.jobs.database import Database, migrate
from gnathos.jobs.limits import LIMITS, Limits, limits_of
from gnathos.jobs.tables import Client, Tenant
from gnathos.jobs.tenants import (
    add_client,
    create_tenant,
    disable_tenant,
    find_tenant,
    list_clients,
    list_tenants,
    revoke_client,
    rotate_client,
    set_limits,
)
from gnathos.jobs.usage import count_usage
from gnathos.settings import Settings


def run(action: str, as_json: bool, **given: Any) -> None:
    """Do it in GNATHOS_DATABASE_URL and print the outcome.

    Raises:
        DatabaseUnavailable: none was named, or it does not answer.
        UnknownTenant, UnknownClient: there is none of that name or id.
    """
    settings = Settings.from_environment()
    require_database(settings)
    migrate(settings.database_url)
    with Database(settings.database_url) as database, database.transaction() as session:
        tell(ACTIONS[action](session, settings, **given), as_json)


def _tenants(session: Session, settings: Settings) -> Any:
    return [_tenant(session, settings, each) for each in list_tenants(session)]


def _create(session: Session, settings: Settings, tenant: str) -> Any:
    create_tenant(session, tenant)
    return _tenant(session, settings, find_tenant(session, tenant))


def _disable(session: Session, settings: Settings, tenant: str, is_disabled: bool) -> Any:
    found = find_tenant(session, tenant)
    disable_tenant(found, session, is_disabled)
    return _tenant(session, settings, found)


def _limit(session: Session, settings: Settings, tenant: str, limits: Mapping[str, int | None]) -> Any:
    found = find_tenant(session, tenant)
    # On a command line -1 is easier to say than nothing.
    set_limits(found, session, {name: None if each < 0 else each for name, each in limits.items() if each is not None})
    session.flush()
    return _tenant(session, settings, found)


def _clients(session: Session, settings: Settings, tenant: str) -> Any:  # noqa: ARG001 - as all are called
    return [_client(each) for each in list_clients(find_tenant(session, tenant).id, session)]


def _create_client(session: Session, settings: Settings, tenant: str, name: str) -> Any:
    client_id, client_secret = add_client(session, find_tenant(session, tenant), name)
    return {"client_id": client_id, "client_secret": client_secret, "audience": settings.audience}


def _rotate_client(session: Session, settings: Settings, tenant: str, client_id: str) -> Any:
    client_secret = rotate_client(find_tenant(session, tenant).id, session, client_id)
    return {"client_id": client_id, "client_secret": client_secret, "audience": settings.audience}


def _revoke_client(session: Session, settings: Settings, tenant: str, client_id: str) -> Any:
    found = find_tenant(session, tenant)
    revoke_client(found.id, session, client_id)
    session.flush()
    return _clients(session, settings, tenant)


def _audit(session: Session, settings: Settings, tenant: str) -> Any:  # noqa: ARG001 - as all are called
    return [
        {
            "at": each.at.isoformat(),
            "actor": each.actor,
            "action": each.action,
            "job": str(each.job_id) if each.job_id else None,
            "details": each.details,
        }
        for each in entries(find_tenant(session, tenant).id, session)
    ]


def _tenant(session: Session, settings: Settings, tenant: Tenant) -> dict[str, Any]:
    usual = Limits(**{name: getattr(settings, name) for name in LIMITS})
    limits = limits_of(tenant.id, session, usual)
    return {
        "name": tenant.name,
        "created": tenant.created_at.isoformat(),
        "disabled": _time(tenant.disabled_at),
        "limits": {name: getattr(limits, name) for name in LIMITS},
    }


def _client(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.id,
        "name": client.name,
        "created": client.created_at.isoformat(),
        "revoked": _time(client.revoked_at),
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _usage(session: Session, settings: Settings, tenant: str, **period: datetime | None) -> Any:  # noqa: ARG001
    return [asdict(each) for each in count_usage(find_tenant(session, tenant).id, session, **period)]


ACTIONS: dict[str, Callable[..., Any]] = {
    "tenants": _tenants,
    "create": _create,
    "disable": _disable,
    "limit": _limit,
    "clients": _clients,
    "create_client": _create_client,
    "rotate_client": _rotate_client,
    "revoke_client": _revoke_client,
    "audit": _audit,
    "usage": _usage,
}
"""By the name under which the command line calls them."""
