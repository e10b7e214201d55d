"""Shapes of real mandibles as displacements of the atlas: distance maps registered once, then mixed at random."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import edt
import numpy as np
import numpy.typing as npt
import SimpleITK

from gnathos.training.atlas import ORIGIN_MM, SHAPE, Atlas
from gnathos.training.tissues import Tissue

Field = npt.NDArray[np.float32]
"""(3, d, h, w): where in the atlas a place of the subject comes from, less the place itself; millimetres (z, y, x)."""

Triple = npt.NDArray[np.float64]
"""(z, y, x), millimetres."""

HELD_OUT = ("0522c0161", "0522c0659", "0522c0773", "TCGA-CV-7236", "TCGA-CV-A6K0")
"""Masks that training never sees; validation is made of them."""
HALF_MANDIBLES = ("TCGA-CV-A6JY",)
_GRID_MM = 2.0
_STORED_MM = 4.0
_FAR_MM = 18.0
_MOST_MM = 20.0
"""No displacement is larger: far from the mandible a larger head is moved and not stretched without end."""


@dataclass(frozen=True)
class Shapes:
    """Displacement fields of several subjects on one grid of `_STORED_MM` over the atlas."""

    names: tuple[str, ...]
    fields: npt.NDArray[np.float16]
    """(subjects, 3, d, h, w)."""

    @staticmethod
    def load(path: Path) -> "Shapes":
        """Read what `register_all` wrote."""
        stored = np.load(path)
        return Shapes(tuple(stored["names"].tolist()), stored["fields"])

    def only(self, names: Sequence[str]) -> "Shapes":
        """The subjects of those names."""
        chosen = [self.names.index(name) for name in names]
        return Shapes(tuple(names), self.fields[chosen])

    def without(self, names: Sequence[str]) -> "Shapes":
        """All other subjects."""
        return self.only([name for name in self.names if name not in names])

    def mix(self, weights: npt.NDArray[np.float64]) -> Field:
        """The sum of all fields, weighted."""
        chosen = np.flatnonzero(weights)
        summed = sum(self.fields[k].astype(np.float32) * np.float32(weights[k]) for k in chosen)
        return np.asarray(summed, np.float32) if chosen.size else np.zeros(self.fields.shape[1:], np.float32)


def register_all(atlas: Atlas, folder: Path, out: Path) -> None:
    """Register the atlas's mandible to every mask of the folder and store the fields."""
    base = _distance(_image(_jaw(atlas), np.ones(3), ORIGIN_MM))
    names, fields = [], []
    for path in sorted(folder.glob("*.nrrd")):
        if path.stem not in HALF_MANDIBLES:
            fields.append(_register(base, _distance(_centred(SimpleITK.ReadImage(str(path)), base))))
            names.append(path.stem)
    np.savez_compressed(out, names=np.array(names), fields=np.array(fields, np.float16))


def _jaw(atlas: Atlas) -> npt.NDArray[np.uint8]:
    jaw = np.isin(atlas.codes, range(Tissue.JAW_SHELL, Tissue.CANAL + 1))
    return jaw.astype(np.uint8)


def _image(mask: npt.NDArray[np.uint8], spacing: Triple, origin: Triple) -> SimpleITK.Image:
    image = SimpleITK.GetImageFromArray(mask)
    image.SetSpacing(spacing[::-1].tolist())
    image.SetOrigin(origin[::-1].tolist())
    return image


def _centred(mask: SimpleITK.Image, base: SimpleITK.Image) -> SimpleITK.Image:
    """The mask cut to its box with a margin and moved so that its middle lies where the base's does."""
    box = np.argwhere(SimpleITK.GetArrayViewFromImage(mask) > 0)
    spacing = np.array(mask.GetSpacing()[::-1])
    voxels = np.pad(_cut(SimpleITK.GetArrayFromImage(mask), box), [(k, k) for k in np.ceil(20 / spacing).astype(int)])
    middle = _inside(base).mean(0)
    own = np.argwhere(voxels > 0).mean(0) * spacing
    return _image((voxels > 0).astype(np.uint8), spacing, middle - own)


def _cut(voxels: npt.NDArray[np.uint8], box: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    return voxels[tuple(slice(a, b + 1) for a, b in zip(box.min(0), box.max(0), strict=True))]


def _distance(mask: SimpleITK.Image) -> SimpleITK.Image:
    """Signed distance, negative inside, cut off at `_FAR_MM`, on a `_GRID_MM` grid around the mask."""
    voxels = SimpleITK.GetArrayFromImage(mask) > 0
    spacing = np.array(mask.GetSpacing()[::-1])
    box = np.argwhere(voxels)
    margin = np.ceil(20 / spacing).astype(int)
    first = np.maximum(box.min(0) - margin, 0)
    part = voxels[tuple(slice(a, b) for a, b in zip(first, box.max(0) + margin + 1, strict=True))]
    signed = edt.edt(~part, anisotropy=tuple(spacing)) - edt.edt(part, anisotropy=tuple(spacing))
    image = SimpleITK.GetImageFromArray(np.clip(signed, -_FAR_MM, _FAR_MM).astype(np.float32))
    image.SetSpacing(mask.GetSpacing())
    image.SetOrigin((np.array(mask.GetOrigin()[::-1]) + first * spacing)[::-1].tolist())
    size = [int(n * mm / _GRID_MM) for n, mm in zip(image.GetSize(), image.GetSpacing(), strict=True)]
    grid = SimpleITK.Image(size, SimpleITK.sitkFloat32)
    grid.SetSpacing((_GRID_MM,) * 3)
    grid.SetOrigin(image.GetOrigin())
    return SimpleITK.Resample(image, grid, SimpleITK.Transform(), SimpleITK.sitkLinear, _FAR_MM)


def _register(base: SimpleITK.Image, subject: SimpleITK.Image) -> Field:
    """The field that takes the base to the subject: scaled to its box, then demons on the distances."""
    scale = _extent(base) / _extent(subject)
    box = SimpleITK.ScaleTransform(3, scale[::-1].tolist())
    box.SetCenter(_middle(subject)[::-1].tolist())
    shift = SimpleITK.TranslationTransform(3, (_middle(base) - _middle(subject))[::-1].tolist())
    affine = SimpleITK.CompositeTransform([shift, box])
    near = SimpleITK.Resample(base, subject, affine, SimpleITK.sitkLinear, _FAR_MM)
    demons = SimpleITK.DiffeomorphicDemonsRegistrationFilter()
    demons.SetNumberOfIterations(60)
    demons.SetStandardDeviations(3.0)
    moved = SimpleITK.Cast(demons.Execute(subject, near), SimpleITK.sitkVectorFloat64)
    warp = SimpleITK.DisplacementFieldTransform(moved)
    return _sample(SimpleITK.CompositeTransform([affine, warp]))


def _inside(distance: SimpleITK.Image) -> npt.NDArray[np.float64]:
    """(n, 3) places within the mandible, (z, y, x) millimetres."""
    inside = np.argwhere(SimpleITK.GetArrayViewFromImage(distance) < 0)
    return np.asarray(inside * _GRID_MM + np.array(distance.GetOrigin()[::-1]))


def _extent(distance: SimpleITK.Image) -> npt.NDArray[np.float64]:
    return np.asarray(np.ptp(_inside(distance), axis=0))


def _middle(distance: SimpleITK.Image) -> npt.NDArray[np.float64]:
    places = _inside(distance)
    return np.asarray((places.min(0) + places.max(0)) / 2)


def _sample(transform: SimpleITK.Transform) -> Field:
    """The transform's displacements over the atlas."""
    size = np.array(SHAPE) // int(_STORED_MM) + 1
    convert = SimpleITK.TransformToDisplacementFieldFilter()
    convert.SetSize(size[::-1].tolist())
    convert.SetOutputSpacing((_STORED_MM,) * 3)
    convert.SetOutputOrigin(ORIGIN_MM[::-1].tolist())
    field = SimpleITK.GetArrayFromImage(convert.Execute(transform))
    return np.moveaxis(_MOST_MM * np.tanh(field[..., ::-1] / _MOST_MM), -1, 0).astype(np.float32)
