"""The Python client against a real engine, where a scripted one would not do."""

import hashlib
from pathlib import Path

import httpx2
import pytest
from tests.engine import RunningEngine


def test_a_large_upload_in_parts_arrives_whole(
    engine: RunningEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gnathos.client.calls.RESUMED_BYTES", 1)
    content = bytes(range(256)) * 20_000
    (tmp_path / "scan.dcm").write_bytes(content)
    client = engine.client()
    job = client.submit({"cbct": {"extension": ".dcm"}}, {"meshes": [{"extension": ".stl", "structures": ["skull"]}]})
    url = job.uploads["cbct"].url
    # an earlier try that broke off
    httpx2.patch(url, content=content[:1_000_000], headers={"Upload-Offset": "0"}).raise_for_status()
    fractions: list[float] = []
    client.upload(url, tmp_path / "scan.dcm", fractions.append)
    stored = httpx2.head(url)
    client.delete(job.id)

    assert stored.headers["ETag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    assert fractions[0] > 1_000_000 / len(content)
    assert fractions[-1] == 1.0
