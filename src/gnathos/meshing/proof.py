"""Proof that two surfaces lie within a distance of each other: of every point, not of samples.

Most of it is shown for both ways at once, by laying the one onto the other (`laying`). What is left, where a surface
is folded, is shown each way for itself: piece by piece (`pieces`), for large triangles after small ones have been laid
over them (`overlay`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gnathos.meshing.laying import UNKNOWN, Laying, Target
from gnathos.meshing.mesh import Mesh
from gnathos.meshing.nearness import Nearness
from gnathos.meshing.overlay import covered_within
from gnathos.meshing.pieces import faces_within
from gnathos.meshing.triangles import Floats, Indices

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Doubts:
    """Where two surfaces were not shown to be within the bound; nowhere: they are."""

    first: Flags
    """By face of the first mesh."""
    second: Flags
    """By face of the second mesh."""

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self.first.any() or self.second.any())


class Proof:
    """What has been shown of a fine surface and a coarse one, some of whose triangles may be replaced."""

    def __init__(self, fine: Mesh, bound_mm: float) -> None:
        """Begin.

        Args:
            fine: the one with more triangles; quick only where it is closed.
            bound_mm: above zero.
        """
        self._fine = fine
        self._bound_mm = bound_mm
        self._laying = Laying(fine)
        self._is_near: Flags = np.zeros(0, np.bool_)
        """By coarse face, whether it was shown to be near piece by piece; empty: not asked yet."""

    def doubts(self, coarse: Mesh, of_both: bool = False) -> Doubts:
        """Show, both ways, that each point of a surface is within the bound of the other, and tell where that fails.

        Args:
            coarse: closed.
            of_both: whether coarse faces are asked for also where a fine one is in doubt already.
        """
        target = Target(coarse, self._bound_mm)
        is_laid, is_covered = self._laying.lay(target)
        if not self._fine.is_watertight:
            is_covered[:] = False
        lost = np.flatnonzero(~is_laid)
        lost = lost[~faces_within(_corners_of(self._fine, lost), target.nearness, self._bound_mm)]
        is_near = self._is_near if len(self._is_near) else np.zeros(len(coarse.faces), np.bool_)
        if of_both or not len(lost):
            asked = np.flatnonzero(~is_covered & ~is_near)
            is_near[asked] = self._are_near(coarse, asked, target.nearness)
            is_covered |= is_near
        else:  # what strayed is undone first; the faces on it will be asked for then
            is_covered[:] = True
        self._is_near = is_near
        return Doubts(_marked(lost, len(self._fine.faces)), ~is_covered)

    def replace(self, places: Indices, count: int) -> None:
        """Coarse faces are replaced.

        Args:
            places: by coarse face its place from now on; `UNKNOWN`: it is no more. Corners of the mesh keep theirs.
            count: of coarse faces from now on.
        """
        self._laying.replace(places)
        kept = np.flatnonzero(places != UNKNOWN)
        self._is_near = _marked(places[kept][self._is_near[kept]], count)

    def _are_near(self, coarse: Mesh, asked: Indices, nearness: Nearness) -> Flags:
        """(k,) whether coarse faces are shown to be near to what is laid on them and on those around them."""
        corners = _marked(coarse.faces[asked].ravel().astype(np.int64), len(coarse.vertices_lps_mm))
        around = np.asarray(corners[coarse.faces].any(axis=1))
        owners = self._laying.owners[self._fine.faces]
        seeds = np.flatnonzero((owners != UNKNOWN).all(axis=1) & around[owners].any(axis=1))
        if not len(asked) or not len(seeds):
            return np.zeros(len(asked), np.bool_)
        is_near = np.zeros(len(asked), np.bool_)
        if self._fine.is_watertight:
            flags = _marked(asked, len(coarse.faces))
            is_near = covered_within(nearness.triangles, flags, self._fine, seeds, owners[seeds], self._bound_mm)[asked]
        left = np.flatnonzero(~is_near)
        part = Nearness(Mesh(self._fine.vertices_lps_mm, self._fine.faces[seeds]))
        is_near[left] = faces_within(_corners_of(coarse, asked[left]), part, self._bound_mm)
        return is_near


def _corners_of(mesh: Mesh, which: Indices) -> Floats:
    """(k, 3 corners, 3) of some faces; all of them would be kept in memory as long as the mesh."""
    return mesh.vertices_lps_mm[mesh.faces[which]].astype(np.float64)


def _marked(places: Indices, count: int) -> Flags:
    marks = np.zeros(count, np.bool_)
    marks[places] = True
    return marks


def doubts(fine: Mesh, coarse: Mesh, bound_mm: float) -> Doubts:
    """Show, both ways, that each point of a surface is within a distance of the other, and tell where that fails.

    Args:
        fine: the one with more triangles.
        coarse: closed.
        bound_mm: above zero.
    """
    return Proof(fine, bound_mm).doubts(coarse, of_both=True)
