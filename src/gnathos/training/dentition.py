"""Teeth out of line and ridges that have shrunk: what is changed in the label map before a head is bent.

The atlas holds one person's teeth. Here single teeth are moved as rigid bodies (impacted, crowded, tipped into gaps,
spaced, not yet erupted) and ridges whose teeth were lost long ago are lowered. A tooth keeps its number.

Arrays are [slice, row, column] as in `gnathos.training.atlas`; directions are (z, y, x): to the head, back and left.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from gnathos.anatomy import PERMANENT_FDI, is_upper
from gnathos.training.appearance import Palette, has_open_socket, lost_teeth
from gnathos.training.atlas import ATLAS_MM, MIDLINE_MM, Codes, Mask
from gnathos.training.chance import Chance
from gnathos.training.tissues import (
    FIRST_LIGAMENT,
    FIRST_TOOTH,
    PARTS_PER_TOOTH,
    Tissue,
    ToothPart,
    ligament_code,
    tooth_code,
)

Vector = npt.NDArray[np.float64]

_WISDOM, _CANINE = 8, 3
_ARCH_MIDDLE_MM = np.array([85.0, MIDLINE_MM])
"""(y, x) of a point between the last molars: from there an arch's teeth look outwards."""
_JAW_BONE = (Tissue.JAW_SHELL, Tissue.JAW_SECOND, Tissue.JAW_CORTEX, Tissue.JAW_MARROW)
_SKULL_BONE = (Tissue.SINUS_WALL, Tissue.CELLS, Tissue.SKULL_SHELL, Tissue.SKULL_CORE)
_CLOSED_TO_TEETH = (Tissue.AIR, Tissue.CANAL, Tissue.SINUS, Tissue.SINUS_RIM, Tissue.NOSE, Tissue.AIRWAY_CORE)
_MOST_OVERLAP = 0.04
"""Share of a tooth that may lie where another is, and is cut off there."""
_TRIES = 8
_MOST_ASIDE_MM = 2.5


@dataclass(frozen=True)
class Move:
    """A rigid movement of a tooth about its middle, after it was scaled."""

    turn: Vector
    """(3, 3) rotation."""
    shift_mm: Vector
    scale: float = 1.0
    kept_root_mm: float = np.inf
    """How far from the tooth's middle its root reaches at most."""
    is_covered: bool = False
    """Whether bone covers the crown, too."""


@dataclass(frozen=True)
class Tooth:
    """One tooth of the atlas, cut out of it."""

    fdi: int
    first: npt.NDArray[np.int64]
    """Voxel of the codes at which `parts` begins."""
    parts: Codes
    """The tooth's own codes, 0 around it."""
    filling: Codes
    """What takes their place where the tooth is gone, 0 around it."""
    middle: Vector
    """In voxels of the codes."""
    root_middle: Vector
    """In voxels of the codes; the tooth's middle where it has no root."""
    apex: Vector
    """Unit vector along the tooth, from its crown to its root."""
    outwards: Vector
    """Horizontal unit vector, away from the tongue."""
    mesial: Vector
    """Horizontal unit vector along the arch, to the midline."""

    @cached_property
    def forwards_axis(self) -> Vector:
        """About which the crown turns to the midline."""
        return _unit(np.cross(-self.apex, self.mesial))

    @cached_property
    def sideways_axis(self) -> Vector:
        """About which the crown turns outwards."""
        return _unit(np.cross(-self.apex, self.outwards))

    def moved(self, voxels: npt.NDArray[np.int64]) -> "Tooth":
        """The same tooth in codes that begin elsewhere."""
        return dataclasses.replace(
            self, first=self.first + voxels, middle=self.middle + voxels, root_middle=self.root_middle + voxels
        )

    def scattered(self) -> npt.NDArray[np.int64]:
        """(n, 3) some of its voxels, from its middle."""
        return np.argwhere(self.parts > 0)[::7] + self.first - np.rint(self.middle).astype(int)


def find_teeth(codes: Codes, origin_mm: Vector, voxel_mm: float) -> dict[int, Tooth]:
    """The teeth that the codes hold, by number."""
    boxes = ndimage.find_objects(np.where((codes >= FIRST_TOOTH) & (codes < FIRST_LIGAMENT), codes, 0))
    teeth = {}
    for fdi in PERMANENT_FDI:
        first = tooth_code(fdi, ToothPart.ENAMEL)
        own = [box for box in boxes[first - 1 : first - 1 + PARTS_PER_TOOTH] if box is not None]
        if own:
            low, high = (np.array([[getattr(s, end) for s in box] for box in own]) for end in ("start", "stop"))
            teeth[fdi] = _cut_out(codes, fdi, low.min(0), high.max(0), origin_mm, voxel_mm)
    return teeth


def _cut_out(
    codes: Codes, fdi: int, low: npt.NDArray[np.int64], high: npt.NDArray[np.int64], origin_mm: Vector, voxel_mm: float
) -> Tooth:
    first = tooth_code(fdi, ToothPart.ENAMEL)
    box = codes[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    parts = np.where((box >= first) & (box < first + PARTS_PER_TOOTH), box, 0).astype(np.uint8)
    places = np.argwhere(parts > 0)
    middle = places.mean(0) + low
    root = np.argwhere(_is_root(parts, fdi))
    root_middle = root.mean(0) + low if len(root) else middle
    up = np.array([1.0 if is_upper(fdi) else -1.0, 0, 0])
    apex = _unit(root_middle - middle + 1e-6 * up)
    out = np.array([0.0, *((middle * voxel_mm + origin_mm)[1:] - _ARCH_MIDDLE_MM)])
    outwards = _unit(out)
    along = np.array([0.0, -outwards[2], outwards[1]])
    to_midline = np.sign(along @ np.array([0.0, -1.0, -np.sign(out[2])])) or 1.0
    return Tooth(
        fdi, low, parts, _filling(codes, fdi, low, parts), middle, root_middle, apex, outwards, along * to_midline
    )


def _filling(codes: Codes, fdi: int, low: npt.NDArray[np.int64], parts: Codes) -> Codes:
    """Bone for roots, but soft tissue where they, as crowns, have more of that around them."""
    first = np.maximum(low - _AROUND, 0)
    box = codes[tuple(slice(a, b) for a, b in zip(first, low + parts.shape + _AROUND, strict=True))]
    bone = _among(box, _bones(fdi)) | (box >= FIRST_LIGAMENT)
    other = ~bone & (box < FIRST_TOOTH)
    more_bone = ndimage.uniform_filter(bone * 1.0 - other, 2 * _AROUND + 1, mode="constant") > 0
    inside = tuple(slice(a, a + n) for a, n in zip(low - first, parts.shape, strict=True))
    filled = np.where(_is_root(parts, fdi) & more_bone[inside], _marrow(fdi), Tissue.SOFT)
    return np.where(parts > 0, filled, 0).astype(np.uint8)


_AROUND = 7
"""Voxels to either side that tell what is around a root."""


def _unit(vector: Vector) -> Vector:
    return np.asarray(vector / np.linalg.norm(vector))


def turn_about(axis: Vector, degrees: float) -> Vector:
    """(3, 3) rotation by so much about an axis (z, y, x)."""
    z, y, x = _unit(axis)
    cross = np.array([[0, -x, y], [x, 0, -z], [-y, z, 0]])
    angle = np.deg2rad(degrees)
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


class Jaws:
    """Codes of an atlas's jaws that may be written to, with the teeth in them."""

    def __init__(self, codes: Codes, teeth: dict[int, Tooth], voxel_mm: float) -> None:
        """Take over the codes; the teeth's places are voxels of these codes."""
        self.codes, self.teeth, self.voxel_mm = codes, teeth, voxel_mm
        self.has_ligament = voxel_mm < ATLAS_MM

    def move(self, fdi: int, moves: Iterable[Move], in_bone: float = 0.0) -> bool:
        """Take a tooth out and put it where the first of the moves that fits takes it; else leave it as it is.

        Args:
            fdi: which tooth.
            moves: to be tried in turn.
            in_bone: share of the tooth that has to lie in bone.
        """
        fitting = next((move for move in moves if self.fits(fdi, move, in_bone)), None)
        if fitting is None:
            return False
        self.take_out(fdi)
        self.put(fdi, fitting)
        return True

    def fits(self, fdi: int, move: Move, in_bone: float = 0.0) -> bool:
        """Whether a moved tooth would lie free of other teeth, canals and air."""
        tooth = self.teeth[fdi]
        places = tooth.scattered() @ (move.turn.T * move.scale) + tooth.middle + move.shift_mm / self.voxel_mm
        index = np.rint(places).astype(int)
        if (index < 0).any() or (index >= np.array(self.codes.shape)).any():
            return False
        there = self.codes[tuple(index.T)]
        own = _is_part_of(there, fdi)
        taken = (there >= FIRST_TOOTH) & (there < FIRST_LIGAMENT) & ~own
        bone = own | _among(there, _bones(fdi)) | (there >= FIRST_LIGAMENT)
        closed = _among(there, _CLOSED_TO_TEETH)
        return bool(taken.mean() <= _MOST_OVERLAP and closed.mean() <= 0.01 and bone.mean() >= in_bone)

    def take_out(self, fdi: int) -> None:
        """Close a tooth's place."""
        tooth = self.teeth[fdi]
        box = self._box(tooth.first, tooth.first + tooth.parts.shape)
        own = (tooth.parts > 0) & (box == tooth.parts)
        box[own] = tooth.filling[own]
        around = self._box(tooth.first - 1, tooth.first + tooth.parts.shape + 1)
        around[around == ligament_code(fdi)] = _marrow(fdi)

    def put(self, fdi: int, move: Move) -> None:
        """Write a moved tooth, with its ligament, and a wall of bone where its root would lie bare."""
        tooth = self.teeth[fdi]
        corners = np.array(np.meshgrid(*zip((0, 0, 0), tooth.parts.shape, strict=True))).reshape(3, -1).T + tooth.first
        target = tooth.middle + move.shift_mm / self.voxel_mm
        reach = (corners - tooth.middle) @ (move.turn.T * move.scale) + target
        low, high = np.floor(reach.min(0)).astype(int) - 3, np.ceil(reach.max(0)).astype(int) + 4
        box, low = self._box(low, high), np.maximum(low, 0)
        own = self._turned(tooth, move, low - target, box.shape)
        own[((box >= FIRST_TOOTH) & (box < FIRST_LIGAMENT)) | (box == Tissue.CANAL)] = 0
        self._wall(box, own, fdi, move.is_covered)
        box[own > 0] = own[own > 0]

    def _turned(self, tooth: Tooth, move: Move, first: Vector, shape: tuple[int, ...]) -> Codes:
        """The tooth's codes on a box that begins at `first`, from the moved tooth's middle."""
        back = (move.turn / move.scale).astype(np.float32)  # from rows of places to rows of places before the move
        lines = [np.arange(n, dtype=np.float32) + np.float32(a) for n, a in zip(shape, first, strict=True)]
        start = (tooth.middle - tooth.first).astype(np.float32)
        inside = np.ones(shape, np.bool_)
        flat = np.zeros(shape, np.int32)
        for axis, edge in enumerate(tooth.parts.shape):
            z, y, x = (line * back[k, axis] for k, line in enumerate(lines))
            index = np.rint(z[:, None, None] + (y[:, None] + x + start[axis])).astype(np.int32)
            inside &= (index >= 0) & (index < edge)
            flat = flat * edge + index
        own = np.where(inside, tooth.parts.reshape(-1)[np.where(inside, flat, 0)], 0).astype(np.uint8)
        if np.isfinite(move.kept_root_mm):
            along = sum(
                line.reshape([-1 if k == axis else 1 for k in range(3)]) * (move.turn @ tooth.apex)[axis]
                for axis, line in enumerate(lines)
            )
            own[np.broadcast_to(along * self.voxel_mm > move.kept_root_mm, own.shape)] = 0
        return own

    def _wall(self, box: Codes, own: Codes, fdi: int, is_covered: bool) -> None:
        """Bone around a root, where it would lie in soft tissue, and the ligament in between."""
        root = own > 0 if is_covered else _is_root(own, fdi)
        around = ndimage.binary_dilation(root, iterations=max(1, round(1.0 / self.voxel_mm)))
        bare = around & _among(box, (Tissue.SOFT, Tissue.SKIN_INNER, Tissue.ORAL, Tissue.BITE))
        box[bare] = Tissue.SKULL_SHELL if is_upper(fdi) else Tissue.JAW_SHELL
        if self.has_ligament:
            gap = ndimage.binary_dilation(root) & _among(box, _bones(fdi)) & ~bare
            box[gap] = ligament_code(fdi)

    def _box(self, low: npt.NDArray[np.int64], high: npt.NDArray[np.int64]) -> Codes:
        return self.codes[tuple(slice(max(0, a), max(0, b)) for a, b in zip(low, high, strict=True))]


def _bones(fdi: int) -> tuple[Tissue, ...]:
    return _SKULL_BONE if is_upper(fdi) else _JAW_BONE


def _among(codes: Codes, chosen: Sequence[int]) -> Mask:
    """Where the codes are among the chosen."""
    table = np.zeros(256, np.bool_)
    table[list(chosen)] = True
    return table[codes]


def _marrow(fdi: int) -> Tissue:
    return Tissue.SKULL_CORE if is_upper(fdi) else Tissue.JAW_MARROW


def _is_root(codes: Codes, fdi: int) -> Mask:
    return np.asarray((codes == tooth_code(fdi, ToothPart.ROOT)) | (codes == tooth_code(fdi, ToothPart.PULP)))


def _is_part_of(codes: Codes, fdi: int) -> Mask:
    first = tooth_code(fdi, ToothPart.ENAMEL)
    return np.asarray((codes >= first) & (codes < first + PARTS_PER_TOOTH))


def change_dentition(jaws: Jaws, palette: Palette, growing: bool, chance: Chance) -> None:
    """Put teeth out of line and lower ridges, in some scans."""
    lost = lost_teeth(palette)
    present = [fdi for fdi in jaws.teeth if fdi not in lost]
    shrink_ridges(jaws, {fdi for fdi in lost if not has_open_socket(palette, fdi)}, chance)
    moved = erupt_late(jaws, present, chance) if growing and chance.happens(0.7) else impact(jaws, present, chance)
    for upper in (True, False):
        arch = [fdi for fdi in present if is_upper(fdi) == upper and fdi not in moved]
        if chance.happens(0.3):
            crowd(jaws, arch, chance.uniform(0.3, 1.0), chance)
        else:
            _tip_into_gaps(jaws, arch, lost, chance)


def impact(jaws: Jaws, present: Iterable[int], chance: Chance) -> set[int]:
    """Lay some third molars and canines across in the bone, where there is room; the numbers of teeth that moved.

    The other third molars move a little: in the atlas they are copies that lie bare.
    """
    across = {_WISDOM: _molar_across, _CANINE: _canine_deep}
    moved = set()
    for fdi in present:
        place, tooth = fdi % 10, jaws.teeth[fdi]
        moves: Iterable[Move] = ()
        if chance.happens(IMPACTED.get(place, 0.0)):
            moves = (across[place](tooth, chance) for _ in range(_TRIES))
        if jaws.move(fdi, moves, in_bone=0.55) or (place == _WISDOM and jaws.move(fdi, [_about_there(chance)])):
            moved.add(fdi)
    return moved


def _about_there(chance: Chance) -> Move:
    turn = turn_about(chance.numbers.normal(size=3), chance.normal(4))
    return Move(turn, chance.numbers.normal(0, 0.6, 3))


IMPACTED = {_WISDOM: 0.45, _CANINE: 0.06}
"""How often teeth of a place are."""


def _molar_across(tooth: Tooth, chance: Chance) -> Move:
    """Tilted forwards, seldom backwards or sideways, and deep."""
    mesial = chance.uniform(15, 100) if chance.happens(0.8) else -chance.uniform(10, 50)
    turn = _tipped(tooth, mesial, chance.normal(12))
    depth = tooth.apex * chance.uniform(1, 8)
    return Move(turn, depth - tooth.mesial * chance.uniform(-2, 7) + tooth.outwards * chance.uniform(-3, 2), 0.95)


def _canine_deep(tooth: Tooth, chance: Chance) -> Move:
    """High, mostly on the side of the palate, its crown towards the midline."""
    inwards = chance.uniform(2, 8) if chance.happens(0.8) else -chance.uniform(0, 3)
    turn = _tipped(tooth, chance.uniform(10, 70), chance.normal(15))
    shift = tooth.apex * chance.uniform(6, 15) - tooth.outwards * inwards + tooth.mesial * chance.uniform(-2, 6)
    return Move(turn, shift, is_covered=chance.happens(0.7))


def _tipped(tooth: Tooth, mesial: float, outwards: float, spin: float = 0.0) -> Vector:
    """The crown leaning so many degrees to the midline and outwards, the tooth turned about itself before."""
    forwards = turn_about(tooth.forwards_axis, mesial)
    sideways = turn_about(tooth.sideways_axis, outwards)
    return np.asarray(forwards @ sideways @ turn_about(tooth.apex, spin))


def crowd(jaws: Jaws, arch: Sequence[int], severity: float, chance: Chance) -> None:
    """Turn, tip and shift an arch's teeth, most in front; or leave them upright with gaps, where teeth are small."""
    spaced = chance.happens(0.2)
    scale = chance.uniform(0.86, 0.95) if spaced else chance.uniform(0.93, 1.0)
    for fdi in arch:
        jaws.take_out(fdi)
    for place in chance.numbers.permutation(len(arch)):
        fdi = arch[int(place)]
        share = 0.15 if spaced else severity * (1.0 if fdi % 10 <= 5 else 0.3)
        moves = _crowded(jaws.teeth[fdi], share, scale, chance)
        smallest = Move(np.eye(3), np.zeros(3), scale * 0.86)
        jaws.put(fdi, next((move for move in moves if jaws.fits(fdi, move)), smallest))


def _crowded(tooth: Tooth, share: float, scale: float, chance: Chance) -> Iterator[Move]:
    """A few displacements, lesser ones for where there is no room for them, and last the tooth's own place."""
    for f in (1.0, 1.0, 0.7, 0.5, 0.35, 0.2):
        spin, tip, lean = (chance.normal(degrees * share * f) for degrees in (28, 7, 9))
        out, along, height = (chance.normal(length * share * f) for length in (2.2, 0.8, 0.7))
        out = min(max(out, -_MOST_ASIDE_MM), _MOST_ASIDE_MM)  # further out, no bone of the jaw would hold the root
        shift = tooth.outwards * out + tooth.mesial * along + tooth.apex * height
        yield Move(_tipped(tooth, tip, lean, spin), shift, scale)
    for f in (1.0, 0.93):
        yield Move(np.eye(3), np.zeros(3), scale * f)


def _tip_into_gaps(jaws: Jaws, arch: Iterable[int], lost: set[int], chance: Chance) -> None:
    """Teeth behind a gap lean into it."""
    for fdi in arch:
        if fdi % 10 in range(4, 9) and fdi - 1 in lost and chance.happens(0.4):
            tip, drift = chance.uniform(5, 25), chance.uniform(0, 4)
            jaws.move(
                fdi,
                [Move(_tipped(jaws.teeth[fdi], tip * f, 0.0), jaws.teeth[fdi].mesial * drift * f) for f in (1, 0.5)],
            )


ERUPTION = (6, 1, 2, 4, 3, 5, 7, 8)
"""Places in the order in which their permanent teeth come."""


def erupt_late(jaws: Jaws, present: Iterable[int], chance: Chance) -> set[int]:
    """A growing jaw: teeth from some place on are germs in the bone, with short roots, or not there yet.

    Milk teeth are not drawn: over a germ there is a gap.

    Returns:
        Numbers of the teeth that are not in their places.
    """
    places = ERUPTION[chance.count(1, len(ERUPTION) - 1) :]
    waiting = {fdi for fdi in present if fdi % 10 in places}
    for fdi in sorted(waiting):
        tooth, root = jaws.teeth[fdi], chance.uniform(-1, 5)
        turn = _tipped(tooth, chance.normal(10), chance.normal(8), chance.normal(20))
        depth = chance.uniform(5, 9)
        moves = [Move(turn, tooth.apex * depth * f, 0.95, root, is_covered=True) for f in (1.0, 0.85, 0.7, 0.55)]
        if not jaws.move(fdi, moves, in_bone=0.5):
            jaws.take_out(fdi)
    return waiting


def shrink_ridges(jaws: Jaws, long_lost: set[int], chance: Chance) -> None:
    """Lower the ridges of either jaw where two or more teeth were lost long ago, in most scans."""
    for upper in (True, False):
        gap = {fdi for fdi in jaws.teeth if fdi in long_lost and is_upper(fdi) == upper and fdi % 10 != _WISDOM}
        if len(gap) >= 2 and chance.happens(0.75):
            lower_ridge(jaws, gap, upper, chance.uniform(3, 14) if len(gap) > 11 else chance.uniform(1, 6))


def lower_ridge(jaws: Jaws, gap: set[int], upper: bool, depth_mm: float) -> None:
    """Take the ridge's height away where teeth of the gap stood, less beside other teeth and over canals and sinuses.

    What is left is rounded, has a new cortex, and gum over it.
    """
    codes = jaws.codes[::-1] if upper else jaws.codes  # so that crowns point to the end in both
    row = [tooth for fdi, tooth in jaws.teeth.items() if is_upper(fdi) == upper]
    middles = np.array([tooth.root_middle for tooth in row])
    if upper:
        middles[:, 0] = len(codes) - 1 - middles[:, 0]
    crests = np.array([_crest(tooth, len(codes) if upper else 0) for tooth in row])
    is_gone = np.array([tooth.fdi in gap for tooth in row])
    most = [
        _most_depth_mm(codes, middle, crest, upper, jaws.voxel_mm)
        for middle, crest in zip(middles, crests, strict=True)
    ]
    depths = np.where(is_gone, np.minimum(most, depth_mm), 0.0)
    reach = round(_RIDGE_MM / jaws.voxel_mm)
    low = np.maximum(middles[is_gone, 1:].min(0).astype(int) - reach, 0)
    high = middles[is_gone, 1:].max(0).astype(int) + reach + 1
    columns = codes[:, low[0] : high[0], low[1] : high[1]]
    level, depth = _ridge(columns.shape, middles[:, 1:] - low, crests, depths, is_gone, jaws.voxel_mm)
    _cut(columns, level, depth, upper, jaws.voxel_mm)


_RIDGE_MM = 11.0
"""Half the width of a ridge with what lies beside it."""
_LEFT_MM = {True: 2.0, False: 9.0}
"""Height of bone that the ridge keeps, above (to sinus and nose) and below."""


def _crest(tooth: Tooth, slices: int) -> float:
    """Slice at which the tooth's root leaves the bone; counted from the other end in an upper jaw of so many slices."""
    roots = _among(tooth.parts, [tooth_code(tooth.fdi, ToothPart.ROOT), tooth_code(tooth.fdi, ToothPart.PULP)])
    used = np.flatnonzero(roots.any((1, 2))) if roots.any() else np.array([0, 0])
    return float(slices - 1 - (tooth.first[0] + used[0]) if slices else tooth.first[0] + used[-1])


def _most_depth_mm(codes: Codes, root: Vector, crest: float, upper: bool, voxel_mm: float) -> float:
    """How far the ridge can be lowered until too little bone is left over canal, sinus, nose or the lower border."""
    row, column = np.rint(root[1:]).astype(int)
    half = max(1, round(1.0 / voxel_mm))
    below = codes[: max(0, int(root[0])), row - half : row + half + 1, column - half : column + half + 1]
    hollow = np.flatnonzero(_among(below, (*_CLOSED_TO_TEETH, Tissue.SOFT)).mean((1, 2)) > 0.1)
    height = (crest - (hollow[-1] if len(hollow) else 0)) * voxel_mm
    return max(0.0, height - _LEFT_MM[upper])


def _ridge(
    shape: tuple[int, ...], middles: Vector, crests: Vector, depths: Vector, is_gone: Mask, voxel_mm: float
) -> tuple[Vector, Vector]:
    """(rows, columns) slice of the new crest, and how far below the old one that is, in millimetres."""
    rows, columns = np.ogrid[: shape[1], : shape[2]]
    far = np.stack([np.hypot(rows - y, columns - x) for y, x in middles]) * voxel_mm
    near = np.exp(-((far / 4.0) ** 2)) + 1e-12
    near /= near.sum(0)
    aside = far[is_gone].min(0)
    beside_tooth = far[~is_gone].min(0, initial=99.0)
    taper = np.clip((_RIDGE_MM - aside) / 3, 0, 1) * np.clip((beside_tooth - 4.0) / 2.0, 0, 1)
    depth = np.tensordot(depths, near, 1) * taper
    rounded = 0.04 * np.minimum(aside, 6.0) ** 2 * np.minimum(depth, 1.0)
    return np.tensordot(crests, near, 1) + (0.5 - depth - rounded) / voxel_mm, depth


def _cut(columns: Codes, level: Vector, depth: Vector, upper: bool, voxel_mm: float) -> None:
    """Soft tissue above the level, and cortex below it, wherever the level lies below the old crest."""
    height = np.arange(len(columns), dtype=np.float32)[:, None, None] - level.astype(np.float32)
    bones = np.zeros(256, np.bool_)
    for fdi in PERMANENT_FDI:
        if is_upper(fdi) == upper:
            bones[[*_bones(fdi), ligament_code(fdi), *(tooth_code(fdi, part) for part in ToothPart)]] = True
    solid = bones[columns]
    above = solid & (height > 0)
    # a ramus, or the buttress of a cheek bone, rises past the ridge and stays
    rises = (bones[columns] & (columns < FIRST_TOOTH) & (height * voxel_mm > depth + _RISE_MM)).any(0)
    above &= (depth > 0.3) & ~rises
    columns[above] = Tissue.SOFT
    cortex = solid & ~above & (height * voxel_mm > -1.0) & (height <= 0) & (depth > 0.3) & ~rises
    columns[cortex] = Tissue.SKULL_SHELL if upper else Tissue.JAW_SHELL


_RISE_MM = 3.5
