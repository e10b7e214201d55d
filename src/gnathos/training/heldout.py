"""Scans with a known truth to judge the whole engine by: heads of shapes kept aside, at a scanner's own voxels.

The truth is in the label values of `gnathos.anatomy`; left and right are the patient's, also in mirrored heads.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from gnathos.anatomy import PERMANENT_FDI, STRUCTURES
from gnathos.imaging import Volume
from gnathos.training import appearance
from gnathos.training.atlas import MIDLINE_MM
from gnathos.training.chance import Chance, Shape
from gnathos.training.scene import Anatomy, View, places_in_atlas
from gnathos.training.tissues import (
    AIRWAYS,
    CANALS,
    LOWER_TEETH,
    MANDIBLE,
    OTHER_BONE,
    SINUSES,
    SKULL,
    SOFT_TISSUE,
    UPPER_TEETH,
    Tissue,
    ToothPart,
    tooth_code,
)

SEED = 77_000_000
"""Far from the seeds of training and validation."""
WARP_MM = 1.5
"""Grid on which the head is bent; between its places it bends evenly."""
DRIFT_MM = 2.2
"""Grid for what varies slowly over a scan: streaks, scatter, cupping."""
FILLED_HU = -500.0
"""A sinus brighter than this is filled and has no air to find."""
PADDING = -2000.0
_PALATE_END_MM = 85.0
"""Row of the atlas where the hard palate ends and the throat begins."""
_SLAB = 16


@dataclass(frozen=True)
class HeldOutScan:
    """A synthetic scan and its truth."""

    kind: str
    """Of its field of view."""
    number: int
    volume: Volume
    """Gray values, int16, index axes along the patient's."""
    labels: npt.NDArray[np.uint8]
    """Label values of `gnathos.anatomy` on the same voxels; `OTHER_BONE_LABEL` for spine and hyoid."""

    def save(self, path: Path) -> None:
        """Keep it."""
        affine = self.volume.affine_lps
        np.savez_compressed(path, voxels=self.volume.voxels, affine=affine, labels=self.labels, kind=self.kind)

    @staticmethod
    def load(path: Path, number: int) -> "HeldOutScan":
        """Read what `save` wrote."""
        stored = np.load(path)
        volume = Volume(stored["voxels"], stored["affine"])
        return HeldOutScan(str(stored["kind"]), number, volume, stored["labels"])


OTHER_BONE_LABEL = 200
_LABEL = {name: structure.label for name, structure in STRUCTURES.items()}

KINDS: dict[str, float] = {"jaws": 0.5, "head": 0.2, "small": 0.15, "no jaw": 0.15}
"""Fields of view and how often each is drawn."""


def choose_view(kind: str, spacing_mm: float, chance: Chance) -> View:
    """A field of view as scanners have them, with voxels of that size."""
    u = chance.uniform
    if kind == "head":
        extent, centre = [u(175, 210), u(190, 215), u(160, 180)], (u(70, 95), u(85, 100), MIDLINE_MM + u(-6, 6))
    elif kind == "jaws":
        extent, centre = [u(85, 130), u(110, 150), u(125, 160)], (u(50, 75), u(65, 90), MIDLINE_MM + u(-6, 6))
    elif kind == "small":
        extent = [u(50, 80), u(60, 90), u(60, 90)]
        centre = (u(45, 80), u(45, 75), MIDLINE_MM + u(-35, 35))
    else:
        extent, centre = _without_jaw(chance)
    slices, rows, columns = (round(length / spacing_mm) for length in extent)
    return View((slices, rows, columns), spacing_mm, centre, kind == "head")


def _without_jaw(chance: Chance) -> tuple[list[float], tuple[float, float, float]]:
    u = chance.uniform
    height = u(50, 80)
    if chance.happens(0.7):  # the vault, from above the condyles
        return [height, u(150, 200), u(140, 170)], (u(118, 130) + height / 2, u(90, 120), MIDLINE_MM + u(-10, 10))
    return [height, u(90, 130), u(90, 130)], (u(-25, -10) - height / 2, u(95, 125), MIDLINE_MM + u(-10, 10))


def draw(anatomy: Anatomy, number: int, spacing_mm: float, kinds: Mapping[str, float] = KINDS) -> HeldOutScan:
    """One scan; the same number and voxels give the same scan.

    Args:
        anatomy: of the shapes kept aside, or another head.
        number: which one.
        spacing_mm: edge of its cubic voxels.
        kinds: fields of view and how often each is drawn.
    """
    chance = Chance(SEED, number)
    kind = str(chance.numbers.choice(list(kinds), p=list(kinds.values())))
    view = choose_view(kind, spacing_mm, chance)
    places = _coarse_places(view, anatomy, chance)
    palette = appearance.choose_palette(chance)
    codes, is_left, is_behind = _codes(view, places, anatomy)
    _put_head_rest(codes, view, chance)
    value = _value(codes, palette, view, chance)
    seen = appearance.field_of_view(value[:1], chance)
    value = _gray_scale(value, chance)
    mirrored = bool(places[:, :, -1, 2].mean() < places[:, :, 0, 2].mean())
    labels = _labels(codes, palette, mirrored, is_left ^ mirrored)
    labels[(codes == Tissue.NOSE).numpy() & ~is_behind] = _LABEL["soft_tissue"]
    if seen is not None:
        outside = ~seen[0].numpy()
        value[:, outside] = value.min() - (500 if chance.happens(0.5) else 0)
        labels[:, outside] = 0
    return HeldOutScan(kind, number, Volume(value, _affine(view)), labels)


def draw_all(anatomy: Anatomy, count: int, spacing_mm: float, first: int = 0) -> Iterator[HeldOutScan]:
    """Scans by number, from the first."""
    for number in range(first, first + count):
        yield draw(anatomy, number, spacing_mm)


def _affine(view: View) -> npt.NDArray[np.float64]:
    """Slices to the head, rows to the back, columns to the left."""
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]]) * view.spacing_mm
    affine[:3, 3] = [-(edge - 1) / 2 * view.spacing_mm for edge in reversed(view.shape)]
    return affine


def _coarse_places(view: View, anatomy: Anatomy, chance: Chance) -> torch.Tensor:
    """Places in the atlas on a coarse grid around the scan's middle that reaches past its ends."""
    extent = [(edge - 1) * view.spacing_mm for edge in view.shape]
    spacing = _warp_spacing_mm(view)
    shape = tuple(int(np.ceil(length / spacing - 1e-3)) + 1 for length in extent)
    coarse = View((shape[0], shape[1], shape[2]), spacing, view.centre_mm, view.is_whole)
    return places_in_atlas(coarse, anatomy, chance, one_subject=True)


def _warp_spacing_mm(view: View) -> float:
    longest = max(view.shape) * view.spacing_mm
    return longest / round(longest / WARP_MM)


def _codes(
    view: View, places: torch.Tensor, anatomy: Anatomy
) -> tuple[torch.Tensor, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Tissue of every voxel, uint8; whether it lies left of the atlas's midline; and whether behind its palate."""
    codes = torch.empty(view.shape, dtype=torch.uint8)
    is_left, is_behind = np.empty((2, *view.shape), np.bool_)
    volume = places.movedim(-1, 0)[None]
    edges = [
        torch.linspace(-1, 1, edge) * ((edge - 1) * view.spacing_mm) / ((count - 1) * _warp_spacing_mm(view))
        for edge, count in zip(view.shape, places.shape[:3], strict=True)
    ]
    for start in range(0, view.shape[0], _SLAB):
        part = slice(start, start + _SLAB)
        grid = torch.stack(torch.meshgrid(edges[0][part], edges[1], edges[2], indexing="ij"), -1).flip(-1)
        fine = functional.grid_sample(volume, grid[None], padding_mode="border", align_corners=True)[0]
        is_left[part] = fine[2].numpy() > MIDLINE_MM
        is_behind[part] = fine[1].numpy() > _PALATE_END_MM
        codes[part] = anatomy.codes_at(fine.movedim(0, -1))
    return codes, is_left, is_behind


def _put_head_rest(codes: torch.Tensor, view: View, chance: Chance) -> None:
    """A curved plate behind the head, in some scans."""
    if not chance.happens(0.3):
        return
    rows, columns = (torch.arange(edge) * view.spacing_mm for edge in view.shape[1:])
    radius, thickness = chance.uniform(90, 140), chance.uniform(2, 8)
    middle = float(columns[-1]) / 2 + chance.uniform(-10, 10), float(rows[-1]) - radius - chance.uniform(0, 12)
    far = torch.hypot(rows[:, None] - middle[1], columns[None] - middle[0])
    plate = ((far - radius).abs() < thickness / 2) & (rows[:, None] > middle[1])
    codes[plate.expand(view.shape) & (codes == Tissue.AIR)] = Tissue.DEVICE


def _value(codes: torch.Tensor, palette: appearance.Palette, view: View, chance: Chance) -> torch.Tensor:
    """Gray values in Hounsfield units with a scanner's faults."""
    value = torch.from_numpy(palette.mean)[codes.int()]
    value += _drift(value, view, chance)
    spread = torch.from_numpy(palette.spread) * chance.uniform(0.1, 0.6)
    grain = chance.field(max(view.shape) // 4, view.shape)[0]
    value += spread[codes.int()] * grain
    value = appearance.smooth(value, chance.uniform(0.25, 0.6) / view.spacing_mm)
    if chance.happens(0.15):
        value = _moved(value, view, chance)
    noise = chance.noise(view.shape)
    if chance.happens(0.5):
        noise = appearance.smooth(noise, 0.7)
        noise /= noise.std()
    return value.add_(noise, alpha=chance.uniform(10, 150))


def _drift(value: torch.Tensor, view: View, chance: Chance) -> torch.Tensor:
    """Streaks of metal, scatter, cupping and a bright rim: what a coarse grid holds, on the scan's own."""
    factor = DRIFT_MM / view.spacing_mm
    shape = [max(8, round(edge / factor)) for edge in view.shape]
    coarse = functional.interpolate(value[None, None], size=shape, mode="area")[0, 0]
    changed = appearance.streaks(coarse, chance)
    if chance.happens(0.35):
        bone = appearance.smooth((changed - 300).clamp(0, 2500), chance.uniform(3, 8))
        changed = changed - bone * chance.uniform(0, 0.4)
    if chance.happens(0.35):
        changed = changed + _cup((shape[0], shape[1], shape[2])) * chance.uniform(-250, 250)
    changed = appearance.truncation_rim(changed, chance)
    return functional.interpolate((changed - coarse)[None, None], size=value.shape, mode="trilinear")[0, 0]


def _cup(shape: Shape) -> torch.Tensor:
    rows, columns = (torch.linspace(-1, 1, edge) for edge in shape[1:])
    return (rows[:, None] ** 2 + columns[None] ** 2).expand(shape)


def _moved(value: torch.Tensor, view: View, chance: Chance) -> torch.Tensor:
    """Two positions of the head in one scan."""
    most = max(1, round(1.2 / view.spacing_mm))
    shift = [chance.count(-most, most) for _ in range(3)]
    share = chance.uniform(0.1, 0.4)
    return (1 - share) * value + share * torch.roll(value, shift, (0, 1, 2))


def _gray_scale(value: torch.Tensor, chance: Chance) -> npt.NDArray[np.int16]:
    return np.clip(np.rint(appearance.gray_scale(value, chance).numpy()), -32000, 32000).astype(np.int16)


def _labels(
    codes: torch.Tensor, palette: appearance.Palette, mirrored: bool, is_left: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint8]:
    """Label values of `gnathos.anatomy`."""
    labels = _label_table(palette, mirrored)[codes.numpy()]
    for right, left in (("right_nerve", "left_nerve"), ("right_sinus", "left_sinus")):
        labels[(labels == _LABEL[right]) & is_left] = _LABEL[left]
    return labels


def _label_table(palette: appearance.Palette, mirrored: bool) -> npt.NDArray[np.uint8]:
    of_class = {
        SKULL: _LABEL["skull"],
        MANDIBLE: _LABEL["mandible"],
        CANALS: _LABEL["right_nerve"],
        SINUSES: _LABEL["right_sinus"],
        AIRWAYS: _LABEL["airway"],
        SOFT_TISSUE: _LABEL["soft_tissue"],
        OTHER_BONE: OTHER_BONE_LABEL,
    }
    table = np.array([of_class.get(int(kind), 0) for kind in palette.kind], np.uint8)
    for tissue in (Tissue.ORAL, Tissue.BITE):  # the mouth is no airway
        table[tissue] = _LABEL["soft_tissue"]
    for cavity in (Tissue.SINUS, Tissue.SINUS_RIM):
        if palette.kind[cavity] == SINUSES and palette.mean[cavity] > FILLED_HU:
            table[cavity] = _LABEL["soft_tissue"]
    for fdi in PERMANENT_FDI:
        for part in ToothPart:
            code = tooth_code(fdi, part)
            if palette.kind[code] in {UPPER_TEETH, LOWER_TEETH}:
                table[code] = _mirrored(fdi) if mirrored else fdi
            elif palette.kind[code] == AIRWAYS:  # a lost crown's place in the mouth
                table[code] = _LABEL["soft_tissue"]
    return table


def _mirrored(fdi: int) -> int:
    quadrant, place = divmod(fdi, 10)
    return {1: 2, 2: 1, 3: 4, 4: 3}[quadrant] * 10 + place
