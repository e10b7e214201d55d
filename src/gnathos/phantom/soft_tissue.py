"""Skin, muscle, tongue and the airway."""

import numpy as np

from gnathos.phantom.shapes import (
    Field,
    Points,
    Solid,
    as_field,
    blended,
    chain,
    ellipsoid,
    grown,
    on_both_sides,
    united,
)

_HEAD = ellipsoid((0, 96, 106), (78, 98, 72))
_FACE = ellipsoid((0, 52, 40), (69, 62, 78))
_CHEEK = on_both_sides(ellipsoid((34, 38, 8), (33, 42, 44)))
_JAW = ellipsoid((0, 32, -14), (45, 44, 30))
_CHIN = ellipsoid((0, 0, -28), (19, 13, 15))
_LIPS = ellipsoid((0, -2, 0), (28, 11.5, 22))
_NOSE = blended(6.0, chain([(0, -8, 66), (0, -24, 42)], [6.0, 8.0]), on_both_sides(ellipsoid((9, -14, 38), (8, 10, 8))))
_BROW = ellipsoid((0, 20, 76), (57, 29, 26))
_NECK = blended(
    20.0, chain([(0, 84, 30), (0, 92, -200)], [58.0, 62.0]), chain([(0, 50, -40), (0, 62, -200)], [32.0, 38.0])
)
_EAR = on_both_sides(ellipsoid((80, 98, 46), (6, 14, 28), 25))

skin: Solid = blended(12.0, _HEAD, _FACE, _BROW, _CHEEK, _JAW, _CHIN, _LIPS, _NOSE, _NECK, _EAR)
"""The skin's outside, mouth closed."""

chin_and_lip: Solid = blended(8.0, grown(_CHIN, 1.0), grown(_JAW, 2.0))
"""What an opened jaw takes along."""

_THROAT = chain(
    [(0, 58, 44), (0, 66, 34), (0, 70, 16), (0, 66, 0), (0, 63, -16), (0, 60, -34), (0, 64, -50), (0, 68, -120)],
    [8.0, 9.0, 6.0, 6.5, 7.0, 7.5, 8.0, 8.5],
)


def throat(points: Points) -> Field:
    """The airway from behind the nose to the windpipe, wider than deep."""
    flat = Points(as_field(points.x * 0.62), points.y, points.z)
    return _THROAT(flat)


tongue: Solid = blended(10.0, ellipsoid((0, 33, -2), (23, 32, 17)), ellipsoid((0, 44, -22), (19, 24, 22)))

_MOUTH = ellipsoid((0, 27, 7), (19, 25, 13))


def mouth(points: Points) -> Field:
    """The air over the tongue."""
    return as_field(np.maximum(_MOUTH(points), 0.8 - tongue(points)))


muscle: Solid = on_both_sides(
    united(
        chain([(60, 40, 36), (56, 58, -12)], [7.0, 7.5]),
        chain([(56, 62, 40), (54, 66, -14)], [5.0, 6.0]),
        chain([(38, 52, 36), (38, 60, -12)], [6.0, 6.0]),
        chain([(56, 60, 58), (47, 44, 40)], [7.0, 5.0]),
        chain([(56, 104, 30), (30, 60, -90)], [9.0, 11.0]),
    )
)
"""Masseter, pterygoid, temporal and sternocleidomastoid."""
