"""What the engine signs, the client verifies; and nothing else."""

import json
import time

import pytest

from gnathos.client import verify_webhook
from gnathos.errors import WebhookNotVerified

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
KNOWN = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
"""The example of the standard's own libraries."""
FOR_EVER = float("inf")


def test_the_standards_own_example_is_verified() -> None:
    assert verify_webhook(SECRET, KNOWN, BODY, FOR_EVER) == json.loads(BODY)
    upper = {name.upper(): value for name, value in KNOWN.items()}
    assert verify_webhook(SECRET, upper, BODY.decode(), FOR_EVER) == json.loads(BODY)


def test_one_of_several_signatures_is_enough() -> None:
    rotated = KNOWN | {"webhook-signature": f"v1,AAAA v2,xyz {KNOWN['webhook-signature']}"}

    assert verify_webhook(SECRET, rotated, BODY, FOR_EVER) == json.loads(BODY)


@pytest.mark.parametrize(
    ("secret", "headers", "body"),
    [
        (SECRET, KNOWN, BODY + b" "),
        (SECRET, KNOWN | {"webhook-id": "msg_other"}, BODY),
        (SECRET, KNOWN | {"webhook-timestamp": "1614265331"}, BODY),
        (SECRET, KNOWN | {"webhook-timestamp": "nan"}, BODY),
        (SECRET, KNOWN | {"webhook-timestamp": "soon"}, BODY),
        (SECRET, KNOWN | {"webhook-signature": "v1,é"}, BODY),
        (SECRET, {}, BODY),
        ("whsec_AAAA", KNOWN, BODY),
        ("not base64!", KNOWN, BODY),
    ],
)
def test_anything_else_is_refused(secret: str, headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(WebhookNotVerified):
        verify_webhook(secret, headers, body, FOR_EVER)


def test_an_old_message_is_a_repetition() -> None:
    with pytest.raises(WebhookNotVerified, match="repetition"):
        verify_webhook(SECRET, KNOWN | {"webhook-timestamp": str(int(time.time()) - 400)}, BODY)
