"""The documentation: its snippets run, its tables are the code's, its links lead somewhere, the engine serves it."""

import base64
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import httpx2
import pytest
from tests.docs.pages import ONLY_SHOWN, PAGES, ROOT, RUNNABLE, blocks_of, script_of, typed
from tests.docs.tables import TABLES, with_tables
from tests.engine import RunningEngine

from gnathos.api import guide
from gnathos.segmentation import findings
from gnathos.transfers.webhooks import signature_headers

TYPESCRIPT = ROOT / "clients" / "typescript"
RUN = [page for page in PAGES if script_of(page)]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def desk(engine: RunningEngine, small_scan: Path, tmp_path: Path) -> Path:
    """A folder with what the pages speak of: a scan, the engine's data, an environment."""
    shutil.copy(small_scan, tmp_path / "scan.dcm")
    (tmp_path / "gnathos-data").symlink_to(engine.data)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


def run(script: str, desk: Path, engine: RunningEngine, **more: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh"],
        input=script.replace("http://127.0.0.1:8080", engine.url),
        cwd=desk,
        env={**os.environ, "PATH": path, "GNATHOS_PORT": "0", **more},
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_what_a_page_tells_to_type_works(page: Path, desk: Path, engine: RunningEngine) -> None:
    more = message_for(desk, engine) if page.name == "webhooks.md" else {}
    languages = {block.language for block in blocks_of(page) if block.is_run}
    if "js" in languages:
        require_node(desk, with_client="gnathos-client" in script_of(page))
    ended = run(script_of(page), desk, engine, **more)

    assert ended.returncode == 0, ended.stdout + ended.stderr


def require_node(desk: Path, with_client: bool) -> None:
    if shutil.which("node") is None or not (TYPESCRIPT / "node_modules").exists():
        pytest.skip(
            "node or the TypeScript client's packages are not here: `make test` installs them where there is npm"
        )
    if not with_client:
        return
    package = desk / "node_modules" / "gnathos-client"
    package.mkdir(parents=True)
    built = ["npx", "--no-install", "tsc", "--outDir", str(package / "dist")]
    subprocess.run(built, cwd=TYPESCRIPT, check=True, capture_output=True)
    shutil.copy(TYPESCRIPT / "package.json", package)
    (package / "node_modules").symlink_to(TYPESCRIPT / "node_modules")


def message_for(desk: Path, engine: RunningEngine) -> dict[str, str]:
    """A message as the engine signs it, as the page's snippets want it."""
    headers = {"Authorization": f"Bearer {engine.token()}"}
    key = httpx2.get(f"{engine.url}/26.11/webhooks/keys", headers=headers).json()["keys"][0]["secret"]
    body = json.dumps({"jobId": secrets.token_hex(8), "success": True}).encode()
    (desk / "body.json").write_bytes(body)
    secret = base64.b64decode(key.removeprefix("whsec_"))
    signed = signature_headers("msg_1", body, [secret], int(time.time()))
    return {"KEY": key} | {name: signed[f"webhook-{name.lower()}"] for name in ("ID", "TIMESTAMP", "SIGNATURE")}


def test_the_snippets_refuse_a_message_that_was_changed(desk: Path, engine: RunningEngine) -> None:
    more = message_for(desk, engine)
    (desk / "body.json").write_bytes((desk / "body.json").read_bytes() + b" ")
    page = ROOT / "docs" / "webhooks.md"
    for block in blocks_of(page):
        if block.is_run and (block.language != "js" or shutil.which("node")):
            assert run(f"set -e\n{typed(block)}", desk, engine, **more).returncode != 0, block.text


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_is_run_or_says_why_not(page: Path) -> None:
    for block in blocks_of(page):
        assert block.language in RUNNABLE | ONLY_SHOWN, f"line {block.line}: a block of {block.language!r}"
        if block.language == "json":
            json.loads(block.text)


@pytest.mark.parametrize("page", sorted({where for where, _ in TABLES.values()}))
def test_the_tables_are_the_codes_own(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()

    assert text == with_tables(page, text), "run `python -m tests.docs.tables`"


def test_every_reason_is_explained() -> None:
    text = (ROOT / "docs" / "errors.md").read_text()

    assert [each for each in findings.Reason if f"| `{each}` |" not in text] == []


class Links(HTMLParser):
    """The targets and the anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.targets |= {given[name] or "" for name in ("href", "src") if name in given}
        self.anchors |= {given["id"] or ""} if "id" in given else set()


def test_every_link_of_the_guide_leads_somewhere(engine: RunningEngine) -> None:
    with httpx2.Client(base_url=engine.url) as http:
        left, seen = {guide.ROOT}, dict[str, Links]()
        while left:
            path = left.pop()
            answer = http.get(path)
            assert answer.status_code == 200, path
            is_page = path.startswith(guide.ROOT) and answer.headers["content-type"].startswith("text/html")
            seen[path] = Links(answer.text if is_page else "")
            targets = {target.partition("#")[0] for target in seen[path].targets}
            left |= {target for target in targets if target.startswith("/")} - seen.keys()
    for path, links in seen.items():
        for target in links.targets:
            place, _, anchor = target.partition("#")
            if anchor and not place.startswith("http"):
                assert anchor in seen[place or path].anchors, f"{path} leads to {target}"
    pages = {f"{guide.ROOT}/{name_of(page).removeprefix('docs/').removesuffix('.md')}" for page in PAGES[1:]}
    assert pages - seen.keys() == {f"{guide.ROOT}/index"}, "pages that nothing leads to"


def test_the_guide_is_html_without_scripts(engine: RunningEngine) -> None:
    answer = httpx2.get(f"{engine.url}{guide.ROOT}/options")

    assert "<table>" in answer.text
    assert "<script" not in answer.text
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    for wrong in ("nothing", "../settings", "%2e%2e/pyproject.toml"):
        assert httpx2.get(f"{engine.url}{guide.ROOT}/{wrong}").status_code == 404


def test_pages_are_short() -> None:
    long = {name_of(page): words for page in PAGES if (words := len(re.findall(r"\w+", page.read_text()))) > 2500}

    assert long.keys() <= {"docs/errors.md"}
