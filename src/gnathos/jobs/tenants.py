"""Tenants and their clients, as the operator of an installation keeps them; everything is noted in the audit log."""

import hashlib
import secrets
import uuid
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from gnathos.errors import UnknownClient, UnknownTenant
from gnathos.jobs.audit import OPERATOR, record
from gnathos.jobs.credentials import SECRET_BYTES, create_client, ensure_tenant
from gnathos.jobs.tables import Client, Tenant


def create_tenant(session: Session, name: str) -> uuid.UUID:
    """The tenant of that name, made if there is none."""
    is_new = session.scalars(select(Tenant.id).where(Tenant.name == name)).first() is None
    tenant_id = ensure_tenant(session, name)
    if is_new:
        record(tenant_id, session, OPERATOR, "tenant.created")
    return tenant_id


def list_tenants(session: Session) -> list[Tenant]:
    """All of them, by name."""
    return list(session.scalars(select(Tenant).order_by(Tenant.name)))


def find_tenant(session: Session, name: str) -> Tenant:
    """The tenant of that name, also a disabled one.

    Raises:
        UnknownTenant: there is none.
    """
    tenant = session.scalars(select(Tenant).where(Tenant.name == name)).first()
    if tenant is None:
        raise UnknownTenant(f"No tenant is called {name[:80]!r}.")
    return tenant


def disable_tenant(tenant: Tenant, session: Session, is_disabled: bool) -> None:
    """Refuse the tenant's tokens and credentials from now on, or take them again; its jobs stay."""
    tenant.disabled_at = datetime.now(UTC) if is_disabled else None
    record(tenant.id, session, OPERATOR, "tenant.disabled" if is_disabled else "tenant.enabled")


def set_limits(tenant: Tenant, session: Session, limits: dict[str, int | None]) -> None:
    """Give the tenant limits of its own; None: the installation's again."""
    for name, value in limits.items():
        setattr(tenant, name, value)
    record(tenant.id, session, OPERATOR, "tenant.limited", limits=limits)


def add_client(session: Session, tenant: Tenant, name: str) -> tuple[str, str]:
    """Make a client; returns client_id and client_secret, which is told here and never again."""
    client_id, client_secret = create_client(session, tenant.name, name)
    record(tenant.id, session, OPERATOR, "client.created", client=client_id)
    return client_id, client_secret


def list_clients(tenant_id: uuid.UUID, session: Session) -> list[Client]:
    """The tenant's clients, also revoked ones, the oldest first."""
    return list(session.scalars(select(Client).where(Client.tenant_id == tenant_id).order_by(Client.created_at)))


def rotate_client(tenant_id: uuid.UUID, session: Session, client_id: str) -> str:
    """Give a client a new secret; the old one buys no tokens any more, those that it has stay good until they expire.

    Raises:
        UnknownClient: the tenant has none of that id.
    """
    client = _find_client(tenant_id, session, client_id)
    client_secret = secrets.token_urlsafe(SECRET_BYTES)
    client.secret_sha256 = hashlib.sha256(client_secret.encode()).digest()
    record(tenant_id, session, OPERATOR, "client.rotated", client=client_id)
    return client_secret


def revoke_client(tenant_id: uuid.UUID, session: Session, client_id: str) -> None:
    """Refuse the client from now on, with the tokens that it has.

    Raises:
        UnknownClient: the tenant has none of that id.
    """
    _find_client(tenant_id, session, client_id).revoked_at = datetime.now(UTC)
    record(tenant_id, session, OPERATOR, "client.revoked", client=client_id)


def _find_client(tenant_id: uuid.UUID, session: Session, client_id: str) -> Client:
    query = select(Client).where(Client.tenant_id == tenant_id, Client.id == client_id)
    client = session.scalars(query).first()
    if client is None:
        raise UnknownClient
    return client
