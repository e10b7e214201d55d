"""A notification that overtakes its upload waits for it: the quick start's Node snippet sends both at once."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
from tests.api.conftest import MANDIBLE


async def slow_scan(seconds: float) -> AsyncIterator[bytes]:
    yield b"first half"
    await asyncio.sleep(seconds)
    yield b"second half"


def test_it_waits_for_an_upload_that_begins_and_ends_after_it(api, bearer) -> None:
    answer = api.call("POST", "/24.06/job", json=MANDIBLE, headers=bearer).json()
    urls = answer["presignedUploadUrl"]["cbct"]

    async def send_both() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(api.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://engine.test") as client:
            notification = asyncio.create_task(client.put(urls["notifyUrl"], headers=bearer))
            await asyncio.sleep(0.3)
            upload = asyncio.create_task(client.put(urls["uploadUrl"], content=slow_scan(1.5)))
            return [await upload, await notification]

    upload, notification = api.loop.run_until_complete(send_both())

    assert (upload.status_code, notification.status_code) == (200, 200)
    polled = api.call("GET", "/24.06/pollJobResults", params={"jobId": answer["jobId"]}, headers=bearer)
    assert polled.json()["stage"] != "upload"
