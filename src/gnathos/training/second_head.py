"""A head whose jaws training never saw, made of the surfaces of the ArtiSynth jaw model.

Real are the outer shapes of the mandible with its lower crowns, of the maxilla with its upper crowns, of spine and
hyoid. Cortex, marrow, roots, the thickness of the skull's plates, sinuses, vault, air ways and skin are invented, in
part as the atlas's were. The meshes are moved into the atlas's frame and neither turned nor scaled; their own cranium
has no forehead and their pharynx is a muscle's wall.
"""

from pathlib import Path

import edt
import numpy as np
import numpy.typing as npt
import trimesh
from scipy import ndimage

from gnathos.segmentation.numbering import WIDTHS_MM
from gnathos.training.atlas import (
    ATLAS_MM,
    FINE_MM,
    MIDLINE_MM,
    ORIGIN_MM,
    SHAPE,
    Atlas,
    Codes,
    Mask,
    fill_slices,
    follows_jaw,
    on_grid,
    points_on,
    put_around,
    put_sinuses,
    put_spine,
    put_tooth,
    put_vault,
    read_mesh,
    refined,
    surface_mask,
)
from gnathos.training.scene import Anatomy
from gnathos.training.tissues import Tissue

KINDS = {"jaws": 0.75, "small": 0.25}
"""Fields of view: the base of the skull is missing, so no whole heads."""
_SHIFT_MM = np.array([12.0, 81.5, MIDLINE_MM])
"""From the meshes' frame (z, y, x) to the atlas's, whose teeth meet and whose chin lies there."""
_JAWS_SHAPE = (300, 330, 370)
"""Fine voxels from the frame's zero that hold both jaws."""
_CROWNS_END_MM = 75.5
"""Row behind the lower second molars: there is no third."""
_LOWER_TEETH = 7
_CROWN_MM, _ROOT_MM = 6.5, 11.0
_PALATE_MM = 78.0
"""Below it the maxilla is bone throughout."""
_VAULT_MM = 112.0
_JOINT_MM = 1.5
_SINUS = ((93.0, 62.0, 24.0), (13.0, 17.0, 11.0))
_SPINE = {Tissue.SPINE_CORE: tuple(f"c{k}" for k in range(1, 8)), Tissue.HYOID: ("hyoid",)}


def load_second_head(folder: Path, cache: Path) -> Anatomy:
    """The head, made once and then kept.

    Args:
        folder: with `jaw_complex/`.
        cache: where the head is kept; making it takes some minutes.
    """
    atlas, fine = cache / "second_atlas.npz", cache / "second_codes.npz"
    if not fine.exists():
        head, codes = build_second_head(folder / "jaw_complex")
        head.save(atlas)
        np.savez_compressed(fine, codes=codes)
    return Anatomy(Atlas.load(atlas), None, np.asarray(np.load(fine)["codes"], np.uint8))


def build_second_head(meshes: Path) -> tuple[Atlas, Codes]:
    """The head on the atlas's grid, and its codes on half the voxels with the jaws at their own resolution."""
    jaws = _jaw_codes(meshes)
    codes = on_grid(jaws)
    put_vault(codes, _VAULT_MM)
    spine = put_spine(codes, {tissue: _solids(meshes, names) for tissue, names in _SPINE.items()})
    bone = codes > 0
    put_sinuses(codes, _SINUS)
    put_around(codes, bone, spine)
    atlas = Atlas(codes, follows_jaw(codes))
    return atlas, refined(atlas, jaws)


def _surface(path: Path, voxel_mm: float, shape: tuple[int, int, int]) -> Mask:
    """Voxels of the atlas's grid, or with fine ones of the jaws', that a mesh passes through."""
    origin = ORIGIN_MM if voxel_mm == ATLAS_MM else np.zeros(3)
    return surface_mask(points_on(*read_mesh(path), 0.6 * voxel_mm) + _SHIFT_MM - origin, voxel_mm, shape)


def _solids(meshes: Path, names: tuple[str, ...]) -> Mask:
    filled = [ndimage.binary_fill_holes(_surface(meshes / f"{name}.obj", ATLAS_MM, SHAPE)) for name in names]
    return np.asarray(np.logical_or.reduce(filled), np.bool_)


def _jaw_codes(meshes: Path) -> Codes:
    """Mandible, maxilla and teeth on fine voxels from the frame's zero."""
    codes = np.zeros(_JAWS_SHAPE, np.uint8)
    mandible = ndimage.binary_fill_holes(_surface(meshes / "jaw_smooth.obj", FINE_MM, _JAWS_SHAPE))
    _put_maxilla(codes, _surface(meshes / "maxilla.obj", FINE_MM, _JAWS_SHAPE), mandible)
    lower = lower_crowns(mandible)
    bone = mandible & ~np.logical_or.reduce([*lower.values()])
    depth = edt.edt(bone, anisotropy=(FINE_MM,) * 3)
    codes[bone] = Tissue.JAW_MARROW
    codes[bone & (depth < 2.2)] = Tissue.JAW_SECOND
    codes[bone & (depth < 1.1)] = Tissue.JAW_SHELL  # also beneath the crowns, where a tooth may be lost
    crowns = {**lower, **{number: tooth & ~mandible for number, tooth in _upper_crowns(meshes).items()}}
    for number, crown in crowns.items():
        put_tooth(codes, crown | (root_of(crown, number) & (codes > 0)), number, (0, 0, 0))
    return codes


def _put_maxilla(codes: Codes, surface: Mask, mandible: Mask) -> None:
    """Plates of bone along the surface, but in the joints a gap; spongy bone where it encloses what carries teeth."""
    height = np.arange(surface.shape[0])[:, None, None] * FINE_MM
    codes[fill_slices(surface, votes=1) & (height < _PALATE_MM)] = Tissue.SKULL_CORE
    apart = edt.edt(~mandible, anisotropy=(FINE_MM,) * 3) > _JOINT_MM
    codes[ndimage.binary_dilation(surface, iterations=2) & apart] = Tissue.SKULL_SHELL


def _upper_crowns(meshes: Path) -> dict[int, Mask]:
    """By FDI number: the maxilla's closed parts, from the front to the back."""
    mesh = trimesh.load_mesh(meshes / "maxilla.obj")
    teeth = sorted(mesh.split(only_watertight=True), key=lambda tooth: tooth.bounds[0, 1])
    crowns: dict[int, Mask] = {}
    for quadrant, is_left in ((10, False), (20, True)):
        side = [tooth for tooth in teeth if (tooth.bounds[:, 0].mean() > 0) == is_left]
        for place, tooth in enumerate(side, 1):
            points = points_on(np.asarray(tooth.vertices)[:, ::-1], np.asarray(tooth.faces), 0.6 * FINE_MM) + _SHIFT_MM
            crowns[quadrant + place] = ndimage.binary_fill_holes(surface_mask(points, FINE_MM, _JAWS_SHAPE))
    return crowns


def lower_crowns(mandible: Mask) -> dict[int, Mask]:
    """By FDI number: what stands above the ridge, shared out along the arch by how wide teeth are."""
    z, y, _ = (axis * FINE_MM for axis in np.ogrid[tuple(slice(edge) for edge in mandible.shape)])
    tip = 57.0 + 0.08 * (y - 33.0)
    places = np.argwhere(mandible & (y < _CROWNS_END_MM) & (z > tip - _CROWN_MM) & (z < tip + 3))
    number = _numbers(np.asarray(places * FINE_MM, np.float64))
    crowns = {int(fdi): np.zeros(mandible.shape, np.bool_) for fdi in np.unique(number)}
    for fdi, crown in crowns.items():
        crown[tuple(places[number == fdi].T)] = True
    return crowns


def _numbers(places_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """FDI number of each place (n, 3) in the lower arch."""
    aside, back = places_mm[:, 2] - MIDLINE_MM, places_mm[:, 1] - _CROWNS_END_MM
    angle = np.arctan2(np.abs(aside), -back)
    bins = np.minimum((angle / np.pi * 36).astype(int), 17)
    count = np.maximum(np.bincount(bins, minlength=18), 1)
    middle = np.stack([np.bincount(bins, part, minlength=18) / count for part in (np.abs(aside), back)])
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(middle), axis=0))]) + middle[0, 0]
    along = np.interp(angle, (np.arange(18) + 0.5) * np.pi / 36, length)
    ends = np.cumsum(WIDTHS_MM[False][:_LOWER_TEETH])
    place = 1 + np.searchsorted(ends[:-1] / ends[-1] * along.max(), along)
    return np.asarray(np.where(aside > 0, 30, 40) + place, np.int64)


def root_of(crown: Mask, number: int) -> Mask:
    """A cone from the crown's outline into the bone."""
    box = ndimage.find_objects(crown.astype(np.uint8))[0]
    within = edt.edt(crown[box].any(0), anisotropy=(FINE_MM,) * 2, black_border=True)
    far = np.arange(round(_ROOT_MM / FINE_MM)) * FINE_MM
    cone = within > 1.0 + 0.3 * far[:, None, None]
    is_upper = number < 30
    first = box[0].stop if is_upper else box[0].start - len(far)
    root = np.zeros(crown.shape, np.bool_)
    root[first : first + len(far), box[1], box[2]] = cone if is_upper else cone[::-1]
    return root
