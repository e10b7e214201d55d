"""What a mesh file says of where it is from."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

LONGEST_LINE = 200
"""Readers of PLY headers take lines of a thousand characters at least; people read shorter ones."""


@dataclass(frozen=True)
class Provenance:
    """Never anything of a patient's: these words go into every mesh file whose format has room."""

    engine: str
    """`Gnathos` and its version."""
    segmenter: str
    """Name and version of what found the structures, weights included."""
    frame: str
    """`LPS`, or `as sent` for a mesh given back."""
    structures: tuple[str, ...]
    """What the file shows."""
    excluded: tuple[str, ...] = ()
    """What was cut out."""
    options: Mapping[str, Mapping[str, Any]] | None = None
    """By option family, after defaults."""

    def as_json(self) -> dict[str, Any]:
        """The same under the names that files carry."""
        return {
            "generator": self.engine,
            "segmenter": self.segmenter,
            "frame": self.frame,
            "unit": "mm",
            "structures": list(self.structures),
            "excluded": list(self.excluded),
            "options": {family: dict(each) for family, each in (self.options or {}).items()},
        }

    def lines(self) -> Iterator[str]:
        """`key: value` in ASCII, a long list over several lines; for the comments of text headers."""
        for key, value in self.as_json().items():
            items = value if isinstance(value, list) else [value if isinstance(value, str) else json.dumps(value)]
            for line in _wrapped(items):
                yield f"{key}: {line}"

    def header(self) -> str:
        """One line, the most important first: formats may cut it."""
        first = f"{self.engine}; {self.segmenter}; {self.frame} mm; {' '.join(self.structures)}"
        return f"{first}; without {' '.join(self.excluded)}" if self.excluded else first


def _wrapped(words: list[str]) -> Iterator[str]:
    line = ""
    for word in words:
        if line and len(line) + len(word) >= LONGEST_LINE:
            yield line
            line = ""
        line = f"{line} {word}".strip()
    if line:
        yield line
