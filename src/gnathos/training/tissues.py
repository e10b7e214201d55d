"""What an atlas is made of, and which class of the network each tissue belongs to."""

import enum

import numpy as np
import numpy.typing as npt

from gnathos.anatomy import PERMANENT_FDI, is_upper

CLASSES = (
    "background",
    "skull",
    "mandible",
    "upper_teeth",
    "lower_teeth",
    "canal",
    "sinus",
    "airway",
    "soft_tissue",
    "other_bone",
)
"""The network's classes, in the order of its channels.

The skull is all bone of the head above the mandible, the mandible a solid without its teeth and canals, the airway
the air of nose, mouth and pharynx, other bone the spine and the hyoid, soft tissue all else within the skin.
"""

BACKGROUND, SKULL, MANDIBLE, UPPER_TEETH, LOWER_TEETH, CANALS, SINUSES, AIRWAYS, SOFT_TISSUE, OTHER_BONE = range(10)


class Tissue(enum.IntEnum):
    """Codes of an atlas below those of the teeth."""

    AIR = 0
    SOFT = 1
    SKIN_INNER = 2
    SKIN_MIDDLE = 3
    SKIN_OUTER = 4
    BRAIN = 5
    AIRWAY_CORE = 6
    AIRWAY_RIM = 7
    ORAL = 8
    """Between tongue and palate: air or not."""
    BITE = 9
    """A thin sheet between the lips and the teeth, which opens with the mouth: air or not."""
    NOSE = 10
    SINUS = 11
    SINUS_WALL = 12
    CELLS = 13
    """Air cells of the skull base."""
    SKULL_SHELL = 14
    SKULL_CORE = 15
    DIPLOE = 16
    JAW_SHELL = 17
    JAW_SECOND = 18
    JAW_CORTEX = 19
    JAW_MARROW = 20
    CANAL = 21
    SPINE_SHELL = 22
    SPINE_CORE = 23
    HYOID = 24
    DEVICE = 25
    """Head rest, chin rest, ear rods: outside of the patient."""
    SINUS_RIM = 26
    """Air in large sinuses, swollen mucosa or bone in others."""
    METAL = 27
    """Plates, brackets and their wires."""


class ToothPart(enum.IntEnum):
    """Parts of a tooth, added to its first code."""

    ENAMEL = 0
    CROWN = 1
    ROOT = 2
    PULP = 3


FIRST_TOOTH = 32
PARTS_PER_TOOTH = len(ToothPart)
FIRST_LIGAMENT = FIRST_TOOTH + PARTS_PER_TOOTH * len(PERMANENT_FDI)
"""The thin gap around the roots of each tooth, on the fine grid only."""
CODES = FIRST_LIGAMENT + len(PERMANENT_FDI)


def tooth_code(fdi: int, part: ToothPart) -> int:
    """The code of one part of one tooth."""
    return FIRST_TOOTH + PARTS_PER_TOOTH * PERMANENT_FDI.index(fdi) + part


def ligament_code(fdi: int) -> int:
    """The code of the gap around the roots of one tooth."""
    return FIRST_LIGAMENT + PERMANENT_FDI.index(fdi)


_CLASS_OF_TISSUE = {
    Tissue.AIR: BACKGROUND,
    Tissue.DEVICE: BACKGROUND,
    Tissue.AIRWAY_CORE: AIRWAYS,
    Tissue.NOSE: AIRWAYS,
    Tissue.SINUS: SINUSES,
    Tissue.SINUS_RIM: SINUSES,
    Tissue.SINUS_WALL: SKULL,
    Tissue.SKULL_SHELL: SKULL,
    Tissue.SKULL_CORE: SKULL,
    Tissue.DIPLOE: SKULL,
    Tissue.JAW_SHELL: MANDIBLE,
    Tissue.JAW_SECOND: MANDIBLE,
    Tissue.JAW_CORTEX: MANDIBLE,
    Tissue.JAW_MARROW: MANDIBLE,
    Tissue.CANAL: CANALS,
    Tissue.SPINE_SHELL: OTHER_BONE,
    Tissue.SPINE_CORE: OTHER_BONE,
    Tissue.HYOID: OTHER_BONE,
}


def class_table() -> npt.NDArray[np.uint8]:
    """(CODES,) class of each code; tissues not named are soft tissue."""
    table = np.full(CODES, SOFT_TISSUE, np.uint8)
    for tissue, kind in _CLASS_OF_TISSUE.items():
        table[tissue] = kind
    for fdi in PERMANENT_FDI:
        table[tooth_code(fdi, ToothPart.ENAMEL) :][:PARTS_PER_TOOTH] = UPPER_TEETH if is_upper(fdi) else LOWER_TEETH
        table[ligament_code(fdi)] = SKULL if is_upper(fdi) else MANDIBLE
    return table
