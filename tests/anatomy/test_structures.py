import pytest

from gnathos.anatomy import PERMANENT_FDI, SHORTHANDS, STRUCTURES, expand_structures, find_structure, is_left, is_upper
from gnathos.errors import UnknownStructure


def test_every_name_of_the_contract_is_known() -> None:
    for name in ("mandible", "skull", "maxillary", "maxillary-complex", "left_nerve", "right_nerve", "airway"):
        assert find_structure(name)
    for fdi in PERMANENT_FDI:
        assert find_structure(f"tooth{fdi}").fdi == fdi


def test_labels_are_unique() -> None:
    labels = [structure.label for structure in STRUCTURES.values()]

    assert len(labels) == len(set(labels))


def test_sides_and_arches_follow_iso_3950() -> None:
    assert [(is_upper(fdi), is_left(fdi)) for fdi in (18, 28, 38, 48)] == [
        (True, False),
        (True, True),
        (False, True),
        (False, False),
    ]


def test_shorthands_expand_to_known_structures_once() -> None:
    teeth = expand_structures(["all_teeth", "tooth11", "ALL-PERMANENT-TEETH"])

    assert len(teeth) == 52
    assert all(member in STRUCTURES for members in SHORTHANDS.values() for member in members)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownStructure, match="mandible"):
        find_structure("mandibel")
