"""The tables of the guide that are made from the code; run as a program, they are written into its pages."""

import re
from collections.abc import Iterator
from pathlib import Path

from gnathos.anatomy.structures import _ALIASES, SHORTHANDS, STRUCTURES, SURFACES
from gnathos.errors import GnathosError

DOCS = Path(__file__).parents[2] / "docs"


def every_error(kind: type[GnathosError] = GnathosError) -> Iterator[type[GnathosError]]:
    """Each class of error with a code of its own, in the order of their definition."""
    if kind is GnathosError or "code" in vars(kind):
        yield kind
    for each in kind.__subclasses__():
        yield from every_error(each)


def errors() -> str:
    rows = {each.code: each for each in every_error() if each.__module__ == GnathosError.__module__}
    lines = ["| code | HTTP | says | what to do |", "|---|---|---|---|"]
    for code, kind in sorted(rows.items()):
        error = kind()
        lines.append(f"| `{code}` | {kind.kind.value} | {_cell(error.detail)} | {_cell(error.advice)} |")
    return "\n".join(lines)


def structures() -> str:
    lines = ["| name | also | label | options | what it is |", "|---|---|---|---|---|"]
    also = {name: [alias for alias, meant in _ALIASES.items() if meant == name] for name in STRUCTURES}
    for each in [*STRUCTURES.values(), *SURFACES.values()]:
        if each.fdi is not None and each.fdi % 10 != 1:
            continue  # a quadrant is one row
        aliases = ", ".join(f"`{alias}`" for alias in also.get(each.name, ()))
        name, label, what = f"`{each.name}`", str(each.label), each.description
        if each.fdi is not None:
            last = max(other.fdi for other in STRUCTURES.values() if other.fdi and other.fdi // 10 == each.fdi // 10)
            name, label = f"`tooth{each.fdi}` … `tooth{last}`", f"{each.fdi} … {last}"
            what = f"{each.description.replace(f'tooth {each.fdi}', 'teeth')}, by their FDI numbers"
        lines.append(f"| {name} | {aliases} | {label} | `{each.family}` | {what} |")
    return "\n".join(lines)


def shorthands() -> str:
    lines = ["| shorthand | means |", "|---|---|"]
    for name, members in SHORTHANDS.items():
        shown = list(members) if len(members) < 4 else [members[0], "…", members[-1]]
        lines.append(f"| `{name}` | {', '.join(f'`{each}`' if each != '…' else each for each in shown)} |")
    return "\n".join(lines)


TABLES = {"errors": ("errors.md", errors), "structures": ("structures.md", structures)} | {
    "shorthands": ("structures.md", shorthands)
}


def with_tables(page: str, text: str) -> str:
    """The page's text with its tables as the code has them."""
    for name, (where, make) in TABLES.items():
        if where == page:
            text, count = re.subn(
                rf"(<!-- {name}: .*? -->\n).*?(<!-- end -->)",
                lambda found, make=make: f"{found[1]}\n{make()}\n\n{found[2]}",
                text,
                count=1,
                flags=re.S,
            )
            assert count == 1, f"{page} has no place for the table of {name}"
    return text


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    for page in {where for where, _ in TABLES.values()}:
        path = DOCS / page
        path.write_text(with_tables(page, path.read_text()))
