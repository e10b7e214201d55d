"""The TypeScript client: its types are the engine's, it compiles strictly, and it works against an engine."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.engine import RunningEngine

from gnathos.api.app import create_app
from gnathos.settings import Settings

CLIENT = Path(__file__).parents[2] / "clients" / "typescript"

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (CLIENT / "node_modules").exists(),
    reason="node or the client's packages are not here: `make test` installs them where there is npm",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client, compiled elsewhere than in the tree."""
    folder = tmp_path_factory.mktemp("typescript")
    run(["npx", "--no-install", "tsc", "--outDir", str(folder)])
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "node_modules").symlink_to(CLIENT / "node_modules")
    return folder


def run(command: list[str], **environment: str) -> str:
    ended = subprocess.run(
        command, cwd=CLIENT, capture_output=True, text=True, timeout=240, check=False, env={**os.environ, **environment}
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_its_types_are_those_of_the_openapi(tmp_path: Path) -> None:
    description = tmp_path / "openapi.json"
    description.write_text(json.dumps(create_app(Settings()).openapi(), sort_keys=True))
    options = json.loads((CLIENT / "package.json").read_text())["scripts"]["types"].split()[4:]
    run(["npx", "--no-install", "openapi-typescript", str(description), "-o", str(tmp_path / "schema.ts"), *options])

    made = (tmp_path / "schema.ts").read_text()
    assert made == (CLIENT / "src" / "schema.ts").read_text(), "the API has changed: run `make client`"


def test_it_works_against_an_engine(built: Path, engine: RunningEngine, small_scan: Path) -> None:
    tests = str(built / "test" / "engine.test.js")
    credentials = str(engine.data / "credentials.json")
    told = run(["node", "--test", tests], GNATHOS_CREDENTIALS=credentials, GNATHOS_SCAN=str(small_scan))

    assert "\n# pass 5\n" in told
    assert "\n# fail 0\n" in told
