"""What structures are called in DICOM: SNOMED CT codes, and FDI numbers for teeth.

Source: DICOM PS3.16, CID 4018 and 4019 (teeth), CID 4031 and 7151 (the others), CID 244 (sides).
"""

from dataclasses import dataclass

from gnathos.anatomy.structures import Structure
from gnathos.anatomy.teeth import DECIDUOUS_FDI, PERMANENT_FDI, is_left, is_upper

SNOMED = "SCT"
ISO_3950 = "99ISO3950"
"""DICOM registers no scheme for FDI numbers; one of one's own begins with 99."""
GNATHOS = "99GNATHOS"
"""For what DICOM's lists of SNOMED codes do not hold."""


@dataclass(frozen=True)
class Code:
    """A coded word."""

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True)
class Coding:
    """A structure in coded words."""

    kind: Code
    """What it is."""
    side: Code | None = None
    """Right or left, for what its kind does not say."""
    region: Code | None = None
    """Where it is, for what its kind does not place."""
    fdi: Code | None = None
    """The tooth's number."""


ANATOMICAL_STRUCTURE = Code("91723000", SNOMED, "Anatomical Structure")
RIGHT = Code("24028007", SNOMED, "Right")
LEFT = Code("7771000", SNOMED, "Left")

_MANDIBLE = Code("91609006", SNOMED, "Mandible")
_SINUS = Code("15924003", SNOMED, "Maxillary sinus")
_CANAL = Code("mandibular-canal", GNATHOS, "Mandibular canal")

_CODINGS = {
    "skull": Coding(Code("89546000", SNOMED, "Skull")),
    "mandible": Coding(_MANDIBLE),
    "maxillary": Coding(Code("70925003", SNOMED, "Maxilla")),
    "right_nerve": Coding(_CANAL, RIGHT, _MANDIBLE),
    "left_nerve": Coding(_CANAL, LEFT, _MANDIBLE),
    "right_sinus": Coding(_SINUS, RIGHT),
    "left_sinus": Coding(_SINUS, LEFT),
    "airway": Coding(Code("89187006", SNOMED, "Airway structure")),
    "soft_tissue": Coding(Code("87784001", SNOMED, "Soft tissue")),
}

_TOOTH_CODES = """
    422653006 424877001 860767006 57826002 36492000 865995000 863902006 68085002
    424399000 423185002 860780009 61897005 23226009 865988009 863901004 87704003
    425106001 423331005 860782001 2400006 24573005 866006002 863898000 74344005
    424575004 423937004 860785004 80140008 8873007 866005003 863899008 38994002
    88824007 65624003 30618001 17505006 27855007
    51678005 43622005 73937000 45234009 51943008
    89552004 14770005 43281008 38896004 49330006
    67834006 22445006 6062009 58646007 61868007
"""
"""SNOMED CT codes in the order of the FDI numbers, a quadrant a line."""
_CODE_OF_FDI = dict(zip((*PERMANENT_FDI, *DECIDUOUS_FDI), _TOOTH_CODES.split(), strict=True))

_PERMANENT = (
    *("central incisor", "lateral incisor", "canine", "first premolar", "second premolar"),
    *("first molar", "second molar", "third molar"),
)
_DECIDUOUS = ("central incisor", "lateral incisor", "canine", "first molar", "second molar")


def coding_of(structure: Structure) -> Coding:
    """A structure in coded words."""
    if structure.fdi is None:
        return _CODINGS[structure.name]
    fdi = structure.fdi
    number = Code(str(fdi), ISO_3950, f"FDI {fdi}")
    return Coding(Code(_CODE_OF_FDI[fdi], SNOMED, _tooth_name(fdi)), fdi=number)


def _tooth_name(fdi: int) -> str:
    generation, places = ("Deciduous", _DECIDUOUS) if fdi > 50 else ("Permanent", _PERMANENT)
    jaw = "maxillary" if is_upper(fdi) else "mandibular"
    side = "left" if is_left(fdi) else "right"
    return f"{generation} {jaw} {side} {places[fdi % 10 - 1]} tooth"
