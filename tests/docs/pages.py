"""The pages of documentation, and what of them runs: blocks of sh, python and js, in their order, as one script."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUNNABLE = {"sh", "python", "js"}
ONLY_SHOWN = {"json", "yaml", "ini", "nginx", "text"}
NOT_RUN = re.compile(r"\*Not run by the tests: .{10,}\*")
"""Stands before a block that is not run, and says why."""
ALREADY_DONE = {".venv/bin/gnathos up", "gnathos up"}
"""The test's own engine was started by this very command."""


@dataclass(frozen=True)
class Block:
    """One block of code."""

    language: str
    text: str
    line: int
    is_run: bool


def blocks_of(page: Path) -> Iterator[Block]:
    """Every block of a page."""
    before = ""
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text()):
        line = (token.map or [0])[0] + 1
        if token.type in {"fence", "code_block"}:
            is_run = token.info in RUNNABLE and not NOT_RUN.search(before)
            yield Block(token.info if token.type == "fence" else "indented", token.content, line, is_run)
        elif token.type == "inline":
            before = token.content


def script_of(page: Path) -> str:
    """What a reader would type who follows the page from its top to its end."""
    parts = ["set -e", *(typed(block) for block in blocks_of(page) if block.is_run)]
    return "\n".join(parts) if len(parts) > 1 else ""


def typed(block: Block) -> str:
    """The block as it is typed into a shell."""
    if block.language == "sh":
        return "\n".join(line for line in block.text.splitlines() if line.strip() not in ALREADY_DONE)
    program = "python3 -" if block.language == "python" else "node --input-type=module -"
    return f"{program} <<{shlex.quote('END OF BLOCK')}\n{block.text}END OF BLOCK"
