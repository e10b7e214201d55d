"""Webhooks that arrive: whether the engine sent them."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping

from gnathos.client.jobs import Result
from gnathos.errors import WebhookNotVerified

SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with
TOLERANCE_S = 300.0
"""How far a message's time may be from ours: an older one may be a repetition by somebody who listened."""


def verify_webhook(
    secret: str, headers: Mapping[str, str], body: bytes | str, tolerance_s: float = TOLERANCE_S
) -> Result:
    """The result that a webhook brought, if it is the engine's and of now.

    Args:
        secret: a key of `GET /{version}/webhooks/keys`, `whsec_…`.
        headers: of the request; `webhook-id`, `webhook-timestamp` and `webhook-signature` are looked at, in any case.
        body: of the request, exactly as it came.
        tolerance_s: how old, or how far ahead, it may be.

    Raises:
        WebhookNotVerified: a header is missing, the signature is another's, or the time is too far off.

    Source: https://github.com/standard-webhooks/standard-webhooks, symmetric signatures (v1).
    """
    body = body.encode() if isinstance(body, str) else body
    given = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, sent, signatures = (given[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        age_s = time.time() - float(sent)
    except (KeyError, ValueError):
        raise WebhookNotVerified("A header of the webhook is missing or none that could be.") from None
    if not abs(age_s) <= tolerance_s:
        raise WebhookNotVerified(f"The webhook was sent {age_s:.0f} s ago; the clocks differ, or it is a repetition.")
    expected = b"v1," + _signature(secret, b".".join([message_id.encode(), sent.encode(), body]))
    if not any(hmac.compare_digest(expected, each.encode()) for each in signatures.split()):
        raise WebhookNotVerified
    result: Result = json.loads(body)
    return result


def _signature(secret: str, content: bytes) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise WebhookNotVerified("The secret is none that an engine gives.") from None
    return base64.b64encode(hmac.digest(key, content, hashlib.sha256))
