"""Proof that two surfaces lie within a distance of each other: of every point, not of samples.

Most of it is shown for both ways at once, by laying the one onto the other (`laying`). What is left, where a surface
is folded, is shown each way for itself: piece by piece (`pieces`), for large triangles after small ones have been laid
over them (`overlay`).
"""

from dataclasses import dataclass

import numpy as np

from gnathos.meshing.laying import UNKNOWN, Laying, Target
from gnathos.meshing.mesh import Mesh
from gnathos.meshing.nearness import Nearness
from gnathos.meshing.overlay import covered_within
from gnathos.meshing.pieces import faces_within
from gnathos.meshing.triangles import Flags, Floats, Indices, Triangles, any_of_three


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
        is_near = np.zeros(len(asked), np.bool_)
        around = _touching(coarse, _marked(asked, len(coarse.faces)))
        owners = self._laying.owners[self._fine.faces]
        is_seed = any_of_three(around[owners]) & ~any_of_three(owners == UNKNOWN)
        if not is_seed.any():
            return is_near
        if self._fine.is_watertight:
            is_near = self._are_covered(asked, owners, is_seed, _touching(coarse, around), nearness.triangles)
        left = np.flatnonzero(~is_near)
        part = Nearness(Mesh(self._fine.vertices_lps_mm, self._fine.faces[is_seed]))
        is_near[left] = faces_within(_corners_of(coarse, asked[left]), part, self._bound_mm)
        return is_near

    def _are_covered(self, asked: Indices, owners: Indices, is_seed: Flags, reach: Flags, large: Triangles) -> Flags:
        """(k,) whether coarse faces are shown to be near after what is laid on them and around has been laid over them.

        Args:
            asked: (k,) coarse faces.
            owners: (n, 3) the coarse faces that the corners of each fine one are given.
            is_seed: (n,) fine faces to begin with.
            reach: (m,) coarse faces on which the sheet is followed.
            large: the coarse faces.
        """
        part = np.flatnonzero(is_seed | any_of_three(reach[owners] | (owners == UNKNOWN)))
        small = Mesh(self._fine.vertices_lps_mm, self._fine.faces[part])
        seeds = np.flatnonzero(is_seed[part])
        flags = _marked(asked, len(reach))
        return covered_within(large, flags, small, seeds, owners[part[seeds]], self._bound_mm)[asked]


def _touching(mesh: Mesh, flags: Flags) -> Flags:
    """(m,) which faces share a corner with a marked one, or are marked."""
    corners = _marked(mesh.faces[flags].ravel().astype(np.int64), len(mesh.vertices_lps_mm))
    return any_of_three(corners[mesh.faces])


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
