"""All files that a run was given."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gnathos.imaging.limits import Limits
from gnathos.meshing import Mesh
from gnathos.pipeline.read import Scan, extension_of, read_scan
from gnathos.pipeline.request import SCAN_KEY, InputFile, Request
from gnathos.surfaces import read_surface


@dataclass(frozen=True)
class Inputs:
    """What was read."""

    scan: Scan | None
    surfaces: Mapping[str, Mesh]
    """By input key, each in the frame of its own file."""
    warnings: tuple[dict[str, str], ...]
    """What was mended in the surfaces, or is odd about them."""


def read_inputs(request: Request, folder: Path, limits: Limits) -> Inputs:
    """Read every input.

    Args:
        request: names the files.
        folder: relative paths start here.
        limits: caps on each.

    Raises:
        ScanError: one cannot be read; says why.
    """
    scan: Scan | None = None
    surfaces: dict[str, Mesh] = {}
    warnings: list[dict[str, str]] = []
    for each in request.inputs:
        if each.key == SCAN_KEY:
            scan = read_scan(folder / each.path, each.extension, limits)
        else:
            surfaces[each.key] = _read_surface(each, folder, limits, warnings)
    return Inputs(scan, surfaces, tuple(warnings))


def _read_surface(given: InputFile, folder: Path, limits: Limits, warnings: list[dict[str, str]]) -> Mesh:
    path = folder / given.path
    surface = read_surface(path, given.extension or extension_of(path), limits)
    warnings += [{**note, "input": given.key} for note in surface.notes]
    return Mesh(surface.vertices_mm.astype(np.float32), surface.faces.astype(np.int32))
