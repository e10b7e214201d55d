"""Cranium, midface, spine and hyoid, with their hollows."""

import numpy as np

from gnathos.phantom.arches import upper_arch
from gnathos.phantom.mandible import CONDYLE_MM
from gnathos.phantom.shapes import (
    Field,
    Points,
    Solid,
    as_field,
    blend,
    blended,
    carve,
    chain,
    ellipsoid,
    grown,
    line,
    on_both_sides,
    rounded,
    united,
)

SINUS_CENTRE_MM = (25.5, 33.0, 38.0)
SINUS_RADII_MM = (12.5, 16.5, 15.5)
"""Of the left maxillary sinus: an ellipsoid, so that its volume is known."""

_VAULT = ellipsoid((0, 96, 106), (72, 91, 66))
_VAULT_MM = 6.5
_JOINT_GAP_MM = 2.0

_ORBIT = ellipsoid((32, 21, 66), (19.5, 24, 17.5), -12)
_SINUS = ellipsoid(SINUS_CENTRE_MM, SINUS_RADII_MM)
_FRONTAL_SINUS = ellipsoid((10, 9, 88), (11, 5, 9))
_SPHENOID_SINUS = ellipsoid((7, 62, 60), (7.5, 11, 8))
_MASTOID = ellipsoid((55, 97, 34), (9, 11, 17))
_PETROUS = chain([(58, 90, 48), (18, 70, 50)], [10.0, 6.0])
_ARCH_OF_CHEEK = chain(
    [(62, 76, 52), (66, 62, 48), (64, 48, 44), (58, 34, 40), (48, 23, 38), (40, 18, 44)], [3.0, 2.6, 3.2, 5.0, 7.5, 5.0]
)
_RIM = chain(
    [(14, 2, 78), (26, -1, 84), (40, 4, 83), (49, 13, 74), (50, 17, 62), (43, 13, 51), (30, 6, 49), (17, 4, 54)],
    [4.0, 3.8, 3.6, 3.4, 3.4, 3.8, 3.2, 2.6],
)
_FRONTAL_PROCESS = chain([(13.5, 3, 24), (12, 2, 44), (8, 0, 64), (7, -1, 76)], [3.4, 2.8, 3.2, 3.8])
_FRONT_WALL = ellipsoid((19, 13, 31), (10, 9, 13))
_NASAL = chain([(2.5, -2, 80), (3.5, -8, 64)], [3.2, 1.8])
_PTERYGOID = chain([(14, 50, 44), (15, 52, 26), (17, 55, 10)], [4.0, 2.6, 1.8])
_HAMULUS = chain([(20, 49, 40), (22, 56, 14)], [2.6, 1.4])
_GLENOID = ellipsoid((50, 73, 54), (15, 15, 9))
_EMINENCE = ellipsoid((50, 61, 46.5), (11, 6, 6))
_STYLOID = chain([(46, 88, 34), (38, 78, 10)], [2.2, 1.0])
_CONDYLE_ROOM = grown(ellipsoid(CONDYLE_MM, (10.0, 4.6, 5.0), 18), _JOINT_GAP_MM)
_EAR_CANAL = chain([(78, 90, 44), (46, 86, 46)], [3.6, 3.0])


def cavity(points: Points) -> Field:
    """The room of the brain: the vault's inside, its floor rising to the front."""
    return grown(_brain_case, -_VAULT_MM)(points)


def _brain_case(points: Points) -> Field:
    floor = 51.0 + line(points.y, [20, 45, 60, 80, 100, 120], [30, 26, 6, 0, -7, -7])
    return -blend(as_field(-_VAULT(points)), as_field(points.z - floor), 10.0)


def nasal_cavity(points: Points) -> Field:
    """The nose's room from the nostrils to the throat."""
    width = line(points.z, [24, 34, 50, 64, 70], [11.0, 11.2, 8.0, 5.0, 3.0])
    outline = rounded(points.x, as_field(points.z - 46), as_field(width), 21.0, 3.0)
    return np.maximum(outline, as_field(np.abs(points.y - 26) - 31))


def nasal_walls(points: Points) -> Field:
    """Septum and turbinates, which narrow the nose."""
    bend = 1.2 * np.sin(points.z / 9.0)
    septum = as_field(np.abs(points.x - bend) - 1.3)
    half = points.mirrored
    lower = chain([(9.5, 4, 31), (8.5, 46, 33)], [3.4, 3.0])(half)
    middle = chain([(7.0, 12, 45), (6.5, 44, 46)], [2.4, 2.4])(half)
    return np.minimum(septum, np.minimum(lower, middle))


def nasal_septum(points: Points) -> Field:
    """The bony plate in the septum."""
    bend = 1.2 * np.sin(points.z / 9.0)
    plate = as_field(np.abs(points.x - bend) - 0.6)
    return np.maximum(plate, np.maximum(as_field(8 - points.y), nasal_cavity(points) - 1))


def alveolar_process(points: Points) -> Field:
    """The upper jaw's ridge, without the walls of the sockets, and the palate."""
    arch = upper_arch()
    along = arch.along.at(np.abs(points.x), points.y)
    across = arch.across.at(np.abs(points.x), points.y)
    half_width = line(along, [0, 15, 35, 60], [4.2, 5.0, 6.8, 6.2])
    inwards = line(along, [0, 30, 60], [-2.0, -1.5, -0.5])
    ridge = rounded(as_field(across - inwards), as_field(points.z - 18.0), as_field(half_width), 7.5, 3.5)
    ridge = np.maximum(ridge, as_field(along - 63))
    dome = 23.5 - 2.5 * (points.x / 16) ** 2
    palate = np.maximum(as_field(np.abs(points.z - dome) - 1.6), np.maximum(across, as_field(points.y - 50)))
    return blend(ridge, palate, 4.0)


_MIDFACE = on_both_sides(
    blended(3.0, grown(_SINUS, 1.6), _ARCH_OF_CHEEK, _RIM, _FRONTAL_PROCESS, _FRONT_WALL, _NASAL, _PTERYGOID, _HAMULUS)
)
_BASE = on_both_sides(blended(4.0, _MASTOID, _PETROUS, _GLENOID, _EMINENCE, _STYLOID))
_SPHENOID = blended(
    4.0,
    ellipsoid((0, 64, 58), (17, 16, 13)),
    chain([(0, 76, 54), (0, 92, 38)], [9.0, 7.0]),
    on_both_sides(chain([(14, 56, 58), (44, 42, 62), (54, 36, 72)], [6.0, 4.0, 4.0])),
)
_FORAMEN = ellipsoid((0, 110, 38), (15, 18, 16))

ETHMOID = ellipsoid((0, 30, 66), (11, 24, 13))


def midface(points: Points) -> Field:
    """Maxillary bodies, orbits, cheekbones, nose."""
    half = points.mirrored
    walls = np.maximum(_ORBIT(half) - 1.6, as_field(8 - points.y))
    solid = blend(_MIDFACE(points), walls, 2.0)
    return carve(carve(solid, _ORBIT(half)), nasal_cavity(points))


def skull_base(points: Points) -> Field:
    """Temporal bones with the joints' sockets, sphenoid."""
    half = points.mirrored
    solid = blend(_BASE(points), _SPHENOID(points), 3.0)
    solid = carve(carve(solid, _CONDYLE_ROOM(half)), _EAR_CANAL(half))
    return carve(solid, _SPHENOID_SINUS(half))


def vault(points: Points) -> Field:
    """The case of the brain."""
    half = points.mirrored
    shell = carve(_brain_case(points), cavity(points))
    shell = carve(carve(shell, _FORAMEN(points)), _CONDYLE_ROOM(half))
    return carve(carve(shell, _EAR_CANAL(half)), np.minimum(_ORBIT(half), _FRONTAL_SINUS(half)))


def airy_bone(points: Points) -> Field:
    """Ethmoid and mastoid: air cells with thin walls between."""
    return np.minimum(ETHMOID(points), on_both_sides(grown(_MASTOID, -2.0))(points))


sinus: Solid = _SINUS
small_sinuses: Solid = on_both_sides(united(_FRONTAL_SINUS, _SPHENOID_SINUS))
orbit: Solid = on_both_sides(_ORBIT)
eye: Solid = on_both_sides(ellipsoid((32, 11, 66), (12, 12, 12)))
ear_canal: Solid = on_both_sides(_EAR_CANAL)

HYOID = blended(
    2.0,
    chain([(-12, 38, -46), (0, 34, -47), (12, 38, -46)], [3.2, 4.0, 3.2]),
    on_both_sides(chain([(11, 37, -46), (20, 60, -38)], [2.4, 1.7])),
)

_LEVELS_MM = ((88.0, 6.0), (89.0, -13.0), (90.0, -31.0), (92.0, -49.0), (94.0, -67.0), (97.0, -85.0))
"""Middle (y, z) of the bodies of C2 to C7."""


def _vertebra(y: float, z: float) -> Solid:
    arches = chain([(16, y + 8, z), (13, y + 20, z - 3), (0, y + 30, z - 6)], [4.2, 3.0, 3.0])
    lateral = ellipsoid((17, y + 7, z), (6.5, 7.5, 7.5))
    spine = chain([(0, y + 30, z - 6), (0, y + 42, z - 12)], [3.0, 3.6])
    pedicle = chain([(8, y + 2, z), (17, y + 7, z)], [4.0, 4.0])
    return united(lambda points: _disc(points, y, z), on_both_sides(united(arches, lateral, pedicle)), spine)


def _disc(points: Points, y: float, z: float) -> Field:
    outline = ellipsoid((0, y, z), (10.5, 8.2, 200.0))(points)
    upright = np.abs(points.z - z) - 7.0
    return as_field(
        np.hypot(np.maximum(outline + 2, 0), np.maximum(upright + 2, 0))
        + np.minimum(np.maximum(outline, upright) + 2, 0)
        - 2
    )


_ATLAS = united(
    on_both_sides(
        united(
            ellipsoid((20, 96, 25), (8.5, 9.5, 8)),
            chain([(0, 82.5, 25), (14, 88, 25), (22, 96, 25)], [4.0, 4.0, 4.0]),
            chain([(22, 100, 25), (18, 114, 25), (0, 124, 24)], [3.6, 3.2, 3.4]),
            chain([(22, 96, 25), (38, 98, 25)], [4.0, 3.2]),
        )
    )
)
_DENS = chain([(0, 89, 8), (0, 90, 30)], [5.6, 4.6])

SPINE = united(_ATLAS, _DENS, *(_vertebra(y, z) for y, z in _LEVELS_MM))
_OCCIPITAL_CONDYLE = on_both_sides(ellipsoid((19, 97, 37), (7, 11, 5.5)))


def occiput(points: Points) -> Field:
    """The joints of the head upon the spine."""
    return _OCCIPITAL_CONDYLE(points)
