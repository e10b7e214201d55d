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
        2: "skull",
        3: "left_nerve",
        4: "right_nerve",
        5: "left_sinus",
        6: "right_sinus",
        7: "airway",
        **_TEETH,
    },
    "dentalsegmentator": {1: "skull", 2: "mandible", 3: "upper_teeth", 4: "lower_teeth", 5: "nerves"},
}
"""Label value to part, by convention. ToothFairy's 8-10 (bridges, crowns, implants) count as nothing."""

WITH_TEETH = {
    "mandible": ("mandible", "lower_teeth", "nerves", "left_nerve", "right_nerve", *_LOWER_TEETH),
    "skull": ("skull", "upper_teeth", *_UPPER_TEETH),
}
"""Parts that a delivered structure includes: the jaws carry their teeth, and the mandible is a solid."""


def reference_mask(labels: npt.NDArray[np.generic], convention: str, structure: str) -> npt.NDArray[np.bool_]:
    """Where a label map has what the engine delivers under a structure's name.

    Args:
        labels: values of the convention.
        convention: a key of `CONVENTIONS`.
        structure: a name from `gnathos.anatomy.STRUCTURES`.

    Raises:
        UnknownConvention: there is no such convention.
    """
    if convention not in CONVENTIONS:
        raise UnknownConvention(f"No label convention is called {convention!r}; known: {', '.join(CONVENTIONS)}.")
    parts = WITH_TEETH.get(structure, (structure,))
    values = [value for value, part in CONVENTIONS[convention].items() if part in parts]
    return np.asarray(np.isin(labels, values))
