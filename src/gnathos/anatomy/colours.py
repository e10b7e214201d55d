"""One colour per structure, the same in every format that carries colours."""

from gnathos.anatomy.structures import Structure

Colour = tuple[int, int, int]
"""Red, green, blue; 0-255."""

_COLOURS: dict[str, Colour] = {
    "skull": (222, 209, 178),
    "mandible": (201, 176, 132),
    "maxillary": (214, 190, 150),
    "right_nerve": (237, 125, 49),
    "left_nerve": (245, 178, 35),
    "right_sinus": (86, 158, 206),
    "left_sinus": (120, 190, 220),
    "airway": (70, 178, 168),
    "soft_tissue": (224, 172, 150),
    "ios_upper": (233, 215, 200),
    "ios_lower": (214, 205, 220),
    "facial": (224, 172, 150),
}

_TOOTH_SHADES: tuple[Colour, ...] = ((250, 244, 225), (228, 220, 236), (214, 232, 222), (240, 222, 210))
"""Neighbours differ."""


def colour_of(structure: Structure) -> Colour:
    """The structure's colour."""
    if structure.fdi is None:
        return _COLOURS[structure.name]
    return _TOOTH_SHADES[(structure.fdi + structure.fdi // 10) % len(_TOOTH_SHADES)]
