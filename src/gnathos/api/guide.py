"""The guide: the pages of `docs/` as HTML under /docs/guide, without scripts and without the internet."""

import html
import itertools
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from markdown_it import MarkdownIt
from markdown_it.token import Token

from gnathos.api.documentation import SECURITY_POLICY, STYLE
from gnathos.errors import UnknownRoute

ROOT = "/docs/guide"
INDEX = "index"
DECISIONS = "decisions/"
"""The pages below it are listed on its index, whichever there are."""
POLICY = SECURITY_POLICY.replace("default-src 'none'", "default-src 'none'; img-src 'self'")
GUIDE_STYLE = (
    STYLE
    + """
body{max-width:74rem;display:grid;grid-template-columns:13rem minmax(0,1fr);gap:3rem} main{max-width:52rem}
nav{font-size:.9rem} nav b{display:block;margin-top:1rem} nav a{display:block;padding:.1rem 0;text-decoration:none}
a{color:#0b5c8a} nav [aria-current]{font-weight:700} img{max-width:100%;height:auto} h1{margin-top:0}
td,th{border-bottom:1px solid #d9e0e7} main table{display:block;overflow-x:auto} td code{white-space:nowrap}
td:last-child{min-width:14rem}
@media (prefers-color-scheme:dark){a{color:#6cc0ef}td,th{border-color:#33404d}}
@media (max-width:760px){body{display:block} nav{columns:2;margin-bottom:2rem}}
"""
)
PICTURES = {".png": "image/png", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Place:
    """One entry of the navigation; a heading where it leads nowhere."""

    title: str
    path: str = ""


def guide_folder() -> Path:
    """Where the pages are: in the wheel, or in the tree that the package is run from.

    >>> (guide_folder() / "index.md").exists()
    True
    """
    installed = Path(__file__).parents[1] / "docs"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "docs"


def install_guide(app: FastAPI) -> None:
    """Serve the pages and their pictures."""

    @app.get(ROOT, include_in_schema=False)
    def index() -> Response:
        return page(INDEX)

    @app.get(f"{ROOT}/{{path:path}}", include_in_schema=False)
    def page(path: str) -> Response:
        file = _files().get(path)
        if file is None:
            raise UnknownRoute(f"The guide has no page {path!r}.", remedy=f"See {ROOT} for its pages.")
        if file.suffix in PICTURES:
            return FileResponse(file, media_type=PICTURES[file.suffix])
        return HTMLResponse(render(path, file.read_text()), headers={"Content-Security-Policy": POLICY})


@cache
def _files() -> dict[str, Path]:
    """Every page by its path without `.md`, every picture by its path: nothing else can be asked for."""
    folder = guide_folder()
    found = {}
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder).as_posix()
        if file.suffix == ".md" or file.suffix in PICTURES:
            found[path.removesuffix(".md")] = file
    return found


def render(path: str, text: str) -> str:
    """A page of Markdown as a whole page of HTML."""
    markdown = MarkdownIt("commonmark").enable("table")
    tokens = markdown.parse(text)
    for token in _all(tokens):
        for attribute in ("href", "src"):
            if attribute in token.attrs:
                token.attrs[attribute] = target_of(path, str(token.attrs[attribute]))
    for opening, content in headings(tokens):
        opening.attrs["id"] = anchor_of(content)
    title = html.escape(next((content for _, content in headings(tokens)), path))
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title} – Gnathos</title>'
    body = markdown.renderer.render(tokens, markdown.options, {})
    if path == DECISIONS + INDEX:
        body += f"<ul>{_decisions()}</ul>"
    return (
        f'<!doctype html><html lang="en"><head>{head}<style>{GUIDE_STYLE}</style></head><body>'
        f'<nav aria-label="Guide">{_navigation(path)}</nav><main>{body}</main></body></html>'
    )


def _decisions() -> str:
    """The list of decisions, each under its title."""
    pages = {path: file for path, file in _files().items() if path.startswith(DECISIONS) and file.suffix == ".md"}
    del pages[DECISIONS + INDEX]
    titles = {path: file.read_text().partition("\n")[0].lstrip("# 0123456789.") for path, file in pages.items()}
    return "".join(f'<li><a href="{ROOT}/{path}">{html.escape(title)}</a></li>' for path, title in titles.items())


def target_of(page: str, target: str) -> str:
    """Where a link of a page leads on the engine.

    >>> target_of("decisions/0001-layers", "../settings.md#limits")
    '/docs/guide/settings#limits'
    >>> target_of("index", "https://example.org")
    'https://example.org'
    """
    if not target or target.startswith(("http:", "https:", "/", "#")):
        return target
    path, hash_sign, anchor = target.partition("#")
    place = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)).removesuffix(".md")
    return (ROOT if place == INDEX else f"{ROOT}/{place}") + hash_sign + anchor


def headings(tokens: Sequence[Token]) -> Iterator[tuple[Token, str]]:
    """Each heading's opening token and its text."""
    for opening, content in itertools.pairwise(tokens):
        if opening.type == "heading_open":
            yield opening, content.content.replace("`", "")


def anchor_of(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it.

    >>> anchor_of("Backup, and restore")
    'backup-and-restore'
    """
    kept = "".join(character for character in heading.lower() if character.isalnum() or character in " -_")
    return kept.replace(" ", "-")


def _all(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or ())


@cache
def places() -> tuple[Place, ...]:
    """The navigation: the second headings and the links of the index."""
    tokens = MarkdownIt("commonmark").parse((guide_folder() / f"{INDEX}.md").read_text())
    found = [Place("Guide", ROOT)]
    for opening, content in itertools.pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == "h2":
            found.append(Place(content.content))
        for link, text in itertools.pairwise(content.children or ()):
            if link.type == "link_open":
                found.append(Place(text.content, target_of(INDEX, str(link.attrs["href"]))))
    return (*found, Place("API", "/docs"))


def _navigation(path: str) -> str:
    here = ROOT if path == INDEX else f"{ROOT}/{path}"
    return "".join(_entry(each, each.path == here) for each in places())


def _entry(place: Place, is_here: bool) -> str:
    title = html.escape(place.title)
    if not place.path:
        return f"<b>{title}</b>"
    return f'<a href="{html.escape(place.path)}"{" aria-current=page" if is_here else ""}>{title}</a>'
