"""Tenants, their clients, and the keys that sign tokens and URLs."""

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from joserfc.jwk import RSAKey
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gnathos.jobs.tables import Client, SigningKey, Tenant

DEFAULT_TENANT = "default"

SECRET_BYTES = 32
"""256 random bits: too many to guess, so that a plain SHA-256 is kept."""

RSA_BITS = 2048

TOKENS = "tokens"
URLS = "urls"


@dataclass(frozen=True)
class Identity:
    """Who is calling."""

    tenant_id: uuid.UUID
    client_id: str


def create_client(session: Session, tenant: str = DEFAULT_TENANT, name: str = "first client") -> tuple[str, str]:
    """Make a client of a tenant, and the tenant if it is new.

    Returns:
        client_id and client_secret; the secret is told here and never again.
    """
    client_id, client_secret = secrets.token_urlsafe(24), secrets.token_urlsafe(SECRET_BYTES)
    tenant_id = ensure_tenant(session, tenant)
    session.add(Client(id=client_id, tenant_id=tenant_id, name=name, secret_sha256=_sha256(client_secret)))
    session.flush()
    return client_id, client_secret


def ensure_tenant(session: Session, name: str) -> uuid.UUID:
    """The tenant of that name, made if there is none."""
    session.execute(insert(Tenant).values(id=uuid.uuid4(), name=name).on_conflict_do_nothing())
    return session.scalars(select(Tenant.id).where(Tenant.name == name)).one()


def check_secret(session: Session, client_id: str, client_secret: str) -> Identity | None:
    """The client whose id and secret these are; None also when it was revoked or its tenant disabled."""
    client = session.get(Client, client_id)
    known = client.secret_sha256 if client else bytes(hashlib.sha256().digest_size)
    if not hmac.compare_digest(_sha256(client_secret), known) or client is None:
        return None
    return Identity(client.tenant_id, client.id) if is_active(client.tenant_id, session, client.id) else None


def find_client(session: Session, client_id: str) -> Identity | None:
    """The client of that id; None also when it was revoked or its tenant disabled."""
    client = session.get(Client, client_id)
    if client is None or not is_active(client.tenant_id, session, client.id):
        return None
    return Identity(client.tenant_id, client.id)


def is_active(tenant_id: uuid.UUID, session: Session, client_id: str | None = None) -> bool:
    """Whether the tenant may still use the engine, and the client, where one of ours is named."""
    query = select(Tenant.id).where(Tenant.id == tenant_id, Tenant.disabled_at.is_(None))
    if client_id is not None:
        own = select(Client.id).where(
            Client.id == client_id, Client.tenant_id == tenant_id, Client.revoked_at.is_(None)
        )
        query = query.where(own.exists())
    return session.scalars(query).first() is not None


def find_tenant(session: Session, name: str) -> uuid.UUID | None:
    """The id of the tenant of that name."""
    return session.scalars(select(Tenant.id).where(Tenant.name == name, Tenant.disabled_at.is_(None))).first()


def revoke_client(tenant_id: uuid.UUID, session: Session, client_id: str) -> None:
    """Refuse the client from now on, with the tokens that it has."""
    client = session.scalars(select(Client).where(Client.tenant_id == tenant_id, Client.id == client_id)).one()
    client.revoked_at = datetime.now(UTC)


def signing_keys(session: Session, purpose: str) -> list[SigningKey]:
    """The keys for a purpose, the one to sign with first; one is made if there is none."""
    query = (
        select(SigningKey)
        .where(SigningKey.purpose == purpose)
        .order_by(SigningKey.retired_at.is_not(None), SigningKey.created_at.desc(), SigningKey.id)
    )
    keys = list(session.scalars(query))
    if keys:
        return keys
    # The id says which key it is to be: of two processes that start at once, one makes it, and both read that one.
    values = {"id": f"{purpose}-1", "purpose": purpose, "private": _new_private_key(purpose)}
    session.execute(insert(SigningKey).values(values).on_conflict_do_nothing())
    return list(session.scalars(query))


def _new_private_key(purpose: str) -> bytes:
    if purpose == TOKENS:
        return RSAKey.generate_key(RSA_BITS).as_pem(private=True)
    return secrets.token_bytes(SECRET_BYTES)


def _sha256(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
