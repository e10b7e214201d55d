"""What can be asked for: structures, teeth, shorthands. Tables, and nothing that acts."""

from gnathos.anatomy.formats import (
    INPUT_EXTENSIONS,
    MESH_EXTENSIONS,
    OUTPUT_EXTENSIONS,
    SCAN_EXTENSIONS,
    SURFACE_EXTENSIONS,
    input_extension,
    normalise_extension,
    output_extension,
    scan_extension,
    unknown_extension,
)
from gnathos.anatomy.structures import (
    FUSED_TEETH,
    SHORTHANDS,
    STRUCTURES,
    SURFACES,
    Family,
    Structure,
    expand_structures,
    find_structure,
)
from gnathos.anatomy.teeth import DECIDUOUS_FDI, PERMANENT_FDI, is_left, is_upper

__all__ = [
    "DECIDUOUS_FDI",
    "FUSED_TEETH",
    "INPUT_EXTENSIONS",
    "MESH_EXTENSIONS",
    "OUTPUT_EXTENSIONS",
    "PERMANENT_FDI",
    "SCAN_EXTENSIONS",
    "SHORTHANDS",
    "STRUCTURES",
    "SURFACES",
    "SURFACE_EXTENSIONS",
    "Family",
    "Structure",
    "expand_structures",
    "find_structure",
    "input_extension",
    "is_left",
    "is_upper",
    "normalise_extension",
    "output_extension",
    "scan_extension",
    "unknown_extension",
]
