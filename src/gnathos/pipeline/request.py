"""What one run of the pipeline is asked for and what it answers, as plain JSON in the job's own folder.

FOLDER/request.json     written by whoever starts the run
FOLDER/inputs/…         the files that the request names
FOLDER/outputs/…        what the run makes
FOLDER/findings-*.gz    what was found in the same scan before, and what is known after the run (`memory.py`)
FOLDER/result.json      written last; a run without it did not end
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

REQUEST_FILE = "request.json"
RESULT_FILE = "result.json"

SCAN_KEY = "cbct"
"""The input that is a volume; the others are meshes."""

KNOWN_FILE = "findings-known.gz"
"""What an earlier run has found in the same scan; need not be there."""

FOUND_FILE = "findings-found.gz"
"""What is known after a run, where that is more than before."""


@dataclass(frozen=True)
class InputFile:
    """One file to read."""

    key: str
    """`cbct`, `ios_upper`, `ios_lower` or `facial`."""
    path: str
    """Relative to the job's folder, or absolute; a folder of slices is allowed for `cbct`."""
    extension: str
    """As normalised by `normalise_extension`, for example `.nii.gz`; empty: told from the content."""


@dataclass(frozen=True)
class OutputFile:
    """One file to make."""

    kind: str
    """`meshes`, `segmentations`, …: the key under `outputFiles`, one of `gnathos.anatomy.OUTPUT_EXTENSIONS`."""
    extension: str
    structures: tuple[str, ...]
    """As asked for: names and shorthands; for previews and reports, none stands for all that was found."""
    position: int = 0
    """Its place in the list under its kind."""
    exclude: tuple[str, ...] = ()
    """Of a mesh: names and shorthands of what is cut out of it."""


@dataclass(frozen=True)
class Request:
    """One run."""

    inputs: tuple[InputFile, ...]
    outputs: tuple[OutputFile, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    """The contract's `options`, as sent."""
    version: str = ""
    """API version that the job was sent to; empty offline."""

    def save(self, folder: Path) -> None:
        """Write `request.json`."""
        (folder / REQUEST_FILE).write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `request.json`."""
        fields = json.loads((folder / REQUEST_FILE).read_text())
        return cls(
            inputs=tuple(InputFile(**each) for each in fields["inputs"]),
            outputs=tuple(_output_file(each) for each in fields["outputs"]),
            options=fields["options"],
            version=fields["version"],
        )


def _output_file(fields: dict[str, Any]) -> OutputFile:
    lists = {"structures": tuple(fields["structures"]), "exclude": tuple(fields.get("exclude", ()))}
    return OutputFile(**{**fields, **lists})


@dataclass(frozen=True)
class OutputResult:
    """What became of one output file."""

    kind: str
    position: int
    extension: str
    structures: tuple[str, ...]
    status: str
    """`Available`, `Missing` or `Failed`."""
    path: str | None = None
    """Relative to the job's folder, when available."""
    size_bytes: int = 0
    sha256: str = ""
    confidence: float = 0.0
    reason: Mapping[str, str] | None = None
    """`code` and `detail` when it is not available, or available with a reservation."""
    parts: tuple[Mapping[str, Any], ...] = ()
    """Per structure that was asked for: `structure`, `status`, `confidence`, `reason`."""
    measures: Mapping[str, Any] = field(default_factory=dict)
    """What can be counted of it: of a mesh, `triangles`, `volumeMl`, `isWatertight`."""


@dataclass(frozen=True)
class Result:
    """What a run answers."""

    success: bool
    outputs: tuple[OutputResult, ...] = ()
    error: Mapping[str, str] | None = None
    """`code`, `detail`, `remedy` when the whole run failed."""
    warnings: tuple[Mapping[str, str], ...] = ()
    coordinate_system: Mapping[str, Any] = field(default_factory=dict)
    receipt: Mapping[str, Any] = field(default_factory=dict)
    """Engine, weights and library versions, options after defaults, hashes, seconds per stage."""

    def save(self, folder: Path) -> None:
        """Write `result.json` whole or not at all."""
        part = folder / f"{RESULT_FILE}.part"
        part.write_text(json.dumps(asdict(self)))
        part.replace(folder / RESULT_FILE)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `result.json`.

        Raises:
            FileNotFoundError: the run did not end.
        """
        fields = json.loads((folder / RESULT_FILE).read_text())
        fields["outputs"] = tuple(OutputResult(**each) for each in fields["outputs"])
        return cls(**fields)
