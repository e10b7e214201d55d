"""500 MB by presigned URLs of S3 and Azure servers that check signatures: seconds, and a worker's memory.

`python -m bench.transfers`, and part of `make bench`.
"""

import hashlib
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import obstore
import pytest
from tests.conftest import PostgresServer, running_postgres
from tests.service.conftest import Engine
from tests.service.test_memory import Watch, scan
from tests.transfers.emulators import Cloud, running_azure, running_s3

from bench.tables import print_table

SIZE_MB = 500
MEGABYTE = 10**6
VALID_S = 1800
TIMEOUT_S = 1800

CLOUDS = {"S3 (nanio)": running_s3, "Azure Blob Storage (azurite)": running_azure}


def transfer_rows() -> Iterator[Sequence[str]]:
    """What was measured of each cloud."""
    with running_postgres() as postgres:
        for name, running in CLOUDS.items():
            try:
                with tempfile.TemporaryDirectory(prefix="gnathos-bench-") as folder, running(Path(folder)) as cloud:
                    yield from _rows(name, cloud, postgres)
            except pytest.skip.Exception as reason:
                yield name, str(reason)


def _rows(name: str, cloud: Cloud, postgres: PostgresServer) -> Iterator[Sequence[str]]:
    obstore.put(cloud.store, "scan.dcm", scan(SIZE_MB), chunk_size=8 * MEGABYTE)
    with tempfile.TemporaryDirectory(prefix="gnathos-bench-") as folder:
        engine = Engine(
            Path(folder), postgres.create_database(), allowed_networks="127.0.0.0/8", max_upload_mb=SIZE_MB + 1
        )
        try:
            watch = Watch(engine.start_worker().process.pid)
            before_mb = watch.now_mb()
            seconds = _there_and_back(engine, cloud)
            most_mb = watch.end()
        finally:
            engine.stop()
    yield f"{name}: fetched and sent", f"{seconds:.1f} s"
    yield f"{name}: worker's memory", f"{before_mb:.0f} MB before, {most_mb:.0f} MB at most"


def _there_and_back(engine: Engine, cloud: Cloud) -> float:
    """The worker's child is a stand-in: its mesh is the scan with six bytes in front."""
    given = {"extension": "dcm", "downloadUrl": cloud.signed("GET", "scan.dcm", VALID_S)}
    mesh = {"extension": ".stl", "structures": ["mandible"], "uploadUrl": cloud.signed("PUT", "mesh.stl", VALID_S)}
    body = {"inputFiles": {"cbct": given}, "outputFiles": {"meshes": [mesh]}}
    began = time.monotonic()
    job_id = engine.http.post("/26.11/job", json=body).raise_for_status().json()["jobId"]
    result = engine.wait_for_end(job_id, TIMEOUT_S)
    seconds = time.monotonic() - began
    if result["outputFiles"]["meshes"][0]["delivery"]["status"] != "Delivered":
        raise RuntimeError(f"the mesh was not delivered: {result}")
    if _digest(obstore.get(cloud.store, "mesh.stl").stream()) != _digest([b"solid ", *scan(SIZE_MB)]):
        raise RuntimeError("what came back is not what was sent")
    return seconds


def _digest(pieces: Iterable[bytes]) -> str:
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()


def main() -> None:
    """Measure and print."""
    print_table("500 MB by clients' presigned URLs", ("what", "value"), transfer_rows())


if __name__ == "__main__":
    main()
