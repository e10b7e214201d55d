"""The page: what it weighs, and how soon the first slice of a result is drawn. `python -m bench.page`."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.scans import LARGE, phantom
from bench.tables import print_table
from gnathos.cli.connection import engine_of
from gnathos.cli.demo import running_engine

NODE = Path("tests/page/node")
OUTPUTS = {
    "meshes": [{"extension": ".stl", "structures": ["mandible"]}],
    "volumes": [{"extension": ".nii.gz"}, {"extension": ".nii.gz", "structures": ["mandible"]}],
}
TITLE = "page, a result of 512 × 512 × 400 in Chromium without a graphics card"
COLUMNS = ("what", "value")


def main() -> None:
    """Measure and print."""
    scan = phantom("large", LARGE)
    with tempfile.TemporaryDirectory(prefix="gnathos-bench-") as data, running_engine(Path(data)) as credentials:
        print_table(TITLE, COLUMNS, page_rows(credentials, scan))


def page_rows(credentials: Path, scan: Path) -> Iterator[Sequence[str]]:
    """One job by the API, looked at in a browser with nothing in its cache."""
    chromium = shutil.which("chromium")
    if not chromium or not (NODE / "node_modules").exists():
        yield "not measured", "there is no Chromium, or `make test` has not installed tests/page/node"
        return
    with engine_of(credentials) as engine:
        job = engine.submit({"cbct": {"extension": ".dcm"}}, OUTPUTS)
        engine.upload(job.uploads["cbct"].url, scan)
        engine.notify(job.uploads["cbct"].notify_url)
        engine.wait(job.id)
    url = json.loads(credentials.read_text())["url"]
    given = {"url": url, "chromium": chromium, "jobId": job.id, "pictures": str(credentials.parent)}
    command = ["node", "scenarios.mjs", "timings"]
    ended = subprocess.run(command, cwd=NODE, input=json.dumps(given), capture_output=True, text=True, check=True)
    seen: dict[str, Any] = json.loads(ended.stdout)
    yield "page until signed in, packed", f"{seen['shell'] / 1e3:.0f} kB"
    yield "page with the viewer, packed", f"{seen['page'] / 1e3:.0f} kB"
    yield "files of the result that it reads", f"{seen['result'] / 1e6:.1f} MB"
    yield "opening the result → first slice", f"{seen['first-slice'] / 1e3:.1f} s"
    yield "opening the result → labels and surfaces", f"{seen['everything-shown'] / 1e3:.1f} s"


if __name__ == "__main__":
    main()
