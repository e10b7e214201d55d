"""Every kind of output through the whole engine, made of a surface scan, which takes no network."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import httpx2
from tests.engine import RunningEngine
from tests.makers import surfaces

OUTPUTS = {
    "meshes": [{"extension": ".stl", "structures": ["ios_upper"]}, {"extension": "STL", "structures": ["mandible"]}],
    "previews": [{"extension": ".png"}],
    "report": [{"extension": ".json"}],
    "archive": [{"extension": ".zip"}],
}


def test_a_surface_scan_comes_back_as_mesh_picture_report_and_archive(engine: RunningEngine, tmp_path: Path) -> None:
    (tmp_path / "upper.ply").write_bytes(surfaces.ply())
    client = engine.client()
    job = client.submit({"ios_upper": {"extension": ".ply"}}, OUTPUTS)
    client.upload(job.uploads["ios_upper"].url, tmp_path / "upper.ply")
    client.notify(job.uploads["ios_upper"].notify_url)

    result = client.wait(job.id, timeout_s=120)

    outputs = result["outputFiles"]
    statuses = {kind: [each["status"] for each in entries] for kind, entries in outputs.items()}
    assert statuses.pop("meshes") == ["Available", "Failed"]
    assert statuses == {"previews": ["Available"], "report": ["Available"], "archive": ["Available"]}
    assert outputs["meshes"][1]["reason"]["code"] == "input_missing"
    content = httpx2.get(outputs["archive"][0]["url"]).raise_for_status().content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        summary = json.loads(archive.read("summary.json"))["outputs"]
        for each in summary:
            if each["file"]:
                assert hashlib.sha256(archive.read(each["file"])).hexdigest() == each["sha256"]
    told = {each["sha256"] for entries in outputs.values() for each in entries if each["sha256"]}
    assert {each["sha256"] for each in summary if each["sha256"]} == told - {outputs["archive"][0]["sha256"]}
