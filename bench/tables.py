"""What was measured, as tables."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table


def print_table(title: str, columns: Sequence[str], rows: Iterator[Sequence[str]]) -> None:
    """Print one."""
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
