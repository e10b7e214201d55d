"""One message to a webhook, signed as https://www.standardwebhooks.com says."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx2

from gnathos.errors import UrlRefused

ANSWER_S = 15.0
"""How long a receiver may take, all in all."""

GONE = 410
"""The receiver says that it wants no more."""


@dataclass(frozen=True)
class Sent:
    """How a try ended."""

    status: int | None
    """Of HTTP; None where there was no answer."""
    error: str | None
    """None if it was taken."""
    is_final: bool = False
    """Whether trying again cannot help."""


def signature_headers(message_id: str, body: bytes, secrets: Sequence[bytes], timestamp: int) -> dict[str, str]:
    """The three headers; a signature with each key, so that the receiver may have any of them."""
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode() for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


async def send_message(
    client: httpx2.AsyncClient, url: str, message_id: str, body: bytes, secrets: Sequence[bytes]
) -> Sent:
    """Try once; what the receiver answers beside the status is not read."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Gnathos",
        **signature_headers(message_id, body, secrets, int(time.time())),
    }
    try:
        async with asyncio.timeout(ANSWER_S), client.stream("POST", url, content=body, headers=headers) as answer:
            return _sent(answer.status_code)
    except UrlRefused as error:
        return Sent(None, error.detail, is_final=True)
    except TimeoutError:
        return Sent(None, f"There was no answer within {ANSWER_S:g} s.")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return Sent(None, f"The connection failed: {type(error).__name__}.")


def _sent(status: int) -> Sent:
    if 200 <= status < 300:
        return Sent(status, None)
    if 300 <= status < 400:
        return Sent(status, f"The answer was {status}; redirects are not followed.")
    return Sent(status, f"The answer was {status}.", is_final=status == GONE)
