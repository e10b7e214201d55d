"""The mandibular canals: a path through what the network takes for canal, drawn as a tube."""

from dataclasses import dataclass
from itertools import pairwise

import cc3d
import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.graph import MCP_Geometric

from gnathos.imaging import Volume
from gnathos.imaging.sampling import finer_lattice, interpolate, resample
from gnathos.segmentation.normalise import Levels

Points = npt.NDArray[np.float64]
FloatArray = npt.NDArray[np.float32]

RADIUS_MM = 1.3
"""Of the tube drawn: canals are 2-3 mm wide (Jaju 2013), too thin to measure on most scans."""
PATH_SPACING_MM = 0.8
DRAWING_SPACING_MM = 0.5
LEAST_LENGTH_MM = 20.0
"""A whole canal is 50-75 mm long; shorter paths are noise."""
SEED_PROBABILITY = 0.35
LEAST_PIECE = 0.07
COST_FLOOR = 0.03
"""Cost per mm where the network is sure; 1 where it sees no canal."""
SMOOTHING_MM = 1.5
MARGIN_MM = 4.0


@dataclass(frozen=True)
class CanalPath:
    """One canal."""

    points_lps_mm: Points
    """(n, 3) along its centre, from the ramus to the chin."""
    probability: float
    """Mean of the network's along the path."""

    @property
    def length_mm(self) -> float:
        """Along the path."""
        return float(np.linalg.norm(np.diff(self.points_lps_mm, axis=0), axis=1).sum())


def trace_canal(probability: Volume, scan: Volume, levels: Levels) -> CanalPath | None:
    """Find the path of one canal.

    Args:
        probability: of the canal class on one side, on the network's grid; index axes along the patient's.
        scan: gray values; dark places beside bright ones are preferred.
        levels: the scan's own.

    Returns:
        The path, or None where the network sees too little to begin and end at.
    """
    box = _box_around(probability)
    if box is None:
        return None
    grid = resample(box, PATH_SPACING_MM)
    seen = interpolate(probability, grid)
    cost = COST_FLOOR + (1 - seen) ** 2 * (1 - COST_FLOOR) + 0.3 * _brightness(scan, grid, levels)
    ends = _ends(seen, grid)
    if ends is None:
        return None
    search = MCP_Geometric(cost)
    search.find_costs([ends[0]], [ends[1]])
    indices = np.array(search.traceback(ends[1]), float)
    smooth = ndimage.gaussian_filter1d(indices, SMOOTHING_MM / PATH_SPACING_MM, axis=0, mode="nearest")
    along = tuple(np.round(smooth).astype(int).T)
    path = CanalPath(grid.points_lps_mm(smooth), float(seen[along].mean()))
    return path if path.length_mm >= LEAST_LENGTH_MM else None


def draw_tube(path: CanalPath, scan: Volume) -> Volume:
    """A tube around a path as a field on a part of the scan's lattice, divided where its voxels are large.

    Args:
        path: its centre.
        scan: only affine and shape are read.
    """
    margin = (RADIUS_MM + 1) / scan.spacing_mm
    indices = scan.indices_at(path.points_lps_mm)
    start = np.clip(np.floor(indices.min(axis=0) - margin), 0, np.array(scan.shape) - 1).astype(int)
    stop = np.clip(np.ceil(indices.max(axis=0) + margin) + 1, start + 1, scan.shape).astype(int)
    region = finer_lattice(scan.crop(start, stop), DRAWING_SPACING_MM)
    distance = np.full(region.shape, RADIUS_MM + 1, np.float32)
    places = region.indices_at(path.points_lps_mm)
    for point, following in pairwise(places):
        _draw_segment(distance, point, following, region.spacing_mm)
    return region.with_voxels(np.clip(RADIUS_MM - distance, -1, 1))


def _draw_segment(distance: FloatArray, start: Points, end: Points, spacing_mm: Points) -> None:
    """Lower a distance map (mm) to the distance from a segment given in indices, near it only."""
    reach = (RADIUS_MM + 1) / spacing_mm
    low = np.maximum(np.floor(np.minimum(start, end) - reach), 0).astype(int)
    high = np.minimum(np.ceil(np.maximum(start, end) + reach) + 1, distance.shape).astype(int)
    window = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    places = np.stack(np.meshgrid(*[np.arange(a, b) for a, b in zip(low, high, strict=True)], indexing="ij"), -1)
    offsets = (places - start) * spacing_mm
    along = (end - start) * spacing_mm
    share = np.clip(offsets @ along / max(float(along @ along), 1e-9), 0, 1)
    near = np.linalg.norm(offsets - share[..., None] * along, axis=-1)
    np.minimum(distance[window], near, out=distance[window])


def _box_around(probability: Volume) -> Volume | None:
    places = np.argwhere(probability.voxels > SEED_PROBABILITY)
    if len(places) < 2:
        return None
    margin = MARGIN_MM / probability.spacing_mm
    start = np.maximum(np.floor(places.min(axis=0) - margin), 0)
    return probability.crop(start, np.minimum(np.ceil(places.max(axis=0) + margin) + 1, probability.shape))


def _brightness(scan: Volume, grid: Volume, levels: Levels) -> FloatArray:
    """0 for what is no brighter than soft tissue, 1 for bone."""
    low, high = scan.indices_at(grid.corners_lps_mm)
    region = scan.crop(np.maximum(np.floor(low), 0), np.minimum(np.ceil(high) + 2, scan.shape))
    gray = interpolate(resample(region, PATH_SPACING_MM), grid)
    return np.asarray(np.clip((gray - levels.soft) / (levels.bone - levels.soft), 0, 1), np.float32)


def _of_weight(seen: FloatArray) -> npt.NDArray[np.bool_]:
    """The pieces of what looks like canal that are not small beside the largest: strays are no end of it."""
    pieces = cc3d.connected_components(seen > SEED_PROBABILITY, connectivity=26)
    weights = np.bincount(pieces.ravel(), weights=seen.ravel())
    weights[0] = 0
    return np.asarray((weights >= max(LEAST_PIECE * weights.max(), 1e-6))[pieces])


def _ends(seen: FloatArray, grid: Volume) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The place furthest up and back, and the one furthest forward, that look like canal."""
    places = np.argwhere(_of_weight(seen))
    if len(places) < 2:
        return None
    points = grid.points_lps_mm(places)
    entry = places[np.argmax(points[:, 1] + points[:, 2])]
    exit_ = places[np.argmin(points[:, 1])]
    return tuple(int(each) for each in entry), tuple(int(each) for each in exit_)
