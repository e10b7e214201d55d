"""Surface scans: what is read, what is mended, what is refused."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.makers import surfaces as make
from tests.shared import shared_path

from gnathos.errors import ArchiveRefused, ScanError, ScanTooLarge, SurfaceTooLarge, SurfaceUnreadable
from gnathos.imaging.limits import Limits
from gnathos.meshing import Mesh
from gnathos.surfaces import Surface, read_surface

GOOD = {
    "binary STL whose header begins with solid": (".stl", make.binary_stl()),
    "text STL": (".stl", make.text_stl()),
    "little-endian PLY": (".ply", make.ply("<")),
    "big-endian PLY": (".ply", make.ply(">")),
    "text PLY": (".ply", make.text_ply()),
    "OBJ": (".obj", make.obj()),
    "OBJ counting back": (".obj", make.obj("f -4 -2 -3\nf -4 -3 -1\nf -3 -2 -1\nf -4 -1 -2\n")),
    "zip with a texture": (
        ".zip",
        make.zipped(**{"scan/a.obj": make.obj(), "scan/a.mtl": b"", "scan/a.png": b"x", "__MACOSX/a.obj": b"x"}),
    ),
    "PLY announced as STL": (".stl", make.ply()),
}


def read(content: bytes, extension: str, folder: Path, limits: Limits | None = None) -> Surface:
    (folder / "file").write_bytes(content)
    return read_surface(folder / "file", extension, limits)


def mesh_of(surface: Surface) -> Mesh:
    return Mesh(surface.vertices_mm.astype(np.float32), surface.faces.astype(np.int32))


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzipped"])
@pytest.mark.parametrize("name", GOOD)
def test_every_format_gives_the_same_solid(name: str, packed: bool, tmp_path: Path) -> None:
    extension, content = GOOD[name]
    surface = read(gzip.compress(content) if packed else content, extension + ".gz" * packed, tmp_path)

    assert mesh_of(surface).is_watertight
    assert mesh_of(surface).volume_ml == pytest.approx(make.VOLUME_ML)
    assert len(surface.vertices_mm) == 4


def test_a_polygon_becomes_triangles_of_the_same_area(tmp_path: Path) -> None:
    surface = read(make.text_ply("4 0 1 3 2\n3 0 2 1\n"), ".ply", tmp_path)

    assert len(surface.faces) == 3


def test_texture_and_a_wrong_extension_are_told(tmp_path: Path) -> None:
    assert [note["code"] for note in read(make.obj(), ".obj", tmp_path).notes] == ["texture_left_out"]
    codes = {note["code"] for note in read(make.ply(), ".stl", tmp_path).notes}

    assert codes == {"extension_differs", "texture_left_out"}


def test_what_has_no_area_or_comes_twice_is_left_out(tmp_path: Path) -> None:
    corners = np.vstack([make.CORNERS, make.CORNERS[:1], [[np.nan] * 3]])
    faces = np.vstack([make.FACES, [(0, 4, 1)], [(1, 1, 2)], [(2, 1, 0)]])
    surface = read(make.ply("<", corners, faces), ".ply", tmp_path)

    assert mesh_of(surface).is_watertight
    assert (len(surface.vertices_mm), len(surface.faces)) == (4, 4)
    assert surface.notes[0] == {
        "code": "triangles_left_out",
        "detail": "3 triangles without area or given twice were left out.",
    }


def test_a_mesh_in_metres_is_told(tmp_path: Path) -> None:
    surface = read(make.ply("<", make.CORNERS / 1000), ".ply", tmp_path)

    assert "unit_unclear" in [note["code"] for note in surface.notes]


def with_nan() -> bytes:
    corners = make.CORNERS.copy()
    corners[2, 1] = np.nan
    return make.ply("<", corners)


HOSTILE: dict[str, tuple[str, Callable[[], bytes], type[ScanError]]] = {
    "STL of four billion triangles": (".stl", lambda: make.binary_stl(b"x", 2**32 - 1), SurfaceUnreadable),
    "STL cut short": (".stl", lambda: make.binary_stl()[:-7], SurfaceUnreadable),
    "text STL cut short": (".stl", lambda: make.text_stl(b"")[:-60], SurfaceUnreadable),
    "text STL with words for numbers": (
        ".stl",
        lambda: make.text_stl().replace(b"3.0", b"wide"),
        SurfaceUnreadable,
    ),
    "PLY with NaN": (".ply", with_nan, SurfaceUnreadable),
    "PLY with places beyond reach": (".ply", lambda: make.ply("<", make.CORNERS * 1e30), SurfaceUnreadable),
    "PLY with wild indices": (".ply", lambda: make.ply("<", faces=make.FACES + 2**31 - 5), SurfaceUnreadable),
    "PLY with negative indices": (".ply", lambda: make.ply("<", faces=make.FACES - 1), SurfaceUnreadable),
    "PLY declaring billions": (".ply", lambda: make.ply(declared=4_000_000_000), SurfaceTooLarge),
    "PLY declaring more than there is": (".ply", lambda: make.ply(declared=5), SurfaceUnreadable),
    "PLY whose header never ends": (".ply", lambda: b"ply\n" + b"comment x\n" * 50_000, SurfaceUnreadable),
    "PLY with a list longer than the file": (".ply", lambda: make.text_ply("4000000000 1 2 3\n"), SurfaceUnreadable),
    "PLY with a list of not-a-number": (".ply", lambda: make.text_ply("nan 1 2 3\n"), SurfaceUnreadable),
    "OBJ with an index beyond": (".obj", lambda: make.obj("f 1 2 99\n"), SurfaceUnreadable),
    "OBJ counting back too far": (".obj", lambda: make.obj("f -1 -2 -99\n"), SurfaceUnreadable),
    "OBJ with an index of zero": (".obj", lambda: make.obj("f 0 1 2\n"), SurfaceUnreadable),
    "OBJ with an endless index": (".obj", lambda: make.obj("f 1 2 " + "9" * 60 + "\n"), SurfaceUnreadable),
    "OBJ without faces": (".obj", lambda: make.obj("l 1 2\n"), SurfaceUnreadable),
    "nothing that is a mesh": (".obj", lambda: b"Dear colleague, please find the scan attached.", SurfaceUnreadable),
    "zip of two meshes": (
        ".zip",
        lambda: make.zipped(**{"a.stl": make.binary_stl(), "b.stl": make.binary_stl()}),
        ArchiveRefused,
    ),
    "zip that climbs out": (".zip", lambda: make.zipped(**{"../a.stl": make.binary_stl()}), ArchiveRefused),
    "zip bomb": (".zip", lambda: make.zipped(**{"a.stl": bytes(80_000_000)}), ArchiveRefused),
    "gzip bomb": (".stl", lambda: gzip.compress(bytes(80_000_000), 1, mtime=0), ScanTooLarge),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_is_refused_with_a_sentence(name: str, tmp_path: Path) -> None:
    extension, content, expected = HOSTILE[name]

    with pytest.raises(expected) as caught:
        read(content(), extension, tmp_path)

    assert caught.value.detail.endswith(".")


def test_more_triangles_than_allowed_are_refused(tmp_path: Path) -> None:
    for extension, content in GOOD.values():
        with pytest.raises(SurfaceTooLarge):
            read(content, extension, tmp_path, Limits(max_triangles=3))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(GOOD)), seed=st.integers(0, 2**32 - 1))
def test_damaged_bytes_never_raise_anything_else(name: str, seed: int, tmp_path: Path) -> None:
    extension, content = GOOD[name]
    chance = np.random.default_rng(seed)
    damaged = bytearray(content[: chance.integers(1, len(content) + 1)])
    for place in chance.integers(0, len(damaged), chance.integers(0, 20)):
        damaged[place] = chance.integers(0, 256)

    try:
        surface = read(bytes(damaged), extension, tmp_path)
    except ScanError:
        return
    assert np.isfinite(surface.vertices_mm).all()
    assert surface.faces.max() < len(surface.vertices_mm)


@pytest.mark.parametrize("name", ["Scan.ply", "scan_012.ply", "scan_039.ply", "scan_040.ply", "face.obj"])
def test_real_scans_are_read_as_another_program_reads_them(name: str) -> None:
    path = shared_path(f"surfaces/{name}")
    surface = read_surface(path, path.suffix)
    expected = trimesh.load(path, process=False, force="mesh")

    assert abs(len(surface.faces) - len(expected.faces)) <= 5
    np.testing.assert_allclose(np.ptp(surface.vertices_mm, axis=0), expected.extents, rtol=1e-6)
    assert mesh_of(surface).area_mm2 == pytest.approx(expected.area, rel=1e-4)
