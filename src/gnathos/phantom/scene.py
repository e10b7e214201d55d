"""All parts of a head in the order in which they are painted: later ones cover earlier ones."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

import numpy as np
import numpy.typing as npt

from gnathos.anatomy import is_upper
from gnathos.phantom import cranium, mandible, soft_tissue
from gnathos.phantom.canvas import Part, Window
from gnathos.phantom.parameters import PhantomParameters
from gnathos.phantom.shapes import Field, Points, Solid, as_field, ellipsoid
from gnathos.phantom.teeth import ENAMEL_MM, PULP_DEPTH_MM, Tooth, all_teeth

SKULL, MANDIBLE, RIGHT_CANAL, LEFT_CANAL, RIGHT_SINUS, LEFT_SINUS, AIRWAY, SOFT_TISSUE, SPINE = (
    1,
    2,
    101,
    102,
    103,
    104,
    105,
    106,
    200,
)
"""Values of the label map; teeth have their FDI numbers."""

MARKER_CENTRE_MM = (59.0, 8.0, -4.0)
MARKER_RADIUS_MM = 3.0
"""A ball on the left cheek."""

_AIR, _SKIN, _FAT, _MUSCLE, _BRAIN, _TONGUE = -1000.0, 30.0, -85.0, 55.0, 38.0, 60.0
_DENTINE, _ENAMEL, _PULP, _LIGAMENT, _LAMINA_DURA, _METAL = 1650.0, 2750.0, 120.0, 90.0, 1200.0, 9000.0

_WHOLE = (np.full(3, -np.inf), np.full(3, np.inf))


def parts(parameters: PhantomParameters) -> list[Part]:
    """The parts of a head in painting order."""
    teeth = [tooth for fdi, tooth in all_teeth().items() if fdi not in parameters.missing_teeth]
    return [
        *_soft_parts(parameters.mouth_opening_mm),
        *_hollow_parts(parameters.mouth_opening_mm),
        *_skull_parts(),
        *_jaw_parts(parameters.mouth_opening_mm),
        *(_tooth_part(tooth, parameters, _paint_socket) for tooth in teeth),
        *(_tooth_part(tooth, parameters, _paint_tooth) for tooth in teeth),
        *([_marker_part()] if parameters.has_marker else []),
    ]


def _part(low: tuple[float, ...], high: tuple[float, ...], paint: Callable[[Window], None]) -> Part:
    return Part(np.array(low), np.array(high), paint)


def _filled(solid: Solid, hu: float, label: int | None = None) -> Callable[[Window], None]:
    return lambda window: window.fill(window.distance(solid), hu, label)


def _soft_parts(opening_mm: float) -> Iterator[Part]:
    yield Part(*_WHOLE, _paint_skin)
    if opening_mm > 0:
        paint = _filled(soft_tissue.chin_and_lip, 20.0, SOFT_TISSUE)
        yield _of_jaw(np.array([-60.0, -25, -60]), np.array([60.0, 80, 20]), paint, opening_mm)
    yield _part((-75, 30, -110), (75, 120, 70), _filled(soft_tissue.muscle, _MUSCLE))
    yield _part((-80, 0, 30), (80, 195, 180), _filled(cranium.cavity, _BRAIN))
    yield _part((-55, -12, 45), (55, 45, 88), _filled(cranium.orbit, _FAT))
    yield _part((-48, -8, 50), (48, 25, 82), _filled(cranium.eye, 20.0))
    yield _part((-30, -5, -60), (30, 80, 30), _filled(soft_tissue.tongue, _TONGUE))


def _paint_skin(window: Window) -> None:
    distance = window.distance(soft_tissue.skin)
    deep = 5.0 + 55.0 * window.texture
    fat = _FAT + 25.0 * window.texture
    hu = np.where(distance > -1.8, _SKIN, np.where(distance > -6.0, fat, deep))
    window.fill(distance, hu, SOFT_TISSUE)


def _hollow_parts(opening_mm: float) -> Iterator[Part]:
    yield _part((-22, -2, -10), (22, 60, 24), _filled(soft_tissue.mouth, _AIR))
    if opening_mm > 0:
        gap = ellipsoid((0, 14, -opening_mm / 2), (23, 30, max(opening_mm / 2, 1.0)))
        yield _part((-25, -20, -opening_mm - 2), (25, 46, 2), _filled(gap, _AIR))
    yield _part((-20, 40, -400), (20, 85, 56), _filled(soft_tissue.throat, _AIR, AIRWAY))
    yield _part((-18, -8, 20), (18, 60, 72), _filled(cranium.nasal_cavity, _AIR))
    yield _part((-18, -8, 20), (18, 60, 72), _paint_nasal_walls)
    yield _part((-14, -22, 24), (14, 0, 42), _filled(_NOSTRILS, _AIR))


_NOSTRILS: Solid = lambda points: ellipsoid((6.5, -9, 32), (3.6, 8, 8))(points.mirrored)  # noqa: E731


def _paint_nasal_walls(window: Window) -> None:
    inside = window.distance(cranium.nasal_cavity)
    window.fill(np.maximum(cranium.nasal_walls(window.points), inside), 45.0)
    window.fill(np.maximum(cranium.nasal_septum(window.points), inside), 500.0)


def _skull_parts() -> Iterator[Part]:
    yield _part((-80, 0, 25), (80, 195, 180), _bone(cranium.vault))
    yield _part((-80, 30, 0), (80, 125, 80), _bone(cranium.skull_base))
    yield _part((-75, -14, 5), (75, 85, 95), _bone(cranium.midface, 1.6))
    yield _part((-45, -14, 0), (45, 70, 36), _bone(cranium.alveolar_process, 1.6))
    yield _part((-70, 0, 15), (70, 115, 82), _paint_airy)
    yield _part((-30, 0, 40), (30, 80, 102), _filled(cranium.small_sinuses, _AIR))
    yield _part((-85, 78, 36), (85, 98, 56), _filled(cranium.ear_canal, _AIR))
    for side, label in ((1.0, LEFT_SINUS), (-1.0, RIGHT_SINUS)):
        low, high = sorted((side * 10, side * 42))
        yield _part((low, 12, 20), (high, 54, 58), _filled(_sided(cranium.sinus, side), _AIR, label))
    yield _part((-30, 85, 28), (30, 112, 46), _bone(cranium.occiput))
    yield _part((-48, 70, -110), (48, 145, 45), _bone(cranium.SPINE, label=SPINE))
    yield _part((-26, 26, -54), (26, 66, -32), _bone(cranium.HYOID, label=SOFT_TISSUE))


def _bone(solid: Solid, cortex_mm: float = 2.0, label: int = SKULL) -> Callable[[Window], None]:
    return lambda window: window.bone(window.distance(solid), label, cortex_mm)


def _paint_airy(window: Window) -> None:
    window.airy(window.distance(cranium.airy_bone), SKULL)


def _sided(solid: Solid, side: float) -> Solid:
    """A solid of the left side, or its mirror image."""
    return lambda points: solid(Points(as_field(points.x * side), points.y, points.z))


def _jaw_parts(opening_mm: float) -> Iterator[Part]:
    def paint(window: Window) -> None:
        window.bone(window.distance(mandible.bone), MANDIBLE, 2.3)

    yield _of_jaw(*mandible.BOX_MM, paint, opening_mm)
    for side, label in ((1.0, LEFT_CANAL), (-1.0, RIGHT_CANAL)):
        low, high = sorted((side * 18, side * 52))
        corners = np.array([low, 5.0, -30.0]), np.array([high, 65.0, 20.0])
        yield _of_jaw(*corners, partial(_paint_canal, side=side, label=label), opening_mm)


def _paint_canal(window: Window, side: float, label: int) -> None:
    distance = window.distance(_sided(mandible.canal(), side))
    inside_bone = window.labels == MANDIBLE
    wall = np.where(inside_bone, distance - 0.5, 9.0).astype(np.float32)
    window.fill(wall, 900.0)
    window.fill(distance, 110.0)
    window.labels[inside_bone & (distance < 0)] = label


def _of_jaw(
    low_mm: npt.NDArray[np.float64],
    high_mm: npt.NDArray[np.float64],
    paint: Callable[[Window], None],
    opening_mm: float,
) -> Part:
    corners = np.array(list(product(*zip(low_mm, high_mm, strict=True))))
    moved = mandible.closed_to_opened(corners, opening_mm)
    return Part(moved.min(axis=0), moved.max(axis=0), paint, is_of_jaw=True)


def _tooth_part(tooth: Tooth, parameters: PhantomParameters, paint: Callable[[Window, Tooth, bool], None]) -> Part:
    is_metal = tooth.fdi in parameters.metal_teeth

    def painted(window: Window) -> None:
        paint(window, tooth, is_metal)

    if is_upper(tooth.fdi):
        return Part(*tooth.box_mm, painted)
    return _of_jaw(*tooth.box_mm, painted, parameters.mouth_opening_mm)


def _paint_socket(window: Window, tooth: Tooth, is_metal: bool) -> None:
    del is_metal
    distance = tooth.socket(tooth.local(window.points))
    window.fill(distance, _LAMINA_DURA, SKULL if is_upper(tooth.fdi) else MANDIBLE)


def _paint_tooth(window: Window, tooth: Tooth, is_metal: bool) -> None:
    own = tooth.local(window.points)
    crown, root = tooth.crown(own), tooth.root(own)
    whole = tooth.joined(crown, root)
    window.fill(root - 0.28, _LIGAMENT)
    window.fill(whole, _DENTINE, tooth.fdi)
    enamel = _enamel(crown, own)
    window.fill(enamel, _METAL if is_metal else _ENAMEL)
    pulp = np.minimum(np.maximum(crown + PULP_DEPTH_MM, own.z - tooth.form.crown * 0.55), tooth.canals(own))
    window.fill(as_field(pulp), _PULP)


def _enamel(crown: Field, own: Points) -> Field:
    """The crown's rind, thinning out towards the neck."""
    thickness = ENAMEL_MM * np.clip(own.z / 3.0, 0, 1)
    return as_field(np.maximum(np.maximum(crown, -crown - thickness), -own.z))


def _marker_part() -> Part:
    ball = ellipsoid(MARKER_CENTRE_MM, (MARKER_RADIUS_MM,) * 3)
    centre = np.array(MARKER_CENTRE_MM)
    return Part(centre - 5, centre + 5, _filled(ball, 3000.0))
