"""The heads to learn from and those to be judged by, made once and then kept."""

from pathlib import Path

from gnathos.training.atlas import Atlas, build_atlas
from gnathos.training.scene import Anatomy
from gnathos.training.shapes import HELD_OUT, Shapes, register_all


def load_anatomy(folder: Path, cache: Path) -> tuple[Anatomy, Anatomy]:
    """Heads for training, and heads of the shapes in `HELD_OUT`, which training never sees.

    Args:
        folder: `head_fdi_0p5mm.nii.gz`, `mandible_masks/` and `jaw_complex/`.
        cache: where the atlas and the shapes are kept; making them takes some minutes.
    """
    if not (cache / "atlas.npz").exists():
        build_atlas(folder).save(cache / "atlas.npz")
    atlas = Atlas.load(cache / "atlas.npz")
    if not (cache / "shapes.npz").exists():
        register_all(atlas, folder / "mandible_masks", cache / "shapes.npz")
    shapes = Shapes.load(cache / "shapes.npz")
    return Anatomy(atlas, shapes.without(HELD_OUT)), Anatomy(atlas, shapes.only(HELD_OUT))
