"""Tokens of other issuers, which an installation may accept beside its own."""

import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gnathos.api.tokens import Unverified, checked_claims
from gnathos.errors import TokenInvalid

KEYS_LIFETIME_S = 300
"""How long an issuer's keys are used before they are fetched again."""

KEYS_RETRY_S = 10
"""How long to wait before fetching again for a key that is not among those known."""

FETCH_TIMEOUT_S = 5

ALGORITHMS = ("RS256", "ES256", "PS256")


@dataclass(frozen=True)
class ExternalIssuer:
    """One entry of the setting `external_issuers`."""

    issuer: str
    jwks_url: str
    audience: str
    tenant_claim: str
    """Name of the claim whose value is the tenant's name."""


@dataclass(frozen=True)
class ExternalIdentity:
    """Who is calling, as an issuer says it."""

    tenant: str
    client_id: str


class ExternalIssuers:
    """The issuers of the setting, with their keys."""

    def __init__(self, issuers: Iterable[ExternalIssuer]) -> None:
        self._issuers = {each.issuer: (each, IssuerKeys(each.jwks_url)) for each in issuers}

    @classmethod
    def from_setting(cls, text: str) -> "ExternalIssuers":
        """Read the setting.

        Raises:
            ValueError: it is not a list of issuers; says what is expected.
        """
        names = [field.name for field in fields(ExternalIssuer)]
        try:
            return cls(ExternalIssuer(**entry) for entry in json.loads(text or "[]"))
        except (TypeError, ValueError):
            expected = ", ".join(names)
            raise ValueError(f"GNATHOS_EXTERNAL_ISSUERS must be a JSON list of objects with {expected}") from None

    def knows(self, issuer: str) -> bool:
        """Whether tokens of that issuer are accepted."""
        return issuer in self._issuers

    def check(self, token: str, unverified: Unverified) -> ExternalIdentity:
        """Whose token it is.

        Raises:
            TokenInvalid: its signature, issuer, audience or time is not right, or it names no tenant.
        """
        entry, keys = self._issuers[unverified.issuer]
        expected = {
            "iss": {"essential": True, "value": entry.issuer},
            "aud": {"essential": True, "value": entry.audience},
        }
        claims = checked_claims(token, keys.with_key(unverified.key_id), expected, ALGORITHMS)
        tenant = claims.get(entry.tenant_claim)
        if not isinstance(tenant, str) or not tenant or "\0" in tenant:
            raise TokenInvalid(f"The access token has no claim {entry.tenant_claim!r} that names a tenant.")
        return ExternalIdentity(tenant, str(claims.get("azp") or claims.get("sub") or ""))


class IssuerKeys:
    """The public keys of an issuer, fetched when needed."""

    def __init__(self, jwks_url: str) -> None:
        self._url = jwks_url
        self._keys: KeySet | None = None
        self._fetched_at = -float(KEYS_LIFETIME_S)
        self._lock = threading.Lock()

    def with_key(self, key_id: str) -> KeySet:
        """The keys, with the one of that id among them if the issuer has it.

        Raises:
            TokenInvalid: the issuer's keys cannot be had.
        """
        with self._lock:
            age_s = time.monotonic() - self._fetched_at
            is_known = self._keys is not None and key_id in {key.kid for key in self._keys}
            if age_s > (KEYS_LIFETIME_S if is_known else KEYS_RETRY_S):
                self._fetched_at = time.monotonic()
                self._keys = _fetch(self._url) or self._keys
            if self._keys is None:
                raise TokenInvalid("The keys of the token's issuer cannot be fetched.", remedy="Try again later.")
            return self._keys


def _fetch(url: str) -> KeySet | None:
    try:
        answer: Any = httpx2.get(url, timeout=FETCH_TIMEOUT_S).raise_for_status().json()
        return KeySet.import_key_set(answer)
    except (httpx2.HTTPError, JoseError, ValueError, KeyError, TypeError):
        return None
