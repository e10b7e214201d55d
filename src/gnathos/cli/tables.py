"""Tables on standard output."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

FILE_WIDTH = 200
"""Columns where nobody looks at the output but a program or a log: nothing is folded."""
COLOURS = {"Available": "green", "Missing": "yellow", "Failed": "red", "ok": "green", "warning": "yellow"} | {
    "problem": "red",
    "succeeded": "green",
    "failed": "red",
}


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their columns; words that say how something went have their colour."""
    console = Console()
    table = Table(*columns)
    for row in rows:
        table.add_row(*(Text(str(cell), COLOURS.get(str(cell), "")) for cell in row))
    console.print(table, width=None if console.is_terminal else FILE_WIDTH)


def tell(answer: Mapping[str, Any] | Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """Print one thing, or a list of things with the same names: as JSON or as a table."""
    if as_json:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    elif isinstance(answer, Mapping):
        print_table(("name", "value"), ((name, _short(value)) for name, value in answer.items()))
    else:
        names = list(answer[0]) if answer else ["nothing"]
        print_table(names, (tuple(map(_short, each.values())) for each in answer))


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    return "" if value is None else str(value)
