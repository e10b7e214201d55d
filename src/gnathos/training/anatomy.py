"""The heads to learn from and those to be judged by, made once and then kept."""

from pathlib import Path

import numpy as np

from gnathos.training.atlas import Atlas, Codes, build_atlas, build_fine_codes
from gnathos.training.scene import Anatomy
from gnathos.training.shapes import HELD_OUT, Shapes, register_all


def load_anatomy(folder: Path, cache: Path, fine: bool = False) -> tuple[Anatomy, Anatomy]:
    """Heads for training, and heads of the shapes in `HELD_OUT`, which training never sees.

    Args:
        folder: `head_fdi_0p5mm.nii.gz`, `mandible_masks/` and `jaw_complex/`.
        cache: where the atlas and the shapes are kept; making them takes some minutes.
        fine: whether the label map's bones and teeth keep their own resolution.
    """
    if not (cache / "atlas.npz").exists():
        build_atlas(folder).save(cache / "atlas.npz")
    atlas = Atlas.load(cache / "atlas.npz")
    if not (cache / "shapes.npz").exists():
        register_all(atlas, folder / "mandible_masks", cache / "shapes.npz")
    shapes = Shapes.load(cache / "shapes.npz")
    codes = _fine_codes(folder, cache, atlas) if fine else None
    return Anatomy(atlas, shapes.without(HELD_OUT), codes), Anatomy(atlas, shapes.only(HELD_OUT), codes)


def _fine_codes(folder: Path, cache: Path, atlas: Atlas) -> Codes:
    stored = cache / "fine_codes.npz"
    if not stored.exists():
        np.savez_compressed(stored, codes=build_fine_codes(folder, atlas))
    return np.asarray(np.load(stored)["codes"], np.uint8)
