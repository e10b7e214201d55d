"""What the numbers in other people's label maps stand for."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from gnathos.anatomy import PERMANENT_FDI, STRUCTURES
from gnathos.errors import UnknownConvention

_TEETH = {fdi: f"tooth{fdi}" for fdi in PERMANENT_FDI}
_LOWER_TEETH = tuple(f"tooth{fdi}" for fdi in PERMANENT_FDI if fdi > 30)
_UPPER_TEETH = tuple(f"tooth{fdi}" for fdi in PERMANENT_FDI if fdi < 30)

CONVENTIONS: dict[str, Mapping[int, str]] = {
    "gnathos": {structure.label: structure.name for structure in STRUCTURES.values()},
    "toothfairy": {
        1: "mandible",
        2: "upper_jaw",
        3: "left_nerve",
        4: "right_nerve",
        5: "left_sinus",
        6: "right_sinus",
        7: "airway",
        **_TEETH,
        103: "small_canals",
        104: "small_canals",
        105: "small_canals",
        **{100 + fdi: tooth for fdi, tooth in _TEETH.items()},
    },
    "dentalsegmentator": {1: "skull", 2: "mandible", 3: "upper_teeth", 4: "lower_teeth", 5: "nerves"},
}
"""Label value to part, by convention.

ToothFairy's 8-10 (bridges, crowns, implants) have no tooth's number and count as nothing; from its third edition on,
103-105 are canals of the chin and 111-148 the pulps of the teeth.
"""

PARTS: dict[str, tuple[str, ...]] = {
    "mandible": ("mandible", "lower_teeth", "nerves", "left_nerve", "right_nerve", "small_canals", *_LOWER_TEETH),
    "skull": ("skull", "maxillary", "upper_jaw", "upper_teeth", *_UPPER_TEETH),
    "maxillary": ("maxillary", "upper_jaw", "upper_teeth", *_UPPER_TEETH),
}
"""Parts that a delivered structure includes: the jaws carry their teeth, and the mandible is a solid."""

EVERYTHING = {"gnathos": "soft_tissue"}
"""Where a structure is all that a convention labels: the skin encloses the head."""


def holds(convention: str, structure: str) -> bool:
    """Whether a convention can tell a structure.

    Raises:
        UnknownConvention: there is no such convention.
    """
    known = set(_parts_by_value(convention).values())
    return (
        not known.isdisjoint(PARTS.get(structure, (structure,))) if structure != "maxillary" else "upper_jaw" in known
    )


def reference_mask(labels: npt.NDArray[np.generic], convention: str, structure: str) -> npt.NDArray[np.bool_]:
    """Where a label map has what the engine delivers under a structure's name.

    Args:
        labels: values of the convention.
        convention: a key of `CONVENTIONS`.
        structure: a name from `gnathos.anatomy.STRUCTURES`.

    Raises:
        UnknownConvention: there is no such convention.
    """
    parts_by_value = _parts_by_value(convention)
    if EVERYTHING.get(convention) == structure:
        return np.asarray(labels != 0)
    parts = PARTS.get(structure, (structure,))
    return np.asarray(np.isin(labels, [value for value, part in parts_by_value.items() if part in parts]))


def _parts_by_value(convention: str) -> Mapping[int, str]:
    if convention not in CONVENTIONS:
        raise UnknownConvention(f"No label convention is called {convention!r}; known: {', '.join(CONVENTIONS)}.")
    return CONVENTIONS[convention]
