"""How a head looks in one random scan: tissue values, the state of mouth and teeth, and what scanners do to them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from gnathos.anatomy import PERMANENT_FDI, is_upper
from gnathos.training.chance import Chance, Shape
from gnathos.training.tissues import (
    AIRWAYS,
    BACKGROUND,
    CODES,
    LOWER_TEETH,
    MANDIBLE,
    SINUSES,
    SKULL,
    SOFT_TISSUE,
    UPPER_TEETH,
    Tissue,
    ToothPart,
    class_table,
    ligament_code,
    tooth_code,
)

_WISDOM = 8


@dataclass
class Palette:
    """Per tissue code: its mean and spread in Hounsfield units, and its class."""

    mean: npt.NDArray[np.float32]
    spread: npt.NDArray[np.float32]
    kind: npt.NDArray[np.uint8]

    def become(self, code: int, like: int, kind: int) -> None:
        """Make one code look like another and belong to a class."""
        self.mean[code], self.spread[code], self.kind[code] = self.mean[like], self.spread[like], kind


def choose_palette(chance: Chance) -> Palette:
    """Random values for all tissues, in the order that X-rays give them, and a random state of mouth and teeth."""
    palette = Palette(np.zeros(CODES, np.float32), np.zeros(CODES, np.float32), class_table())
    _tissue_values(palette, chance)
    _tooth_values(palette, chance)
    _cavities(palette, chance)
    _skin(palette, chance)
    _missing_teeth(palette, chance)
    if chance.happens(0.4):
        _metal(palette, chance)
    return palette


def _tissue_values(palette: Palette, chance: Chance) -> None:
    u = chance.uniform
    bone, marrow, soft = u(650, 1700), u(-50, 550), u(-40, 110)
    trabecular = u(0.25, 0.75) * bone
    deep = bone * u(0.7, 1.0) if chance.happens(0.25) else trabecular * u(0.6, 1.2)
    air, gas = u(-1010, -960), u(-1000, -850)
    second = bone * u(0.8, 1.05) if chance.happens(0.5) else trabecular
    values = {
        Tissue.AIR: (air, u(3, 30)),
        Tissue.DEVICE: (u(-800, 500), u(5, 60)),
        Tissue.SOFT: (soft, u(5, 80)),
        Tissue.BRAIN: (soft + u(-40, 20), u(5, 50)),
        Tissue.AIRWAY_CORE: (gas, u(5, 50)),
        Tissue.SINUS: (gas, u(5, 50)),
        Tissue.SINUS_WALL: (bone * u(0.4, 1.0), u(50, 200)),
        Tissue.CELLS: (u(-900, 300), u(100, 300)),
        Tissue.SKULL_SHELL: (bone * u(0.75, 1.1), u(60, 300)),
        Tissue.SKULL_CORE: (trabecular * u(0.7, 1.3) if chance.happens(0.6) else bone, u(80, 300)),
        Tissue.DIPLOE: (trabecular * u(0.5, 1.2), u(80, 250)),
        Tissue.JAW_SHELL: (bone, u(50, 250)),
        Tissue.JAW_SECOND: (second, u(60, 250)),
        Tissue.JAW_CORTEX: (deep, u(80, 250)),
        Tissue.JAW_MARROW: (marrow, u(40, 200)),
        Tissue.CANAL: (min(marrow, u(0, 200)) - u(0, 150), u(20, 90)),
        Tissue.SPINE_SHELL: (bone * u(0.5, 0.9), u(60, 250)),
        Tissue.SPINE_CORE: (u(120, 500), u(60, 200)),
        Tissue.HYOID: (bone * u(0.3, 0.8), u(50, 200)),
        Tissue.METAL: (6000.0, 100.0),
    }
    for tissue, (mean, spread) in values.items():
        palette.mean[tissue], palette.spread[tissue] = mean, spread


def _tooth_values(palette: Palette, chance: Chance) -> None:
    bone = float(palette.mean[Tissue.JAW_SHELL])
    dentine = bone * chance.uniform(0.95, 1.4)
    spread = chance.uniform(40, 250)
    parts = {
        ToothPart.ENAMEL: dentine * chance.uniform(1.1, 1.7),
        ToothPart.CROWN: dentine * chance.uniform(1.0, 1.15),
        ToothPart.ROOT: dentine,
        ToothPart.PULP: chance.uniform(0.2, 0.9) * dentine,
    }
    soft = float(palette.mean[Tissue.SOFT])
    gap = {upper: soft + chance.uniform(0.2, 1.0) * (bone - soft) for upper in (True, False)}  # some bone is in it
    for fdi in PERMANENT_FDI:
        code = ligament_code(fdi)
        palette.mean[code], palette.spread[code] = gap[is_upper(fdi)], chance.uniform(20, 150)
        own = chance.uniform(0.94, 1.06)
        for part, mean in parts.items():
            code = tooth_code(fdi, part)
            palette.mean[code], palette.spread[code] = mean * own, spread


def _cavities(palette: Palette, chance: Chance) -> None:
    """Which of the head's spaces hold air."""
    palette.become(Tissue.NOSE, Tissue.AIRWAY_CORE, AIRWAYS)
    for tissue, probability in ((Tissue.AIRWAY_RIM, 0.5), (Tissue.ORAL, 0.45), (Tissue.BITE, 0.45)):
        if chance.happens(probability):
            palette.become(tissue, Tissue.AIRWAY_CORE, AIRWAYS)
        else:
            palette.become(tissue, Tissue.SOFT, SOFT_TISSUE)
    if chance.happens(0.08):
        palette.become(Tissue.AIRWAY_CORE, Tissue.SOFT, SOFT_TISSUE)
    if chance.happens(0.15):
        palette.mean[Tissue.SINUS] = chance.uniform(-20, 60)
    rim, kind = ((Tissue.SINUS, SINUSES), (Tissue.SOFT, SINUSES), (Tissue.SKULL_CORE, SKULL))[
        int(chance.numbers.choice(3, p=[0.65, 0.15, 0.2]))
    ]
    palette.become(Tissue.SINUS_RIM, rim, kind)


def _skin(palette: Palette, chance: Chance) -> None:
    """How thick the layer of fat and skin is; what lies further out is air."""
    layers = (Tissue.SKIN_INNER, Tissue.SKIN_MIDDLE, Tissue.SKIN_OUTER)
    present = chance.count(0, len(layers))
    for depth, layer in enumerate(layers):
        if depth >= present:
            palette.become(layer, Tissue.AIR, BACKGROUND)
        else:
            palette.become(layer, Tissue.SOFT, SOFT_TISSUE)
            palette.mean[layer] = chance.uniform(-120, 40)


def _missing_teeth(palette: Palette, chance: Chance) -> None:
    style = chance.numbers.random()
    lost = 0.0 if style < 0.4 else 0.08 if style < 0.75 else chance.uniform(0.1, 0.6)
    bare_upper, bare_lower = chance.happens(0.06), chance.happens(0.06)
    for fdi in PERMANENT_FDI:
        gone = chance.happens(0.6 if fdi % 10 == _WISDOM else lost)
        if gone or (bare_upper if is_upper(fdi) else bare_lower):
            _extract(palette, chance, fdi)


def _extract(palette: Palette, chance: Chance, fdi: int) -> None:
    """No tooth: its crown is mouth, or soft tissue behind the other teeth; its socket bone as around it."""
    socket, kind = (Tissue.SKULL_CORE, SKULL) if is_upper(fdi) else (Tissue.JAW_CORTEX, MANDIBLE)
    if not is_upper(fdi) and chance.happens(0.6):
        socket = Tissue.JAW_MARROW
    mouth = Tissue.SOFT if fdi % 10 == _WISDOM else Tissue.ORAL
    for part in (ToothPart.ENAMEL, ToothPart.CROWN):
        palette.become(tooth_code(fdi, part), mouth, int(palette.kind[mouth]))
    for part in (ToothPart.ROOT, ToothPart.PULP):
        palette.become(tooth_code(fdi, part), socket, kind)
    palette.become(ligament_code(fdi), socket, kind)


def lost_teeth(palette: Palette) -> set[int]:
    """Those whose crown and root are both no tooth."""
    parts = (ToothPart.CROWN, ToothPart.ROOT)
    kinds = {fdi: {int(palette.kind[tooth_code(fdi, part)]) for part in parts} for fdi in PERMANENT_FDI}
    return {fdi for fdi, kind in kinds.items() if not kind & {UPPER_TEETH, LOWER_TEETH}}


def has_open_socket(palette: Palette, fdi: int) -> bool:
    """Whether a tooth was lost of late."""
    return int(palette.kind[tooth_code(fdi, ToothPart.ROOT)]) == SOFT_TISSUE


def open_sockets(palette: Palette, chance: Chance) -> None:
    """Some lost teeth were lost of late: blood or young tissue within the socket's wall, which is bone.

    Of some others the wall is still seen around new bone.
    """
    share = float(chance.numbers.choice([0.0, 0.3, 1.0], p=[0.5, 0.3, 0.2]))
    soft, bone = float(palette.mean[Tissue.SOFT]), float(palette.mean[Tissue.JAW_SHELL])
    wall = soft + chance.uniform(0.5, 1.0) * (bone - soft)
    for fdi in sorted(lost_teeth(palette)):
        is_open = chance.happens(share)
        if is_open:
            for part in (ToothPart.ROOT, ToothPart.PULP):
                palette.become(tooth_code(fdi, part), Tissue.SOFT, SOFT_TISSUE)
                palette.mean[tooth_code(fdi, part)] = soft + chance.uniform(-30, 120)
        if is_open or chance.happens(0.25):
            palette.mean[ligament_code(fdi)] = wall


def _metal(palette: Palette, chance: Chance) -> None:
    """Crowns, fillings, root fillings and implants on some teeth."""
    share = chance.uniform(0.03, 0.35)
    for fdi in PERMANENT_FDI:
        if not chance.happens(share):
            continue
        parts = {
            0: (ToothPart.ENAMEL, ToothPart.CROWN),
            1: (ToothPart.CROWN,),
            2: (ToothPart.PULP,),
            3: (ToothPart.ROOT, ToothPart.PULP),
        }[chance.count(0, 3)]
        for part in parts:
            palette.mean[tooth_code(fdi, part)] = chance.uniform(2800, 9000)
        if parts[0] == ToothPart.ROOT:
            _implant(palette, fdi)


def _implant(palette: Palette, fdi: int) -> None:
    """A crown on a screw in the bone; the crown counts as tooth also where a tooth was lost."""
    for part in (ToothPart.ENAMEL, ToothPart.CROWN):
        palette.mean[tooth_code(fdi, part)] = 2500
        palette.kind[tooth_code(fdi, part)] = UPPER_TEETH if is_upper(fdi) else LOWER_TEETH
    for part in (ToothPart.ROOT, ToothPart.PULP):
        palette.kind[tooth_code(fdi, part)] = SKULL if is_upper(fdi) else MANDIBLE


METAL_HU = 2700.0


def texture(value: torch.Tensor, codes: torch.Tensor, palette: Palette, chance: Chance) -> torch.Tensor:
    """Grain within tissues and fat between muscles; none at all in some scans."""
    shape = _shape(value)
    if chance.happens(0.12):
        return value
    spread = torch.from_numpy(palette.spread)[codes] * chance.uniform(0.2, 1.2)
    value = value + spread * (0.6 * chance.noise(shape) + 0.8 * chance.field(max(shape) // 3, shape)[0])
    if chance.happens(0.7):
        soft = (codes == Tissue.SOFT) | (codes == Tissue.SKIN_INNER)
        fat = (chance.field(chance.count(5, 14), shape)[0] > chance.uniform(0, 1.2)) & soft
        value = value - fat * chance.uniform(30, 160)
    return value + _drift(value, chance)


def _drift(value: torch.Tensor, chance: Chance) -> torch.Tensor:
    """A slow drift of the whole scan."""
    shape = _shape(value)
    gain, offset = chance.field(3, shape)[0], chance.field(4, shape)[0]
    return value * gain * chance.uniform(0, 0.12) + offset * chance.uniform(0, 80)


def streaks(value: torch.Tensor, chance: Chance) -> torch.Tensor:
    """Rays and shadows in the axial planes of metal: its mask convolved with a random star."""
    metal = ((value - METAL_HU) / 3000).clamp(0, 1)
    planes = metal.sum((1, 2)) > 0.3
    if not bool(planes.any()) or chance.happens(0.2):
        return value
    rays = _convolve(metal, _star(_shape(value)[1:], chance))
    shadow = _convolve(metal, _star(_shape(value)[1:], chance).abs())
    strength = chance.uniform(200, 2500)
    added = strength * (rays - chance.uniform(0, 0.4) * shadow)
    return value + added.clamp(-2500, 4000)


def _star(plane: tuple[int, int], chance: Chance) -> torch.Tensor:
    """(2 rows, 2 columns) kernel around its middle: random over angles, falling with distance."""
    y, x = torch.meshgrid(*(torch.arange(2 * edge, dtype=torch.float32) - edge for edge in plane), indexing="ij")
    angle, far = torch.atan2(y, x), torch.hypot(y, x)
    wave = torch.zeros_like(angle)
    for _ in range(5):
        wave += torch.cos(2 * chance.count(1, 9) * angle + chance.uniform(0, 6.3))
    return wave / (far + 1.5) / 2.2 * (far > 0.5)


def _convolve(volume: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    rows, columns = volume.shape[1:]
    spectrum = torch.fft.rfft2(volume, s=kernel.shape) * torch.fft.rfft2(kernel)
    return torch.fft.irfft2(spectrum, s=kernel.shape)[:, rows:, columns:][:, :rows, :columns]


def scanner(value: torch.Tensor, chance: Chance) -> torch.Tensor:
    """Scatter, cupping, motion, blur, thick slices, rings and noise, each in some scans."""
    shape = _shape(value)
    if chance.happens(0.35):
        bone = smooth((value - 300).clamp(0, 2500), chance.uniform(3, 8))
        value = value - bone * chance.uniform(0, 0.5)
    if chance.happens(0.35):
        value = value * (1 + _radius(shape, chance) ** 2 * chance.uniform(-0.25, 0.25))
    if chance.happens(0.15):
        shift = [chance.count(-1, 1) for _ in range(3)]
        share = chance.uniform(0.1, 0.5)
        value = (1 - share) * value + share * torch.roll(value, shift, (0, 1, 2))
    if chance.happens(0.7):
        value = smooth(value, chance.uniform(0.2, 0.9))
    if chance.happens(0.25):
        value = _thick_slices(value, chance)
    if chance.happens(0.12):
        rings = torch.from_numpy(chance.numbers.normal(0, chance.uniform(10, 120), 256)).float()
        value = value + rings[(_radius(shape, chance) * 50).long().clamp(0, 255)]
    if chance.happens(0.85):
        value = value + _noise(shape, chance)
    return value


def _noise(shape: Shape, chance: Chance) -> torch.Tensor:
    """White or coloured noise; the coarse grid has averaged most of what the scan has."""
    noise = chance.noise(shape)
    if chance.happens(0.5):
        width = chance.uniform(0.4, 1.0)
        noise = smooth(noise, width)
        noise = noise / noise.std()
    level = chance.uniform(3, 60) if chance.happens(0.6) else chance.uniform(30, 180)
    return noise * level


def smooth(value: torch.Tensor, deviation: float) -> torch.Tensor:
    """Gaussian blur; `deviation` in voxels."""
    reach = max(1, round(2.5 * deviation))
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / deviation) ** 2)
    kernel = (kernel / kernel.sum()).float()
    volume = value[None, None]
    for axis in range(3):
        line = kernel.view([1, 1, *(-1 if k == axis else 1 for k in range(3))])
        pad = [0] * 6
        pad[2 * (2 - axis)] = pad[2 * (2 - axis) + 1] = reach
        volume = functional.conv3d(functional.pad(volume, pad, mode="replicate"), line)
    return volume[0, 0]


def _thick_slices(value: torch.Tensor, chance: Chance) -> torch.Tensor:
    """Fewer slices along one axis, mostly the first, then interpolated back."""
    axis = 0 if chance.happens(0.85) else chance.count(1, 2)
    shape = list(value.shape)
    shape[axis] = max(4, round(shape[axis] / chance.uniform(1.2, 2.6)))
    few = functional.interpolate(value[None, None], size=shape, mode="area" if chance.happens(0.6) else "trilinear")
    return functional.interpolate(few, size=value.shape, mode="trilinear")[0, 0]


def _radius(shape: Shape, chance: Chance) -> torch.Tensor:
    """(slices, rows, columns) distance from a vertical axis near the middle; 1 at the middle of the edge."""
    lines = [torch.linspace(-1, 1, edge) + chance.uniform(-0.1, 0.1) for edge in shape[1:]]
    return torch.hypot(lines[0][:, None], lines[1][None]).expand(shape)


def field_of_view(value: torch.Tensor, chance: Chance) -> torch.Tensor | None:
    """Where the scan measured anything, for scans whose field of view is a cylinder; else None."""
    if not chance.happens(0.4):
        return None
    shape = _shape(value)
    return _radius(shape, chance) < chance.uniform(0.8, 1.15)


def truncation_rim(value: torch.Tensor, chance: Chance) -> torch.Tensor:
    """Brighter to the edge of the field of view, as where the head goes on outside of it."""
    if not chance.happens(0.3):
        return value
    rim = _radius(_shape(value), chance).clamp(0, 1) ** chance.uniform(4, 14)
    return value + rim * chance.uniform(50, 500)


def gray_scale(value: torch.Tensor, chance: Chance) -> torch.Tensor:
    """From Hounsfield units to a scanner's own scale: monotone, clipped, in steps."""
    if chance.happens(0.08):
        value = value.clamp(min=chance.uniform(-250, 150))
    if chance.happens(0.5):
        value = value.clamp(min=-1000 + chance.uniform(-24, 60))
    if chance.happens(0.5):
        value = value.clamp(max=chance.uniform(1800, 4000))
    if chance.happens(0.5):
        knots = np.array([-3000.0, -1000, -400, 100, 600, 1500, 3000, 9000])
        steps = np.diff(knots) * chance.numbers.uniform(0.65, 1.5, len(knots) - 1)
        mapped = np.interp(value.numpy(), knots, np.concatenate([[0.0], np.cumsum(steps)]))
        value = torch.from_numpy(mapped).float() * chance.uniform(0.05, 2) + chance.uniform(-1500, 1500)
        return (value / (step := chance.uniform(1, 12))).round() * step if chance.happens(0.5) else value
    return value * chance.uniform(0.9, 1.1) + chance.uniform(-50, 50)


def _shape(value: torch.Tensor) -> Shape:
    slices, rows, columns = value.shape
    return slices, rows, columns
