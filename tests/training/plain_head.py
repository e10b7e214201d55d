"""A head of boxes, made in no time: skull above, a jaw with a row of teeth below, a spine behind."""

import numpy as np

from gnathos.anatomy import PERMANENT_FDI
from gnathos.training.atlas import ORIGIN_MM, SHAPE, Atlas
from gnathos.training.tissues import Tissue, ToothPart, tooth_code


def box(first_mm, last_mm):
    """Slices of the atlas grid between two places in millimetres."""
    first, last = (np.asarray(place) - ORIGIN_MM for place in (first_mm, last_mm))
    return tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))


def plain_atlas():
    codes = np.zeros(SHAPE, np.uint8)
    codes[box((-60, 20, 30), (180, 190, 150))] = Tissue.SOFT
    codes[box((70, 30, 40), (170, 180, 140))] = Tissue.SKULL_CORE
    codes[box((20, 35, 45), (50, 115, 135))] = Tissue.JAW_MARROW
    codes[box((-60, 130, 75), (60, 155, 105))] = Tissue.SPINE_CORE
    for place, fdi in enumerate(fdi for fdi in PERMANENT_FDI if fdi > 30):
        codes[box((50, 40, 50 + 5 * place), (62, 50, 54 + 5 * place))] = tooth_code(fdi, ToothPart.CROWN)
    height = np.arange(SHAPE[0])[:, None, None] + ORIGIN_MM[0]
    follows = np.broadcast_to(np.clip((66 - height) / 4, 0, 1), SHAPE).astype(np.float32)
    return Atlas(codes, np.ascontiguousarray(follows))
