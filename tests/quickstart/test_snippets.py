"""The quick start's own snippets, word for word but for host, token and file names, against a running engine.

`snippets/` holds them with the indentation that the page's text has lost; `test_they_are_the_quick_starts_own` compares
them with the page.
"""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.engine import RunningEngine
from tests.shared import shared_path

from gnathos.cli.mesh_check import facts_of_stl

SNIPPETS = Path(__file__).parent / "snippets"
NODE_MODULES = Path(__file__).parent / "node" / "node_modules"
STEPS = ("1-submit", "2-upload", "3-poll", "4-download")
LANGUAGES = {"sh": ["sh", "-e"], "js": ["node"], "py": [sys.executable]}

HOST = "https://eu.virtualpatientengine.com"
PYTHON_HOST = 'http.client.HTTPSConnection("eu.virtualpatientengine.com")'


def substitutions(engine: RunningEngine, known: Mapping[str, str]) -> dict[str, str]:
    """Everything that is changed in a snippet: the host, the token, and what an earlier step answered."""
    return {
        PYTHON_HOST: f'http.client.HTTPConnection("{engine.url.removeprefix("http://")}")',
        HOST: engine.url,
        "<YOUR_GENERATED_ACCESS_TOKEN>": engine.token(),
        '"/dicom.dcm"': '"./dicom.dcm"',
        **known,
    }


class Snippets:
    """Runs one language's snippets in a folder that holds the two files they name."""

    def __init__(self, language: str, folder: Path, engine: RunningEngine, scan: Path) -> None:
        self.language = language
        self.folder = folder
        self.engine = engine
        shutil.copy(SNIPPETS / "request_body.json", folder)
        (folder / "dicom.dcm").symlink_to(scan)
        if language == "js":
            (folder / "node_modules").symlink_to(NODE_MODULES)

    def run(self, step: str, known: Mapping[str, str]) -> str:
        text = (SNIPPETS / f"{step}.{self.language}").read_text()
        for old, new in substitutions(self.engine, known).items():
            text = text.replace(old, new)
        script = self.folder / f"{step}.{self.language}"
        script.write_text(text)
        ended = subprocess.run(
            [*LANGUAGES[self.language], script.name],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout


def value_of(key: str, text: str) -> str:
    """A value in what a snippet printed: JSON, or Node's and Python's own notations."""
    found = re.search(rf"""['"]?\b{key}['"]?:\s*['"]([^'"]+)['"]""", text)
    assert found is not None, f"no {key} in {text}"
    return found.group(1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_job(language: str, engine: RunningEngine, small_scan: Path, tmp_path: Path) -> None:
    if language == "js" and (shutil.which("node") is None or not NODE_MODULES.exists()):
        pytest.skip("node or its packages are not here: `make test` installs them where there is npm")
    snippets = Snippets(language, tmp_path, engine, small_scan)

    submitted = snippets.run("1-submit", {})
    known = {
        "<UNIQUE-JOB-ID>": value_of("jobId", submitted),
        "<UNIQUE-UPLOAD-URL>": value_of("presignedUploadUrl", submitted.partition("cbct")[2]),
        "<UNIQUE-NOTIFICATION-URL>": value_of("notifyFinishUploadUrl", submitted),
    }
    uploaded = snippets.run("2-upload", known)
    if language != "sh":
        assert uploaded.split() == ["200", "200"]
    polled = wait_for_result(snippets, known)
    snippets.run("4-download", {"<UNIQUE-DOWNLOAD-URL>": download_url(engine, known["<UNIQUE-JOB-ID>"])})

    assert re.search(r"""['"]?success['"]?: ?[tT]rue""", polled), polled
    mandible = facts_of_stl(tmp_path / "mandible.stl")
    assert mandible.is_watertight
    assert mandible.volume_ml > 5


def wait_for_result(snippets: Snippets, known: Mapping[str, str]) -> str:
    deadline = time.monotonic() + 120
    while "success" not in (
        polled := snippets.run("3-poll", known)
    ):  # while it works, outputs may show, but no success
        assert time.monotonic() < deadline, polled
        time.sleep(0.5)
    return polled


def download_url(engine: RunningEngine, job_id: str) -> str:
    """Node prints nested objects as `[Object]`, so the URL is taken from the answer itself."""
    result = engine.client().poll(job_id)
    assert result is not None
    url = result["outputFiles"]["meshes"][0]["url"]
    assert isinstance(url, str)
    return url


@pytest.mark.parametrize("path", sorted(SNIPPETS.iterdir()), ids=lambda path: path.name)
def test_they_are_the_quick_starts_own(path: Path) -> None:
    page = shared_path("reference/000_0edc2c64bb8916db.txt").read_text()

    if path.suffix == ".json":
        start = page.index('{\n"inputFiles"')
        assert json.loads(path.read_text()) == json.JSONDecoder().raw_decode(page[start:])[0]
    else:
        assert stripped(path.read_text()) in stripped(page)


def stripped(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())
