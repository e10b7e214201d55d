"""Coded words against pydicom's copy of DICOM's own lists."""

from pydicom.sr import codedict

from gnathos.anatomy import DECIDUOUS_FDI, PERMANENT_FDI, STRUCTURES
from gnathos.anatomy.codes import coding_of
from gnathos.anatomy.colours import colour_of


def test_every_tooth_has_the_code_that_dicom_lists_for_it() -> None:
    for group, fdis in (("cid4018", PERMANENT_FDI), ("cid4019", DECIDUOUS_FDI)):
        listed = {
            str(code.value): str(code.meaning).lower() for code in getattr(codedict.codes, group).concepts.values()
        }
        kinds = [coding_of(STRUCTURES[f"tooth{fdi}"]).kind for fdi in fdis]

        assert {kind.value for kind in kinds} == listed.keys()
        for kind in kinds:
            words = set(kind.meaning.lower().split()) - {"permanent"}
            missing = words - set(listed[kind.value].split())
            assert missing <= {"incisor"}, (kind, listed[kind.value])


def test_every_structure_has_a_code_and_a_colour_that_its_neighbours_lack() -> None:
    codings = {(coding.kind, coding.side) for coding in map(coding_of, STRUCTURES.values())}

    assert len(codings) == len(STRUCTURES)
    assert all(0 <= part <= 255 for each in STRUCTURES.values() for part in colour_of(each))
    assert colour_of(STRUCTURES["tooth11"]) != colour_of(STRUCTURES["tooth12"])
    assert colour_of(STRUCTURES["tooth11"]) != colour_of(STRUCTURES["tooth21"])
