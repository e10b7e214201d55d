"""The structures of the contract: names, labels, families, shorthands."""

import difflib
import enum
from collections.abc import Iterable
from dataclasses import dataclass

from gnathos.anatomy.teeth import DECIDUOUS_FDI, PERMANENT_FDI, is_left, is_upper
from gnathos.errors import UnknownStructure


class Family(enum.StrEnum):
    """The option group that a structure's mesh settings come from."""

    MANDIBLE = "mandible"
    SKULL = "skull"
    MAXILLARY_COMPLEX = "maxillary-complex"
    NERVE = "nerve"
    AIRWAY = "airway"
    DENTITION = "dentition"
    SOFT_TISSUE = "soft-tissue"
    MAXILLARY_SINUS = "maxillary-sinus"
    SURFACE = "surface"
    """Scans of surfaces, which are given back as they came unless these options say otherwise."""


@dataclass(frozen=True)
class Structure:
    """One anatomical thing that can be asked for by name."""

    name: str
    """The identifier of the contract, with underscores."""
    label: int
    """Its value in a label map; 1-99 as in ToothFairy where that has one, teeth by FDI number."""
    family: Family
    description: str
    fdi: int | None = None
    """The tooth's number, for teeth."""


def _tooth(fdi: int) -> Structure:
    arch = "upper" if is_upper(fdi) else "lower"
    side = "left" if is_left(fdi) else "right"
    generation = "deciduous" if fdi > 50 else "permanent"
    return Structure(f"tooth{fdi}", fdi, Family.DENTITION, f"{generation} tooth {fdi}, {arch} {side}", fdi)


_BONES_AND_SPACES = (
    Structure("skull", 1, Family.SKULL, "the bones of the skull with the upper jaw, without the mandible"),
    Structure("mandible", 2, Family.MANDIBLE, "the mandible, a solid with its cancellous bone"),
    Structure("maxillary", 3, Family.MAXILLARY_COMPLEX, "the upper jaw and the midface"),
    Structure("right_nerve", 101, Family.NERVE, "the right mandibular canal"),
    Structure("left_nerve", 102, Family.NERVE, "the left mandibular canal"),
    Structure("right_sinus", 103, Family.MAXILLARY_SINUS, "the right maxillary sinus"),
    Structure("left_sinus", 104, Family.MAXILLARY_SINUS, "the left maxillary sinus"),
    Structure("airway", 105, Family.AIRWAY, "the pharyngeal airway"),
    Structure("soft_tissue", 106, Family.SOFT_TISSUE, "the skin's surface and what it encloses"),
)

STRUCTURES: dict[str, Structure] = {
    structure.name: structure
    for structure in (*_BONES_AND_SPACES, *map(_tooth, PERMANENT_FDI), *map(_tooth, DECIDUOUS_FDI))
}
"""Every structure by name."""

SURFACES: dict[str, Structure] = {
    structure.name: structure
    for structure in (
        Structure("ios_upper", 301, Family.SURFACE, "the upper intra-oral scan that was sent"),
        Structure("ios_lower", 302, Family.SURFACE, "the lower intra-oral scan that was sent"),
        Structure("facial", 303, Family.SURFACE, "the facial scan that was sent"),
    )
}
"""Inputs that are meshes and can be asked for as such, by their key; no part of a label map."""

FUSED_TEETH: dict[str, Structure] = {
    structure.name: structure
    for structure in (
        Structure(f"fused_tooth{fdi}", 400 + fdi, Family.DENTITION, f"tooth {fdi}, its crown from an intra-oral scan")
        for fdi in (*PERMANENT_FDI, *DECIDUOUS_FDI)
    )
}
"""Teeth of a CBCT with the crowns of an intra-oral scan, which are known by name only; no part of a label map."""

_ALIASES = {"maxillary_complex": "maxillary", "maxilla": "maxillary"}

SHORTHANDS: dict[str, tuple[str, ...]] = {
    "all_permanent_teeth": tuple(f"tooth{fdi}" for fdi in PERMANENT_FDI),
    "all_deciduous_teeth": tuple(f"tooth{fdi}" for fdi in DECIDUOUS_FDI),
    "all_teeth": tuple(f"tooth{fdi}" for fdi in (*PERMANENT_FDI, *DECIDUOUS_FDI)),
    "all_nerves": ("right_nerve", "left_nerve"),
    "all_sinuses": ("right_sinus", "left_sinus"),
}
"""Names that stand for several structures."""


def expand_structures(names: Iterable[str]) -> list[Structure]:
    """Resolve names and shorthands, in the order asked for, each structure once.

    Args:
        names: names of the contract; hyphens count as underscores, case does not matter.

    Raises:
        UnknownStructure: a name is neither; says which come nearest.

    >>> [structure.name for structure in expand_structures(["all_nerves", "Left-Nerve"])]
    ['right_nerve', 'left_nerve']
    """
    found: dict[str, Structure] = {}
    for name in names:
        for member in SHORTHANDS.get(_normalise(name), (name,)):
            structure = find_structure(member)
            found[structure.name] = structure
    return list(found.values())


def find_structure(name: str) -> Structure:
    """The structure of that name (not a shorthand).

    Raises:
        UnknownStructure: there is none; says which come nearest.
    """
    normalised = _normalise(name)
    structure = {**STRUCTURES, **SURFACES, **FUSED_TEETH}.get(_ALIASES.get(normalised, normalised))
    if structure is None:
        known = [*STRUCTURES, *SHORTHANDS, *SURFACES, *FUSED_TEETH]
        nearest = difflib.get_close_matches(normalised, known, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(nearest)}?" if nearest else ""
        raise UnknownStructure(f"No structure is called {name[:80]!r}.{hint}")
    return structure


def _normalise(name: str) -> str:
    return name.strip().lower().replace("-", "_")
