"""A mesh: triangles in the patient, and what can be measured of them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Mesh:
    """Triangles in LPS millimetres; counter-clockwise seen from outside."""

    vertices_lps_mm: npt.NDArray[np.float32]
    """(n, 3)."""
    faces: npt.NDArray[np.int32]
    """(m, 3) indices of vertices."""

    @cached_property
    def triangles_lps_mm(self) -> npt.NDArray[np.float64]:
        """(m, 3 corners, 3)."""
        return self.vertices_lps_mm.astype(np.float64)[self.faces]

    @cached_property
    def neighbours(self) -> npt.NDArray[np.int64]:
        """(m, 3) the face beyond each edge: first-second, second-third, third-first; the face itself where none is."""
        count = len(self.vertices_lps_mm)
        edges = self.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64)
        forward, backward = edges[:, 0] * count + edges[:, 1], edges[:, 1] * count + edges[:, 0]
        order = np.argsort(forward, kind="stable")
        partner = order[np.minimum(np.searchsorted(forward[order], backward), len(order) - 1)]
        found = np.where(forward[partner] == backward, partner // 3, np.arange(len(edges)) // 3)
        return np.asarray(found.reshape(-1, 3))

    @property
    def volume_ml(self) -> float:
        """Enclosed volume; negative if the triangles face inwards. Means nothing unless watertight."""
        first, second, third = np.moveaxis(self.triangles_lps_mm, 1, 0)
        return float(np.einsum("ij,ij->", first, np.cross(second, third))) / 6000

    @property
    def area_mm2(self) -> float:
        """Surface area."""
        first, second, third = np.moveaxis(self.triangles_lps_mm, 1, 0)
        return float(np.linalg.norm(np.cross(second - first, third - first), axis=1).sum()) / 2

    @cached_property
    def is_watertight(self) -> bool:
        """Whether every edge joins two triangles that run along it in opposite directions."""
        if not len(self.faces):
            return False
        edges = self.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64)
        forward = edges[:, 0] * len(self.vertices_lps_mm) + edges[:, 1]
        backward = edges[:, 1] * len(self.vertices_lps_mm) + edges[:, 0]
        forward.sort()
        backward.sort()
        return bool((forward[1:] != forward[:-1]).all() and np.array_equal(forward, backward))
