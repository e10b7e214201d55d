import asyncio
import base64

import pytest

from gnathos.transfers.guard import UrlGuard
from gnathos.transfers.network import guarded_client
from gnathos.transfers.webhooks import Sent, send_message, signature_headers

KEY = bytes(range(32))


def send(url: str, networks: str = "127.0.0.0/8") -> Sent:
    async def post() -> Sent:
        async with guarded_client(UrlGuard.from_settings(networks, "")) as client:
            return await send_message(client, url, "msg_1", b'{"success": true}', [KEY, b"old"])

    return asyncio.run(post())


def test_the_signature_is_that_of_the_reference_library() -> None:
    """Computed with the package `standardwebhooks` 1.1.0."""
    headers = signature_headers("msg_1", b'{"success": true}', [KEY], 1614265330)

    assert headers == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,Lk9M13mPsVQIAm0FjhTNM/G8iQQVA8frkzMKLXA95Go=",
    }


def test_a_message_carries_a_signature_of_each_key(web_server) -> None:
    assert send(f"{web_server.url}/hook") == Sent(204, None)

    (seen,) = web_server.requests
    assert (seen.method, seen.path, seen.body) == ("POST", "/hook", b'{"success": true}')
    assert seen.headers["content-type"] == "application/json"
    expected = signature_headers("msg_1", seen.body, [KEY, b"old"], int(seen.headers["webhook-timestamp"]))
    assert expected.items() <= seen.headers.items()
    signatures = seen.headers["webhook-signature"].split(" ")
    assert [len(base64.b64decode(each.removeprefix("v1,"))) for each in signatures] == [32, 32]


@pytest.mark.parametrize(("status", "is_final"), [(500, False), (404, False), (410, True), (302, False)])
def test_answers_that_are_none(web_server, status: int, is_final: bool) -> None:
    web_server.statuses = [status]

    sent = send(f"{web_server.url}/hook")

    assert (sent.status, sent.is_final) == (status, is_final)
    assert str(status) in (sent.error or "")
    assert len(web_server.requests) == 1


def test_nobody_there(web_server) -> None:
    sent = send("http://127.0.0.1:9/hook")

    assert sent == Sent(None, "The connection failed: ConnectError.")


def test_a_webhook_on_a_private_address(web_server) -> None:
    sent = send(f"{web_server.url}/hook", networks="")

    assert sent.is_final
    assert web_server.requests == []
