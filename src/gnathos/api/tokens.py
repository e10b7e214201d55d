"""The engine's own access tokens: RS256, with region, tenant and client."""

import base64
import json
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import KeySet, RSAKey

from gnathos.errors import TokenExpired, TokenInvalid, TokenOfAnotherRegion
from gnathos.jobs.credentials import Identity
from gnathos.settings import Settings

ALGORITHM = "RS256"

LEEWAY_S = 30
"""By how much clocks may differ."""

SECONDS_PER_HOUR = 3600


class TokenKeys:
    """Signs tokens with the first key; accepts those signed with any."""

    def __init__(self, keys: Iterable[tuple[str, bytes]], settings: Settings) -> None:
        self._keys = [_import_key(key_id, private) for key_id, private in keys]
        self._key_set = KeySet([*self._keys])
        self._settings = settings

    @property
    def lifetime_s(self) -> int:
        """How long a token is valid."""
        return self._settings.token_hours * SECONDS_PER_HOUR

    def issue(self, identity: Identity, issuer: str) -> str:
        """A token for a client."""
        now = int(time.time())
        claims = {
            "iss": issuer,
            "sub": f"{identity.client_id}@clients",
            "aud": self._settings.audience,
            "azp": identity.client_id,
            "gty": "client-credentials",
            "iat": now,
            "exp": now + self.lifetime_s,
            "jti": uuid.uuid4().hex,
            "region": self._settings.region,
            "tenant": str(identity.tenant_id),
        }
        key = self._keys[0]
        return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key)

    def check(self, token: str) -> Identity:
        """Whose token it is.

        Raises:
            TokenInvalid: it is not one of ours, or not for this audience, or expired.
        """
        claims = checked_claims(token, self._key_set, {"aud": {"essential": True, "value": self._settings.audience}})
        try:
            return Identity(uuid.UUID(claims["tenant"]), str(claims["azp"]))
        except (KeyError, ValueError, AttributeError):
            raise TokenInvalid from None

    def public_keys(self) -> dict[str, Any]:
        """The JWKS."""
        return {"keys": [{**key.as_dict(private=False), "use": "sig", "alg": ALGORITHM} for key in self._keys]}


@dataclass(frozen=True)
class Unverified:
    """What a token says of itself, before its signature is checked: only to choose how to check it."""

    issuer: str
    region: str
    key_id: str


def peek(token: str) -> Unverified:
    """Read a token without trusting it.

    Raises:
        TokenInvalid: it is not a JWT.
    """
    parts = token.split(".")
    if len(parts) != 3:
        raise TokenInvalid("The access token is not a JWT.")
    header, claims = _decode_part(parts[0]), _decode_part(parts[1])
    return Unverified(str(claims.get("iss", "")), str(claims.get("region", "")), str(header.get("kid", "")))


def check_region(unverified: Unverified, region: str) -> None:
    """Refuse a token that names another region.

    Raises:
        TokenOfAnotherRegion: it does.
    """
    if unverified.region and unverified.region != region:
        raise TokenOfAnotherRegion(
            f"The access token is for the region {unverified.region[:40]!r}; this is the region {region!r}."
        )


def checked_claims(
    token: str, keys: KeySet, expected: Mapping[str, Any], algorithms: tuple[str, ...] = (ALGORITHM,)
) -> dict[str, Any]:
    """The claims of a token whose signature, time and expected claims are right.

    Raises:
        TokenInvalid: something about it is not.
        TokenExpired: it was valid.
    """
    registry = jwt.JWTClaimsRegistry(leeway=LEEWAY_S, exp={"essential": True}, **expected)
    try:
        claims = jwt.decode(token, keys, algorithms=list(algorithms)).claims
        registry.validate(claims)
    except ExpiredTokenError:
        raise TokenExpired from None
    except (JoseError, ValueError, TypeError):
        raise TokenInvalid from None
    return claims


def _decode_part(part: str) -> dict[str, Any]:
    try:
        decoded = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        raise TokenInvalid("The access token is not a JWT.") from None
    if not isinstance(decoded, dict):
        raise TokenInvalid("The access token is not a JWT.")
    return decoded


def _import_key(key_id: str, private: bytes) -> RSAKey:
    return RSAKey.import_key(private, {"kid": key_id})
