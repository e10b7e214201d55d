"""What lies where in a head: tells the air of nose, throat and sinuses from air beside the head, in ears and in bone.

The network has seen few heads, and takes air for what it knows. Where such air lies, and what it borders on, is
measured in the patient's own axes with room for a head tilted by twenty degrees. The limits lie between what true
and false pieces of synthetic scans and of two real ones show.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import cc3d
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from gnathos.segmentation.bones import LOWER, UPPER, signed_distance_mm
from gnathos.segmentation.network import CoarseAnatomy
from gnathos.segmentation.sides import LEAST_SEEN, WIDEST_MM, midline_of_head

FloatArray = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Window = tuple[slice, slice, slice]

LIKELY = 0.5
LEAST_PIECE_ML = 0.2
"""Smaller pieces of air are noise."""
LEAST_SURE = 0.7
"""The network's mean in a piece; true throats and sinuses have 0.75 and more."""
SHELL = 2
"""Voxels around a piece that are looked at."""
MOST_OUTSIDE = 0.26
"""Share of the shell that is air outside the head; nostrils and an open mouth reach 0.2."""
LEAST_BONE = 0.25
"""Share of a sinus's shell that is bone; true ones have a third and more."""
MOST_BONE = 0.33
"""The same for the throat: what has more is a nose, a sphenoid sinus or an ear."""
BESIDE_NOSE_MM, ABOVE_TEETH_MM = 12.0, 15.0
"""A maxillary sinus lies so near to the air of nose or throat, or to upper teeth; the mastoid's cells lie further."""
OFF_MIDLINE_MM, OFF_EDGE_MM = 25.0, 15.0
"""So far from the midline the throat's middle may lie, in a head tilted to one side; and from the edge of the field of
view beyond which the midline lies."""
BESIDE_MIDLINE_MM = 10.0
"""So far from the midline a sinus's middle lies at least, unless two run together; cells between the eyes do not."""


JAW_BELOW_TEETH_MM = 45.0
"""A chin ends so far below the middle of the upper teeth, or a little further."""
CUT_SHARE = 0.05
"""The lowest plane cuts the body where so much of it is not air outside."""
LEAST_SHARE = 0.1
"""Pieces of inner air count from this share of the largest: ears hold air, too."""


@dataclass(frozen=True)
class Piece:
    """One connected piece of a mask, in a window of the grid."""

    mask: Mask
    window: Window
    shell: Mask
    """What lies around it."""

    def mean(self, probability: FloatArray) -> float:
        """Of values on the grid, within the piece."""
        return float(probability[self.window][self.mask].mean())

    def share_around(self, seen: Mask, without: Mask | None = None) -> float:
        """How much of its shell a mask on the grid takes; 0 where nothing is left of the shell."""
        shell = self.shell if without is None else self.shell & ~without[self.window]
        return float(seen[self.window][shell].mean()) if shell.any() else 0.0

    @property
    def column(self) -> float:
        """Its middle from right to left."""
        return float(np.nonzero(self.mask)[2].mean() + self.window[2].start)

    @property
    def width(self) -> int:
        """Columns from its right-most voxel to its left-most."""
        return int(np.ptp(np.nonzero(self.mask)[2]))


@dataclass(frozen=True)
class Landmarks:
    """What other structures are placed by."""

    coarse: CoarseAnatomy

    @cached_property
    def inner_air(self) -> Mask:
        """Air of nose, mouth and throat: what lies within the body of what the network takes for it."""
        found = self._kept(self._airway, lambda piece: self._is_sure(piece, "airway") and self._is_inside(piece))
        numbers = cc3d.connected_components(found, connectivity=18)
        sizes = np.bincount(numbers.ravel())
        sizes[0] = 0
        return np.asarray(found & (sizes >= LEAST_SHARE * sizes.max())[numbers])

    @cached_property
    def sinuses(self) -> Mask:
        """Air in bone beside the nose or above the upper teeth."""
        is_near = self._within(self.inner_air, BESIDE_NOSE_MM) | self._within(self.upper_teeth, ABOVE_TEETH_MM)
        return self._kept(
            self._seen("sinus"),
            lambda piece: (
                self._is_sure(piece, "sinus")
                and self._is_inside(piece)
                and piece.share_around(self._bones) >= LEAST_BONE
                and bool(is_near[piece.window][piece.mask].any())
                and self._is_beside_middle(piece)
            ),
        )

    @cached_property
    def upper_teeth(self) -> Mask:
        """Upper teeth, which lie below the sinuses: bright bone of the forehead is taken for them, too."""
        return self._below_sinuses(self._seen("upper_teeth"))

    @cached_property
    def lower_teeth(self) -> Mask:
        """Lower teeth, below the sinuses like the upper ones."""
        return self._below_sinuses(self._seen("lower_teeth"))

    @cached_property
    def midline(self) -> float | None:
        """Column of the patient's midline on the network's grid; None where the field of view does not show it."""
        teeth = self.upper_teeth | self.lower_teeth
        return midline_of_head(self._seen(*UPPER, *LOWER), teeth, self.inner_air, self._column_mm)

    @cached_property
    def shows_below_teeth(self) -> bool:
        """Whether the field of view reaches so far below the upper teeth that it would show a lower jaw."""
        slices = np.nonzero(self.upper_teeth)[0]
        if len(slices) < LEAST_SEEN:
            return False
        return float(np.median(slices)) * float(self.coarse.grid.spacing_mm[0]) >= JAW_BELOW_TEETH_MM

    @cached_property
    def ends_above_teeth(self) -> bool:
        """Whether the field of view ends within the head, and shows neither upper teeth nor the floor of a sinus."""
        has_floor = bool(self.sinuses.any()) and not self.sinuses[0].any()
        is_cut = float((~self._outside[0]).mean()) > CUT_SHARE
        return is_cut and not has_floor and self.upper_teeth.sum() < LEAST_SEEN

    def shows_side(self, is_left: bool) -> bool | None:
        """Whether the field of view shows that side of the head; None where it tells no midline."""
        if self.midline is None:
            return None
        last = self.coarse.grid.shape[2] - 1
        return self.midline < last if is_left else self.midline > 0

    def in_throat(self, seen: Mask) -> Mask:
        """The pieces of a mask of air behind the mouth that may be the throat: in the body's middle, not in bone."""
        return self._kept(
            seen,
            lambda piece: (
                self._is_sure(piece, "airway")
                and piece.share_around(self._outside, self._airway) <= MOST_OUTSIDE
                and piece.share_around(self._bones, self._airway) <= MOST_BONE
                and self._is_in_middle(piece)
            ),
        )

    def _is_sure(self, piece: Piece, name: str) -> bool:
        return piece.mean(self.coarse.probability(name)) >= LEAST_SURE

    def _is_inside(self, piece: Piece) -> bool:
        return piece.share_around(self._outside) <= MOST_OUTSIDE

    def _is_in_middle(self, piece: Piece) -> bool:
        if self.midline is None:
            return True
        is_shown = 0 <= self.midline < self.coarse.grid.shape[2]
        reach_mm = OFF_MIDLINE_MM if is_shown else OFF_EDGE_MM
        return abs(piece.column - self.midline) * self._column_mm <= reach_mm

    def _is_beside_middle(self, piece: Piece) -> bool:
        if self.midline is None or piece.width * self._column_mm > WIDEST_MM:
            return True
        return abs(piece.column - self.midline) * self._column_mm >= BESIDE_MIDLINE_MM

    def _below_sinuses(self, teeth: Mask) -> Mask:
        sinuses = np.nonzero(self._seen("sinus"))[0]
        if len(sinuses) < LEAST_SEEN or not teeth.any():
            return teeth
        return teeth if np.median(np.nonzero(teeth)[0]) < np.median(sinuses) else np.zeros_like(teeth)

    def _within(self, mask: Mask, reach_mm: float) -> Mask:
        return np.asarray(signed_distance_mm(mask, self.coarse.grid) >= -reach_mm) if mask.any() else mask

    @cached_property
    def _airway(self) -> Mask:
        return self._seen("airway")

    @cached_property
    def _bones(self) -> Mask:
        return self._seen(*UPPER, *LOWER, "other_bone")

    @cached_property
    def _outside(self) -> Mask:
        return self._seen("background")

    def _seen(self, *names: str) -> Mask:
        return np.asarray(self.coarse.probability(*names) > LIKELY)

    @property
    def _column_mm(self) -> float:
        return float(self.coarse.grid.spacing_mm[2])

    def _kept(self, seen: Mask, is_kept: Callable[[Piece], bool]) -> Mask:
        kept = np.zeros_like(seen)
        least_voxels = LEAST_PIECE_ML * 1000 / float(np.prod(self.coarse.grid.spacing_mm))
        for piece in _pieces(seen, least_voxels):
            if is_kept(piece):
                kept[piece.window] |= piece.mask
        return kept


def _pieces(seen: Mask, least_voxels: float) -> Iterator[Piece]:
    numbers, count = cc3d.connected_components(seen, connectivity=18, return_N=True)
    measured = cc3d.statistics(numbers, no_slice_conversion=True)
    for number in range(1, count + 1):
        if measured["voxel_counts"][number] < least_voxels:
            continue
        box = measured["bounding_boxes"][number].astype(int).reshape(3, 2)
        first, second, third = (slice(max(low - SHELL, 0), high + 1 + SHELL) for low, high in box)
        window = (first, second, third)
        mask = numbers[window] == number
        yield Piece(mask, window, ndimage.binary_dilation(mask, iterations=SHELL) & ~mask)
