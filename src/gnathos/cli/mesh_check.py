"""What a mesh file says of itself, measured here and not taken from whoever made it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

HEADER_BYTES = 84
TRIANGLE = np.dtype([("normal", "<3f4"), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


@dataclass(frozen=True)
class MeshFacts:
    """Measures of a triangle mesh."""

    triangles: int
    volume_ml: float
    """Positive where the triangles face outward."""
    open_edges: int
    """Edges that are not shared by exactly two triangles that run along them in opposite directions."""

    @property
    def is_watertight(self) -> bool:
        """Whether it encloses a volume."""
        return self.triangles > 0 and self.open_edges == 0


def facts_of_stl(path: Path) -> MeshFacts:
    """Measure a binary STL in millimetres; corners at the very same place are one."""
    corners = np.fromfile(path, TRIANGLE, offset=HEADER_BYTES)["corners"].astype(np.float64)
    _, numbers = np.unique(corners.reshape(-1, 3), axis=0, return_inverse=True)
    faces = numbers.reshape(-1, 3)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    numbered, counts = np.unique(edges @ (len(numbers), 1), return_counts=True)
    opposite = edges @ (1, len(numbers))
    open_edges = int((counts != 1).sum() + np.isin(opposite, numbered, invert=True).sum())
    volume_mm3 = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    return MeshFacts(len(faces), float(volume_mm3 / 1000), open_edges)
