"""What a server calls its files is not where they go."""

import pytest

from gnathos.client.saving import LONGEST_NAME, Names


@pytest.mark.parametrize(
    ("kind", "structures", "extension", "expected"),
    [
        ("meshes", ["mandible"], ".stl", "mandible.stl"),
        ("meshes", ["mandible", "skull"], ".ply", "mandible+skull.ply"),
        ("segmentations", ["all_teeth"], ".nii.gz", "segmentations-all_teeth.nii.gz"),
        ("report", [], ".json", "report.json"),
        ("meshes", ["../../etc/passwd"], "/x", "_.._etc_passwd_x"),
        ("meshes", [f"tooth{fdi}" for fdi in range(11, 49)], ".stl", "meshes.stl"),
    ],
)
def test_a_file_is_named_after_what_it_holds(kind: str, structures: list[str], extension: str, expected: str) -> None:
    name = Names().name_of(kind, {"structures": structures, "extension": extension})

    assert name == expected
    assert "/" not in name
    assert len(name) <= LONGEST_NAME + len(extension)


def test_no_file_takes_anothers_name() -> None:
    names = Names()
    file = {"structures": ["mandible"], "extension": ".stl"}

    assert [names.name_of("meshes", file) for _ in range(3)] == ["mandible.stl", "mandible-2.stl", "mandible-3.stl"]
    assert names.name_of("meshes", {**file, "extension": ".ply"}) == "mandible.ply"
