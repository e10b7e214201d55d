"""How the engine bears many at once, while a job computes: `python -m bench.load`, and part of `make bench`."""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from tests.processes import command_of, descendants_of, parents

from bench.scans import LARGE, SMALL, phantom
from bench.tables import print_table
from gnathos.cli.demo import running_engine

VERSION = "26.11"
POLLERS = 16
POLL_S = 10.0
UPLOADS = 20
UPLOAD_BYTES = 20_000_000
OPEN_JOBS = 2000
SUBMITTERS = 16
REPEATED_JOBS = 8
REPEATED_AT_MOST_S = 240.0
PAGE = 200
BODY: dict[str, Any] = {
    "inputFiles": {"cbct": {"extension": ".dcm"}},
    "outputFiles": {"meshes": [{"extension": ".stl", "structures": ["mandible"]}]},
}
ROLES = {"api": "-m gnathos.api", "worker": "-m gnathos.worker", "PostgreSQL": "postgres"}
"""Words of their command lines."""

Rows = list[tuple[str, str]]
Call = Callable[[httpx2.AsyncClient], Awaitable[float]]


def load_rows(credentials: Path, long_scan: Path, short_scan: Path) -> Iterator[Sequence[str]]:
    """Everything, in a few minutes."""
    yield from asyncio.run(_measure(credentials, long_scan, short_scan))


async def _measure(credentials: Path, long_scan: Path, short_scan: Path) -> Rows:
    async with _client(json.loads(credentials.read_text())) as client:
        computing = await _begin(client, long_scan)
        rows = await _polls(client, computing)
        rows += await _uploads(client)
        rows += await _open_jobs(client)
        await client.post(f"/{VERSION}/jobs/{computing}/cancel")
        rows += await _memory(client, short_scan, engine_process(credentials.parent))
    return rows


@asynccontextmanager
async def _client(known: dict[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    limits = httpx2.Limits(max_connections=64)
    async with httpx2.AsyncClient(base_url=known["url"], timeout=60, limits=limits, trust_env=False) as client:
        grant = {name: known[name] for name in ("client_id", "client_secret", "audience")}
        token = await client.post("/oauth/token", json={"grant_type": "client_credentials", **grant})
        client.headers["Authorization"] = f"Bearer {token.raise_for_status().json()['access_token']}"
        yield client


async def _submit(client: httpx2.AsyncClient) -> tuple[str, dict[str, str]]:
    answer = (await client.post(f"/{VERSION}/job", json=BODY)).raise_for_status().json()
    return answer["jobId"], answer["presignedUploadUrl"]["cbct"]


async def _begin(client: httpx2.AsyncClient, scan: Path) -> str:
    job_id, urls = await _submit(client)
    (await client.put(urls["uploadUrl"], content=scan.read_bytes())).raise_for_status()
    (await client.put(urls["notifyUrl"])).raise_for_status()
    return job_id


async def _polls(client: httpx2.AsyncClient, job_id: str) -> Rows:
    times: list[float] = []
    until = time.monotonic() + POLL_S

    async def poll() -> None:
        while time.monotonic() < until:
            times.append(await _timed(client.get(f"/{VERSION}/pollJobResults", params={"jobId": job_id})))

    await asyncio.gather(*(poll() for _ in range(POLLERS)))
    rate = f"{len(times) / POLL_S:.0f} a second"
    return [(f"polls by {POLLERS} at once, a job computing", f"{rate}, {_spread(times)}")]


async def _uploads(client: httpx2.AsyncClient) -> Rows:
    urls = [(await _submit(client))[1] for _ in range(UPLOADS)]
    content = bytes(UPLOAD_BYTES)
    began = time.monotonic()
    times = await asyncio.gather(*(_timed(client.put(each["uploadUrl"], content=content)) for each in urls))
    rate = UPLOADS * UPLOAD_BYTES / 1e6 / (time.monotonic() - began)
    return [(f"{UPLOADS} uploads of 20 MB at once", f"{rate:.0f} MB/s, {_spread(times)}")]


async def _open_jobs(client: httpx2.AsyncClient) -> Rows:
    async def submit(_: int) -> float:
        return await _timed(client.post(f"/{VERSION}/job", json=BODY))

    async def poll(job_id: str) -> float:
        return await _timed(client.get(f"/{VERSION}/pollJobResults", params={"jobId": job_id}))

    submitted = await _by_many(submit, range(OPEN_JOBS))
    listed, ids, cursor = [], [], None
    while cursor is not None or not ids:
        page = {"limit": PAGE, "state": "waiting", **({"cursor": cursor} if cursor else {})}
        began = time.monotonic()
        answer = (await client.get(f"/{VERSION}/jobs", params=page)).raise_for_status().json()
        listed.append(time.monotonic() - began)
        ids += [each["jobId"] for each in answer["jobs"]]
        cursor = answer["nextCursor"]
    polled = await _by_many(poll, ids)
    return [
        (f"{OPEN_JOBS} jobs submitted by {SUBMITTERS} at once", _spread(submitted)),
        (f"{len(ids)} open jobs listed, {PAGE} a page", f"{sum(listed):.1f} s, {_spread(listed)}"),
        (f"each of them polled by {SUBMITTERS} at once", _spread(polled)),
    ]


async def _memory(client: httpx2.AsyncClient, scan: Path, engine_pid: int) -> Rows:
    """Of each role, after each of some jobs one after the other."""
    seen: dict[str, list[int]] = {role: [] for role in ROLES}
    until = time.monotonic() + REPEATED_AT_MOST_S
    done = 0
    while done < REPEATED_JOBS and time.monotonic() < until:
        job_id = await _begin(client, scan)
        parameters = {"jobId": job_id, "wait": "60"}
        while (await client.get(f"/{VERSION}/pollJobResults", params=parameters, timeout=90)).status_code == 202:
            pass
        done += 1
        for role, words in ROLES.items():
            seen[role].append(
                sum(resident_bytes(pid) for pid in descendants_of(engine_pid) if words in command_of(pid))
            )
    name = f"memory after each of {done} jobs, MB"
    return [(f"{name}: {role}", " ".join(f"{each / 1e6:.0f}" for each in sizes)) for role, sizes in seen.items()]


async def _by_many(call: Callable[[Any], Awaitable[float]], items: Any) -> list[float]:
    """The calls, so many at once."""
    places = asyncio.Semaphore(SUBMITTERS)

    async def one(item: Any) -> float:
        async with places:
            return await call(item)

    return list(await asyncio.gather(*(one(item) for item in items)))


async def _timed(request: Awaitable[httpx2.Response]) -> float:
    began = time.monotonic()
    (await request).raise_for_status()
    return time.monotonic() - began


def _spread(times: Sequence[float]) -> str:
    if len(times) < 2:
        return f"{1000 * times[0]:.0f} ms"
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return f"p50 {1000 * cuts[49]:.0f} ms, p99 {1000 * cuts[98]:.0f} ms, most {1000 * max(times):.0f} ms"


def engine_process(data: Path) -> int:
    """The supervisor's process: the parent of the API that works on that folder."""
    wanted = f"GNATHOS_DATA={data}\0".encode()
    for pid, parent in parents().items():
        if ROLES["api"] in command_of(pid) and wanted in Path(f"/proc/{pid}/environ").read_bytes():
            return parent
    raise LookupError(f"no engine runs on {data}")


def resident_bytes(pid: int) -> int:
    """Bytes; what processes share is divided among them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # ended meanwhile
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def main() -> None:
    """Measure with an engine of its own, and print."""
    large, small = phantom("large", LARGE), phantom("small", SMALL)
    with tempfile.TemporaryDirectory(prefix="gnathos-bench-") as data, running_engine(Path(data)) as credentials:
        print_table("engine under load", ("what", "value"), load_rows(credentials, large, small))


if __name__ == "__main__":
    main()
