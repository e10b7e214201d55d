"""From the network's coarse answer to a surface that follows the scan's own gray values.

A structure's surface is the zero level of a field made of three parts, each positive inside:

- *gray*: the scan minus a threshold between the soft tissue and the bone found nearby, lower inside the coarse shape;
- *side*: how much nearer to this structure than to its rivals a place is;
- *core*: places so deep inside the coarse shape that they belong to it whatever their gray (cancellous bone).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cc3d
import fill_voids
import numpy as np
import numpy.typing as npt

from gnathos.imaging import Volume
from gnathos.imaging.sampling import block_mean, interpolate, on_slabs, refine_grid, slabs
from gnathos.segmentation.bones import Bones, signed_distance_mm
from gnathos.segmentation.normalise import Levels, as_hu

FloatArray = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

FINEST_NEEDED_MM = 1.0
"""Gray values of larger voxels are interpolated first: levels between them are smoother than between two answers."""
MARGIN_MM = 6.0
"""What is cut out around a structure."""
AIR_BAND_MM = 2.5
"""How far outside the coarse shape air may still belong to it."""
CORE_MM = 2.0
"""How deep inside the coarse shape everything belongs to it."""
SURE_INSIDE = 0.75
"""Probability of a bone above which a place belongs to it unless it is air."""
AIR_EDGE_HU = -480.0
"""Half-way between air and soft tissue."""
AIR_CONTRAST_HU = 1040.0
SKIN_SPACING_MM = 0.6
SKIN_BAND_MM = 4.0
"""Noses, ears and lips are finer than the network's grid."""


@dataclass(frozen=True)
class CoarseShape:
    """One structure on the coarse grid."""

    mask: Mask
    """Its voxels."""
    rivals: Mask
    """Voxels of what it must not run into."""
    grid: Volume
    """Only the affine and shape are read."""
    limit: Volume | None = None
    """How far each place of the grid is inside of what bounds it by definition, millimetres."""

    @cached_property
    def depth(self) -> Volume:
        """Distance to its border, positive inside, millimetres."""
        return self.grid.with_voxels(signed_distance_mm(self.mask, self.grid))


@dataclass(frozen=True)
class BoneEdge:
    """How a bone's edge is drawn."""

    band_mm: float
    """How far outside the coarse shape bone may still belong to it."""
    inner_bonus: float
    """By so much of the step from soft tissue the edge lies lower within the coarse shape: spongy bone is dark."""
    largest_hole_ml: float
    """Larger enclosed holes stay: sinuses, cells, the cavity of the skull."""
    is_solid: bool
    """Whether dark places belong to it where the networks are sure of it: marrow, and teeth in it; its edge is that of
    its compact shell."""


def refine_bone(
    scan: Volume,
    levels: Levels,
    shape: CoarseShape,
    bones: Bones,
    group: Sequence[str],
    edge: BoneEdge,
    threads: int = 0,
) -> Volume | None:
    """Find a bone's surface at the scan's own resolution.

    Args:
        scan: gray values of any scale; index axes along the patient's.
        levels: the scan's own levels.
        shape: where the network saw it.
        bones: of the scan.
        group: which of them this is.
        edge: how its edge is drawn.
        threads: to compute with; 0: as many as there are cores.

    Returns:
        The field, on a part of the scan's grid, float32, -1 to 1; None where nothing is bright enough.
    """
    region = refine_grid(as_hu(cut_out(scan, shape), levels), FINEST_NEEDED_MM)
    side, chance = bones.side(group), bones.chance(group)
    depth = shape.depth

    def draw(slab: Volume) -> None:
        solid = _solid(slab, chance) if edge.is_solid else np.float32(-1)
        _draw_bone(slab, depth, bones, side, edge)
        np.maximum(slab.voxels, solid, out=slab.voxels)
        if shape.limit is not None:
            np.minimum(slab.voxels, interpolate(shape.limit, slab), out=slab.voxels)

    on_slabs(region, draw, threads)
    return fill(without_specks(region), edge.largest_hole_ml)


def _solid(slab: Volume, chance: Volume) -> FloatArray:
    """Above zero where the networks are sure of a bone and there is no air."""
    solid = interpolate(chance, slab)
    solid -= SURE_INSIDE
    solid /= 1 - SURE_INSIDE
    np.minimum(solid, (slab.voxels - AIR_EDGE_HU) / AIR_CONTRAST_HU, out=solid)
    return solid


def _draw_bone(slab: Volume, coarse_depth: Volume, bones: Bones, side: Volume, edge: BoneEdge) -> None:
    """Put the field in the place of gray values."""
    field = slab.voxels
    depth = interpolate(coarse_depth, slab)
    field -= interpolate(bones.edge, slab)
    field /= interpolate(bones.step, slab)
    if edge.is_solid:  # its marrow is its own, so the level need not be low enough for that
        rise = interpolate(bones.shell_rise, slab)
        field += 1
        field /= rise
        field -= 1
    inside = np.clip(depth / CORE_MM, 0, 1)
    inside *= edge.inner_bonus
    field += inside
    np.minimum(field, depth + edge.band_mm, out=field)
    np.minimum(field, interpolate(side, slab), out=field)
    depth -= CORE_MM
    depth /= 2
    np.maximum(field, depth, out=field)
    np.clip(field, -1, 1, out=field)


def refine_air(scan: Volume, levels: Levels, shape: CoarseShape) -> Volume | None:
    """Find the surface of an air-filled space; see `refine_bone`.

    The level lies half-way between air and soft tissue; fluid and thickened mucosa count as outside.
    """
    region = refine_grid(as_hu(cut_out(scan, shape), levels), FINEST_NEEDED_MM)
    bounds = _bounds(shape, AIR_BAND_MM)
    for slab in slabs(region):
        field = slab.voxels
        field -= AIR_EDGE_HU
        field /= -AIR_CONTRAST_HU / 2
        _confine(slab, bounds)
    return without_specks(region)


def refine_body(scan: Volume, levels: Levels, shape: CoarseShape) -> Volume | None:
    """Find the skin and what it encloses, airways included, on voxels of about 0.6 mm; see `refine_bone`."""
    factors = np.maximum(1, np.floor(SKIN_SPACING_MM / scan.spacing_mm + 1e-6)).astype(int)
    region = refine_grid(as_hu(cut_out(block_mean(scan, factors), shape), levels), FINEST_NEEDED_MM)
    depth, bounds = shape.depth, _bounds(shape, SKIN_BAND_MM)
    for slab in slabs(region):
        field = slab.voxels
        field -= AIR_EDGE_HU
        field /= AIR_CONTRAST_HU / 2
        _confine(slab, bounds)
        np.maximum(field, np.clip((interpolate(depth, slab) - CORE_MM) / 2, -1, 1), out=field)
    return fill(without_specks(region))


def _bounds(shape: CoarseShape, band_mm: float) -> list[Volume]:
    """How far inside a band around the coarse shape each place is, and inside its side and limit where it has such."""
    depth = shape.depth
    bounds = [depth.with_voxels(depth.voxels + np.float32(band_mm))]
    if shape.rivals.any():
        bounds.append(depth.with_voxels(depth.voxels - signed_distance_mm(shape.rivals, shape.grid)))
    return bounds if shape.limit is None else [*bounds, shape.limit]


def _confine(slab: Volume, bounds: Sequence[Volume]) -> None:
    """Lower a field to its bounds, and cut it off at 1."""
    for bound in bounds:
        np.minimum(slab.voxels, interpolate(bound, slab), out=slab.voxels)
    np.clip(slab.voxels, -1, 1, out=slab.voxels)


def cut_out(scan: Volume, shape: CoarseShape) -> Volume:
    """The part of a scan around a shape, with a margin."""
    return part_around(scan, shape.mask, shape.grid, MARGIN_MM)


def part_around(scan: Volume, mask: Mask, grid: Volume, margin_mm: float) -> Volume:
    """The part of a scan around a mask on another grid, whose index axes run along the scan's."""
    places = np.argwhere(mask)
    corners = grid.points_lps_mm([places.min(axis=0) - 0.5, places.max(axis=0) + 0.5])
    indices = np.sort(scan.indices_at(corners), axis=0)
    margin = margin_mm / scan.spacing_mm
    start = np.clip(np.floor(indices[0] - margin), 0, np.array(scan.shape) - 1).astype(int)
    stop = np.clip(np.ceil(indices[1] + margin) + 1, start + 1, scan.shape).astype(int)
    return scan.crop(start, stop)


SMALLEST_PART = 0.02
"""Pieces below this share of the largest are noise."""
ROOM = 2
"""Voxels left around what is inside, so that a surface closes."""


def without_specks(field: Volume) -> Volume | None:
    """Drop pieces that are small beside the largest, and the empty space around the rest; None where nothing is."""
    pieces, count = cc3d.connected_components(field.voxels > 0, connectivity=6, return_N=True, binary_image=True)
    if count == 0:
        return None
    measured = cc3d.statistics(pieces, no_slice_conversion=True)
    sizes = measured["voxel_counts"].astype(np.int64)
    sizes[0] = 0
    kept = sizes >= max(SMALLEST_PART * sizes.max(), 1)
    boxes = measured["bounding_boxes"][kept].astype(np.int64).reshape(-1, 3, 2)
    start = np.maximum(boxes[..., 0].min(axis=0) - ROOM, 0)
    part = field.crop(start, np.minimum(boxes[..., 1].max(axis=0) + 1 + ROOM, field.shape))
    dropped = ~kept
    dropped[0] = False
    window = tuple(slice(a, a + n) for a, n in zip(start, part.shape, strict=True))
    voxels = part.voxels.copy()  # lets the rest go
    if dropped.any():
        voxels[dropped[pieces[window]]] = -1
    return part.with_voxels(voxels)


def fill(field: Volume | None, largest_ml: float = np.inf) -> Volume | None:
    """Fill enclosed holes up to a size."""
    if field is None:
        return None
    mask = field.voxels > 0
    holes = fill_voids.fill(mask, in_place=False).astype(bool)
    holes ^= mask
    if np.isfinite(largest_ml) and holes.any():
        numbers = cc3d.connected_components(holes, connectivity=6, binary_image=True)
        sizes_ml = cc3d.statistics(numbers, no_slice_conversion=True)["voxel_counts"] * float(
            np.prod(field.spacing_mm) / 1000
        )
        sizes_ml[0] = np.inf
        holes = (sizes_ml <= largest_ml)[numbers]
    field.voxels[holes] = 1
    return field
