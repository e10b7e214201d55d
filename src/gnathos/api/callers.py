"""Who is calling: the bearer token of a request, checked."""

from typing import Annotated

from fastapi import Depends, Request

from gnathos.api.services import Engine, Services
from gnathos.api.tokens import check_region, peek
from gnathos.errors import TokenInvalid, TokenMissing
from gnathos.jobs.credentials import Identity, ensure_tenant, is_active


def authenticated(request: Request, engine: Engine) -> Identity:
    """The caller.

    Raises:
        TokenMissing: there is no bearer token.
        TokenInvalid: there is one, and it is not accepted.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenMissing
    return identity_of(token.strip(), engine)


def identity_of(token: str, engine: Services) -> Identity:
    """Whose token it is, and still in good standing.

    Raises:
        TokenInvalid: it is not accepted.
    """
    unverified = peek(token)
    check_region(unverified, engine.settings.region)
    if engine.issuers.knows(unverified.issuer):
        external = engine.issuers.check(token, unverified)
        with engine.database.transaction() as session:
            identity = Identity(ensure_tenant(session, external.tenant), external.client_id)
            active = is_active(identity.tenant_id, session)
    else:
        identity = engine.tokens.check(token)
        with engine.database.transaction() as session:
            active = is_active(identity.tenant_id, session, identity.client_id)
    if not active:
        raise TokenInvalid("The client that this token was made for is no longer accepted.")
    return identity


Caller = Annotated[Identity, Depends(authenticated)]
