"""The page as it is served: what it may do, how it is kept, and that it is built from its sources."""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VIEWER = ROOT / "viewer"
WEB = ROOT / "src" / "gnathos" / "web"
SOURCES = ("index.html", "package-lock.json", "src", "svelte.config.js", "tsconfig.json", "vite.config.ts")


def test_the_built_page_is_that_of_its_sources() -> None:
    """`make page` builds it anew; the hash is made as `viewer/vite.config.ts` makes it."""
    files = [path for name in SOURCES for path in _files(VIEWER / name)]
    digest = hashlib.sha256()
    for name, path in sorted((str(path.relative_to(VIEWER)), path) for path in files):
        digest.update(f"{name}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).hexdigest().encode())

    assert (WEB / "sources.sha256").read_text().strip() == digest.hexdigest(), (
        "run `make page` and commit src/gnathos/web"
    )


def test_everything_that_the_page_names_is_there(api) -> None:
    page = api.call("GET", "/")
    assets = re.findall(r'(?:src|href)="\./(assets/[^"]+)"', page.text)

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert {Path(each).suffix for each in assets} >= {".js", ".css", ".svg"}
    for each in assets:
        answer = api.call("GET", f"/{each}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


def test_no_script_or_style_stands_in_the_page_itself(api) -> None:
    page = api.call("GET", "/")
    policy = page.headers["content-security-policy"]

    assert not re.findall(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", page.text)
    assert "default-src 'none'" in policy
    assert not re.findall(r"unsafe|https?:|\*", policy)
    assert page.headers["x-content-type-options"] == "nosniff"


def test_the_page_itself_is_asked_for_anew_and_rarely_sent(api) -> None:
    first = api.call("GET", "/")
    again = api.call("GET", "/", headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")


def test_what_is_large_comes_packed(api) -> None:
    script = max((WEB / "assets").glob("*.js"), key=lambda path: path.stat().st_size)
    plain = api.call("GET", f"/assets/{script.name}", headers={"Accept-Encoding": "identity"})
    packed = api.call("GET", f"/assets/{script.name}", headers={"Accept-Encoding": "gzip"})

    assert plain.content == packed.content == script.read_bytes()
    assert int(packed.headers["content-length"]) < len(script.read_bytes()) / 2
    assert packed.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("path", ["/assets/nothing.js", "/assets/..%2fsources.sha256", "/assets", "/sources.sha256"])
def test_nothing_else_is_served(api, path: str) -> None:
    assert api.call("GET", path).status_code == 404


def _files(path: Path) -> list[Path]:
    return [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
