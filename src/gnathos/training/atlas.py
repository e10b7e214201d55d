"""A whole head of tissue codes, made of one label map of the jaws and a few meshes.

Arrays are [slice, row, column] with slices to the head, rows to the back and columns to the left. The frame is the
label map's: millimetres (z, y, x) from its first voxel. The grid begins at `ORIGIN_MM` and has voxels of 1 mm.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path

import edt
import numpy as np
import numpy.typing as npt
import SimpleITK
from scipy import ndimage

from gnathos.anatomy import PERMANENT_FDI, is_upper
from gnathos.training.tissues import Tissue, ToothPart, ligament_code, tooth_code

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint8]
Shape = tuple[int, int, int]
Triple = tuple[float, float, float]

ORIGIN_MM = np.array([-70.0, -30.0, -30.0])
SHAPE = (285, 285, 240)
ATLAS_MM, FINE_MM = 1.0, 0.5
"""Voxels of the atlas, and of its fine codes."""
CONDYLES_MM = np.array([100.0, 114.0, 92.0])
"""A point on the hinge axis, which runs from left to right."""
_MAP_MM = 0.5
MIDLINE_MM = 91.5
_BITE_MM = (55.5, 36.0, 0.1)
"""Height of the bite at one row, that row, and the rise to the back."""


@dataclass(frozen=True)
class Atlas:
    """Codes, and how much of the mandible's movement each place follows."""

    codes: Codes
    follows_jaw: npt.NDArray[np.float32]
    """0 on the skull and the spine, 1 on the mandible, in between elsewhere."""

    def save(self, path: Path) -> None:
        """Keep it for the next start."""
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, codes=self.codes, follows_jaw=self.follows_jaw.astype(np.float16))

    @staticmethod
    def load(path: Path) -> "Atlas":
        """Read what `save` wrote."""
        stored = np.load(path)
        return Atlas(stored["codes"], stored["follows_jaw"].astype(np.float32))


def build_atlas(anatomy: Path) -> Atlas:
    """Make the atlas from the folder with `head_fdi_0p5mm.nii.gz` and `jaw_complex/`."""
    fdi = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(anatomy / "head_fdi_0p5mm.nii.gz")))
    jaws = on_grid(_jaw_codes(fdi))
    spine = {tissue: _mesh_mask(anatomy / "jaw_complex", names, fdi) for tissue, names in _MESHES.items()}
    put_vault(jaws)
    core = put_spine(jaws, spine)
    bone = jaws > 0
    put_sinuses(jaws)
    put_around(jaws, bone, core)
    return Atlas(jaws, follows_jaw(jaws))


def build_fine_codes(anatomy: Path, atlas: Atlas) -> Codes:
    """The atlas's codes on half its voxels, with the bones, teeth and canals of the label map at their own resolution.

    Returns:
        (2 × `SHAPE`) codes; voxel `[k]` lies at `ORIGIN_MM` + k/2 millimetres.
    """
    fdi = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(anatomy / "head_fdi_0p5mm.nii.gz")))
    return refined(atlas, _jaw_codes(fdi))


def refined(atlas: Atlas, jaws: Codes) -> Codes:
    """The atlas's codes on half its voxels, with those of the jaws, whose grid begins at zero, at their own."""
    _put_ligament(jaws)
    around = _without(atlas.codes, on_grid(jaws) > 0)
    codes = np.repeat(np.repeat(np.repeat(around, 2, 0), 2, 1), 2, 2)
    start = (-ORIGIN_MM / FINE_MM).astype(int)
    part = codes[tuple(slice(a, a + n) for a, n in zip(start, jaws.shape, strict=True))]
    part[jaws > 0] = jaws[jaws > 0]
    return codes


def _without(codes: Codes, taken: Mask) -> Codes:
    """The codes with what is taken replaced by the nearest other."""
    nearest = ndimage.distance_transform_edt(taken, return_distances=False, return_indices=True)
    return np.asarray(codes[tuple(nearest)], np.uint8)


def _put_ligament(codes: Codes) -> None:
    """Bone within a voxel of a root becomes the gap that is seen around roots."""
    bones = {True: range(Tissue.CELLS, Tissue.DIPLOE + 1), False: range(Tissue.JAW_SHELL, Tissue.JAW_MARROW + 1)}
    for fdi in PERMANENT_FDI:
        root = codes == tooth_code(fdi, ToothPart.ROOT)
        for box in ndimage.find_objects(root.astype(np.uint8)):
            near = tuple(slice(max(0, part.start - 1), part.stop + 1) for part in box)
            around = ndimage.binary_dilation(root[near]) & np.isin(codes[near], [*bones[is_upper(fdi)]])
            codes[near][around] = ligament_code(fdi)


_MESHES = {Tissue.SPINE_CORE: tuple(f"c{k}" for k in range(1, 8)), Tissue.HYOID: ("hyoid",)}


def on_grid(codes: Codes) -> Codes:
    """From the label map's grid to the atlas grid."""
    half = codes[::2, ::2, ::2]
    start = (-ORIGIN_MM).astype(int)
    whole = np.zeros(SHAPE, np.uint8)
    whole[tuple(slice(a, a + n) for a, n in zip(start, half.shape, strict=True))] = half
    return whole


def _jaw_codes(fdi: npt.NDArray[np.integer]) -> Codes:
    """Bones, canals and teeth of the label map, on its own grid."""
    codes = np.zeros(fdi.shape, np.uint8)
    _put_skull(codes, fdi == 1)
    _put_mandible(codes, fdi)
    for number in PERMANENT_FDI:
        if (tooth := fdi == number).any():
            put_tooth(codes, tooth, number, (0, 0, 0))
    codes[fdi > 100] = Tissue.CANAL
    for number, shift in _WISDOM_SHIFTS.items():
        put_tooth(codes, fdi == number - 1, number, shift)
    return codes


_WISDOM_SHIFTS = {18: (8, 20, -2), 28: (8, 20, 2), 38: (8, 22, 7), 48: (8, 22, -7)}
"""From the second to the third molar, in voxels of the label map."""


def _put_skull(codes: Codes, skull: Mask) -> None:
    closed = ndimage.binary_closing(skull, iterations=4)
    filled = closed | (fill_slices(closed, votes=2) & (edt.edt(~skull, anisotropy=(_MAP_MM,) * 3) < 4))
    depth = edt.edt(skull, anisotropy=(_MAP_MM,) * 3)
    z = np.arange(skull.shape[0])[:, None, None] * _MAP_MM
    codes[filled & (z >= 118)] = Tissue.DIPLOE
    codes[filled & (z < 118)] = Tissue.CELLS
    codes[skull] = Tissue.SKULL_SHELL
    codes[skull & (depth > 1.3)] = Tissue.SKULL_CORE


def _put_mandible(codes: Codes, fdi: npt.NDArray[np.integer]) -> None:
    lower = (fdi > 30) & (fdi < 50)
    jaw = ndimage.binary_closing((fdi == 2) | lower | (fdi > 100), iterations=3)
    solid = jaw | fill_slices(jaw)
    solid = ndimage.binary_opening(solid, iterations=1) | (fdi == 2)
    depth = edt.edt(solid, anisotropy=(_MAP_MM,) * 3)
    codes[solid] = Tissue.JAW_MARROW
    codes[fdi == 2] = Tissue.JAW_CORTEX
    codes[solid & (depth < 2.2) & (fdi == 2)] = Tissue.JAW_SECOND
    codes[solid & (depth < 1.1)] = Tissue.JAW_SHELL


def fill_slices(mask: Mask, votes: int = 1) -> Mask:
    """What is enclosed in the slices along at least so many axes."""
    filled = np.zeros(mask.shape, np.uint8)
    for axis in range(3):
        slices = [ndimage.binary_fill_holes(part) for part in np.moveaxis(mask, axis, 0)]
        filled += np.moveaxis(np.stack(slices), 0, axis)
    return filled >= votes


def put_tooth(codes: Codes, tooth: Mask, number: int, shift: tuple[int, int, int]) -> None:
    """Write one tooth as enamel, dentine of crown and root, and pulp; `shift` in voxels."""
    box = ndimage.find_objects(tooth.astype(np.uint8))[0]
    small = np.pad(tooth[box], 1)
    depth = edt.edt(small, anisotropy=(_MAP_MM,) * 3)
    height = np.arange(small.shape[0])[:, None, None] * _MAP_MM
    from_tip = height if is_upper(number) else height.max() - height
    crown = from_tip < 8.5
    parts = np.full(small.shape, ToothPart.ROOT, np.uint8)
    parts[np.broadcast_to(crown, small.shape)] = ToothPart.CROWN
    parts[crown & (depth < 1.3)] = ToothPart.ENAMEL
    parts[(depth > 0.55 * depth.max()) & (from_tip > 4) & (from_tip < 15)] = ToothPart.PULP
    first = np.array([part.start for part in box]) - 1 + np.array(shift)
    places = tuple((np.argwhere(small) + first).T)
    own = parts[small]
    if any(shift):  # what stands outside of the bone goes with the crown where the tooth is lost
        own[(codes[places] == 0) & (own >= ToothPart.ROOT)] = ToothPart.CROWN
    codes[places] = tooth_code(number, ToothPart.ENAMEL) + own


def _mesh_mask(folder: Path, names: tuple[str, ...], fdi: npt.NDArray[np.integer]) -> Mask:
    """Solid meshes on the atlas grid, moved as their mandible's box fits the label map's."""
    jaw = read_mesh(folder / "jaw_smooth.obj")[0]
    place = np.argwhere(fdi == 2) * _MAP_MM
    scale = np.ptp(place, axis=0) / np.ptp(jaw, axis=0)
    mask = np.zeros(SHAPE, bool)
    for name in names:
        points = (points_on(*read_mesh(folder / f"{name}.obj")) - jaw.min(0)) * scale + place.min(0)
        mask |= ndimage.binary_fill_holes(surface_mask(points - ORIGIN_MM, ATLAS_MM, SHAPE))
    return mask


def surface_mask(points_mm: npt.NDArray[np.float64], voxel_mm: float, shape: Shape) -> Mask:
    """Voxels of a grid that hold points (n, 3) of a surface, closed between points that lie apart."""
    index = np.rint(points_mm / voxel_mm).astype(int)
    mask = np.zeros(shape, bool)
    mask[tuple(index[((index >= 0) & (index < np.array(shape))).all(1)].T)] = True
    return np.asarray(ndimage.binary_closing(mask, iterations=2), np.bool_)


def read_mesh(path: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Corners (n, 3) as (z, y, x) millimetres and triangles (m, 3) of a Wavefront file."""
    corners, faces = [], []
    for line in path.read_text(errors="replace").splitlines():
        words = line.split()
        if words[:1] == ["v"]:
            corners.append([float(word) for word in words[3:0:-1]])
        elif words[:1] == ["f"]:
            ring = [int(word.partition("/")[0]) - 1 for word in words[1:]]
            faces += [[ring[0], *pair] for pair in itertools.pairwise(ring[1:])]
    return np.array(corners), np.array(faces)


def points_on(
    corners: npt.NDArray[np.float64], faces: npt.NDArray[np.int64], apart_mm: float = 0.7
) -> npt.NDArray[np.float64]:
    """Points on the triangles, no farther apart, but at most forty along an edge."""
    a, b, c = (corners[faces[:, k]] for k in range(3))
    longest = max(np.linalg.norm(b - a, axis=1).max(), np.linalg.norm(c - a, axis=1).max())
    parts = np.linspace(0, 1, min(40, int(longest / apart_mm) + 2))
    return np.concatenate([a + u * (b - a) + v * (c - a) for u in parts for v in parts if u + v <= 1])


def put_spine(codes: Codes, masks: dict[Tissue, Mask]) -> Mask:
    """Add spine and hyoid where nothing is; return the spine."""
    for tissue, mask in masks.items():
        _put(codes, mask, tissue)
    core: Mask = codes == Tissue.SPINE_CORE
    codes[core & (edt.edt(core) < 1.6)] = Tissue.SPINE_SHELL
    return core


def put_around(codes: Codes, bone: Mask, spine: Mask) -> None:
    """Add air ways, brain and skin around the bones, from the inside out; nothing replaces what is already there."""
    _put_air_ways(codes, bone, spine)
    _put_soft_tissue(codes, bone)


def _put(codes: Codes, region: Mask, tissue: Tissue) -> None:
    codes[region & (codes == Tissue.AIR)] = tissue


def _places() -> tuple[npt.NDArray[np.float64], ...]:
    """Open grid of z, y, x in millimetres."""
    return tuple(np.ogrid[tuple(slice(0, n) for n in SHAPE)][k] + ORIGIN_MM[k] for k in range(3))


def _ellipsoid(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> npt.NDArray[np.float64]:
    """1 on the ellipsoid's surface, less inside; in squared radii."""
    return sum(((p - c) / r) ** 2 for p, c, r in zip(_places(), centre, radii, strict=True))  # type: ignore[return-value]


def _rounded_box(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> npt.NDArray[np.float64]:
    """1 on the surface of a body between an ellipsoid and a box, less inside."""
    powers = (np.abs((p - c) / r) ** 3 for p, c, r in zip(_places(), centre, radii, strict=True))
    return np.cbrt(sum(powers))  # type: ignore[return-value,arg-type]


_VAULT = ((145.0, 128.5, 90.5), (75.0, 92.5, 70.5))


def put_vault(codes: Codes, height_mm: float = 152.0) -> None:
    """The part of the cranium that the scan cut off at that height: two tables and the spongy bone between them."""
    z, y, _ = _places()
    radius = np.sqrt(_ellipsoid(*_VAULT))
    cut_off = (z >= height_mm) | ((y >= 167) & (z >= 85))
    _put(codes, (radius < 1.0) & (radius > 0.93) & cut_off, Tissue.SKULL_SHELL)
    codes[(radius < 0.985) & (radius > 0.945) & cut_off & (codes == Tissue.SKULL_SHELL)] = Tissue.SKULL_CORE


_SINUS = ((96.0, 70.0, 29.0), (15.0, 20.0, 14.5))
"""Place and radii; the last is from the midline."""


def put_sinuses(codes: Codes, sinus: tuple[Triple, Triple] = _SINUS) -> None:
    """Maxillary sinuses where nothing is, with a thin wall where there is no bone."""
    (z, y, aside), radii = sinus
    for side in (-aside, aside):
        radius = _rounded_box((z, y, MIDLINE_MM + side), radii)
        _put(codes, radius < 0.75, Tissue.SINUS)
        _put(codes, (radius >= 0.75) & (radius < 1), Tissue.SINUS_RIM)
        _put(codes, (radius >= 1) & (radius < 1.07), Tissue.SINUS_WALL)


def _put_air_ways(codes: Codes, bone: Mask, spine: Mask) -> None:
    z, y, x = _places()
    near_bone = edt.edt(~bone)
    nose = np.minimum(
        _ellipsoid((100.0, 60.0, MIDLINE_MM), (22.0, 32.0, 13.0)),
        _ellipsoid((95.0, 95.0, MIDLINE_MM), (10.0, 18.0, 12.0)),
    )
    _put(codes, (nose < 1) & (near_bone > 1.5), Tissue.NOSE)
    radius = _pharynx_radius(spine)
    _put(codes, (radius < 0.5) & (z < 98), Tissue.AIRWAY_CORE)
    _put(codes, (radius < 1.0) & (z < 98), Tissue.AIRWAY_RIM)
    above_bite = z - (_BITE_MM[0] + _BITE_MM[2] * (y - _BITE_MM[1]))
    mouth = ((y - 67) / 25) ** 2 + ((x - MIDLINE_MM) / 20) ** 2 < 1
    _put(codes, mouth & (above_bite > 4) & (near_bone < 7) & (near_bone > 0.5) & (z < 82), Tissue.ORAL)


def _pharynx_radius(spine: Mask) -> npt.NDArray[np.float64]:
    """1 on the wall of a tube in front of the spine, in squared radii."""
    z, y, x = _places()
    column = int(MIDLINE_MM - ORIGIN_MM[2])
    middle: Mask = np.asarray(spine[:, :, column - 4 : column + 5].any(2))
    front = np.where(middle.any(1), middle.argmax(1) + ORIGIN_MM[1], np.nan)
    known = np.flatnonzero(~np.isnan(front))
    front = ndimage.gaussian_filter1d(np.interp(np.arange(SHAPE[0]), known, front[known]), 8)[:, None, None]
    wave = 1 + 0.25 * np.sin(z / 9.0)
    return ((y - front + 12) / (8 * wave)) ** 2 + ((x - MIDLINE_MM) / (14 * wave)) ** 2  # type: ignore[no-any-return]


def _put_soft_tissue(codes: Codes, bone: Mask) -> None:
    """Brain, then skin: what a ball of 30 mm, rolled around the bone, cannot reach, in three layers."""
    z, y, x = _places()
    inside = np.sqrt(_ellipsoid(*_VAULT)) < 0.95
    _put(codes, inside & ((z >= 112) | ((z >= 85) & (y >= 118))), Tissue.BRAIN)
    low = bone[::2, ::2, ::2]
    rolled = edt.edt(edt.edt(~low, anisotropy=(2, 2, 2)) < 30, anisotropy=(2, 2, 2), black_border=False)
    depth = np.kron(rolled, np.ones((2, 2, 2), np.float32))[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    depth = np.pad(depth, [(0, n - m) for n, m in zip(SHAPE, depth.shape, strict=True)], mode="edge") - 30
    depth = ndimage.gaussian_filter(depth, 2)
    neck = 1 - np.sqrt(((y - 128) / 58) ** 2 + ((x - MIDLINE_MM) / 60) ** 2)
    depth = np.maximum(depth, np.where(z < 45, neck * 55 - 10, -99))
    tip = (1 - np.sqrt(_ellipsoid((88.0, 33.0, MIDLINE_MM), (15.0, 17.0, 13.0)))) * 13
    depth = np.maximum(depth, tip - 9)
    for tissue, least in _SKIN.items():
        _put(codes, depth > least, tissue)
    above_bite = z - (_BITE_MM[0] + _BITE_MM[2] * (y - _BITE_MM[1]))
    sheet = (np.abs(above_bite) < 1) & (y < 92) & (np.abs(x - MIDLINE_MM) < 26 + 0.15 * (y - 36))
    codes[sheet & ((codes == Tissue.SOFT) | (codes == Tissue.SKIN_INNER))] = Tissue.BITE


_SKIN = {Tissue.SOFT: -2.0, Tissue.SKIN_INNER: -5.0, Tissue.SKIN_MIDDLE: -9.0, Tissue.SKIN_OUTER: -14.0}


def follows_jaw(codes: Codes) -> npt.NDArray[np.float32]:
    """1 on the mandible, 0 on skull and spine, by the squared distances in between."""
    lower = [tooth_code(fdi, part) for fdi in PERMANENT_FDI if not is_upper(fdi) for part in ToothPart]
    upper = [tooth_code(fdi, part) for fdi in PERMANENT_FDI if is_upper(fdi) for part in ToothPart]
    jaw = np.isin(codes, [*range(Tissue.JAW_SHELL, Tissue.CANAL + 1), *lower])
    fixed = np.isin(codes, [*range(Tissue.SINUS, Tissue.DIPLOE + 1), Tissue.SPINE_SHELL, Tissue.SPINE_CORE, *upper])
    to_jaw, to_fixed = edt.edt(~jaw) ** 2, edt.edt(~fixed) ** 2
    return np.asarray(to_fixed / np.maximum(to_jaw + to_fixed, 1e-6), np.float32)
