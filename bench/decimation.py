"""Decimation beside three other programs, each judged by the same points: `python -m bench.decimation`.

The mandible that the built-in segmenter finds in the large phantom is decimated to three bounds. manifold3d and
meshoptimizer are given the bound; vtkQuadricDecimation takes none, and is given the number of triangles that we left.
How far the surfaces really are apart is measured both ways, without anything of ours: from points spread over the one
at random, and from corners of it, by VTK's exact distance to the nearest triangle of the other. Between these points it
may be a little more.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import almeshopt
import manifold3d
import numpy as np
import numpy.typing as npt
import trimesh
from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkDoubleArray, vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
from vtkmodules.vtkFiltersCore import vtkImplicitPolyDataDistance, vtkQuadricDecimation

from bench.scans import LARGE, phantom
from bench.tables import print_table
from gnathos.imaging.limits import Limits
from gnathos.meshing import Mesh, decimate, smooth, surface_from_field
from gnathos.pipeline.read import read_scan
from gnathos.segmentation import BuiltinSegmenter

TITLE = "mandible of 512 × 512 × 400 voxels of 0.3 mm, decimated"
COLUMNS = ("bound, mm", "by", "processor seconds", "triangles", "they are really apart, mm")
BOUNDS_MM = (0.03, 0.05, 0.1)
POINTS = 50_000
"""Spread at random over each surface, and so many of its corners at most."""


def main() -> None:
    """Measure and print."""
    print_table(TITLE, COLUMNS, decimation_rows(phantom("large", LARGE)))


def decimation_rows(scan: Path) -> Iterator[Sequence[str]]:
    """Seconds, triangles and true error of each program at each bound."""
    surface = mandible(scan)
    yield "0", "as it was made", "", f"{len(surface.faces):,}", ""
    for bound_mm in BOUNDS_MM:
        began = time.process_time()
        ours = decimate(surface, bound_mm)
        yield row(bound_mm, "Gnathos", time.process_time() - began, surface, ours)
        for name, tool in others(len(ours.faces)).items():
            began = time.process_time()
            theirs = tool(surface, bound_mm)
            yield row(bound_mm, name, time.process_time() - began, surface, theirs)


def row(bound_mm: float, name: str, seconds: float, surface: Mesh, smaller: Mesh) -> Sequence[str]:
    """A line of the table."""
    apart_mm = max(farthest_mm(surface, smaller), farthest_mm(smaller, surface))
    return f"{bound_mm}", name, f"{seconds:.1f}", f"{len(smaller.faces):,}", f"{apart_mm:.3f}"


def mandible(scan: Path) -> Mesh:
    """Its surface, smoothed once as by default."""
    volume = read_scan(scan, ".dcm", Limits()).volume
    field = BuiltinSegmenter().segment(volume, ["mandible"], lambda _: None).findings["mandible"].field
    assert field is not None  # noqa: S101 - the phantom has one
    return smooth(surface_from_field(field), 1)


def others(triangles: int) -> dict[str, Callable[[Mesh, float], Mesh]]:
    """The other programs, by name."""
    return {
        "manifold3d": by_manifold3d,
        "meshoptimizer": by_meshoptimizer,
        "vtkQuadricDecimation": lambda mesh, _: by_vtk_quadric(mesh, triangles),
    }


def by_manifold3d(mesh: Mesh, bound_mm: float) -> Mesh:
    """Its `simplify` to a tolerance."""
    solid = manifold3d.Manifold(manifold3d.Mesh(mesh.vertices_lps_mm, mesh.faces.astype(np.uint32)))
    raw = solid.simplify(bound_mm).to_mesh()
    return Mesh(np.asarray(raw.vert_properties[:, :3], np.float32), np.asarray(raw.tri_verts, np.int32))


def by_meshoptimizer(mesh: Mesh, bound_mm: float) -> Mesh:
    """Its `meshopt_simplify` to an absolute error, as far as that allows."""
    indices = mesh.faces.astype(np.uint32).ravel()
    left, _ = almeshopt.simplify(indices, mesh.vertices_lps_mm, 0, bound_mm, options=almeshopt.SIMPLIFY_ERROR_ABSOLUTE)
    return Mesh(mesh.vertices_lps_mm, left.reshape(-1, 3).astype(np.int32))


def by_vtk_quadric(mesh: Mesh, triangles: int) -> Mesh:
    """`vtkQuadricDecimation` to a number of triangles."""
    filter_ = vtkQuadricDecimation()
    filter_.SetInputData(polygons(mesh))
    filter_.SetTargetReduction(1 - triangles / len(mesh.faces))
    filter_.VolumePreservationOn()
    filter_.Update()
    out = filter_.GetOutput()
    places = vtk_to_numpy(out.GetPoints().GetData()).astype(np.float32)
    return Mesh(places, vtk_to_numpy(out.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int32))


def farthest_mm(mesh: Mesh, other: Mesh) -> float:
    """How far points of a mesh are from another at most."""
    distance = vtkImplicitPolyDataDistance()
    distance.SetInput(polygons(other))
    found = vtkDoubleArray()
    distance.FunctionValue(numpy_to_vtk(points_of(mesh), deep=True), found)
    return float(np.abs(vtk_to_numpy(found)).max())


def points_of(mesh: Mesh) -> npt.NDArray[np.float64]:
    """Spread over a mesh by area, and corners of it."""
    body = trimesh.Trimesh(mesh.vertices_lps_mm, mesh.faces, process=False)
    spread, _ = trimesh.sample.sample_surface(body, POINTS, seed=1)
    corners = mesh.vertices_lps_mm[np.unique(mesh.faces)]
    corners = corners[:: -(-len(corners) // POINTS)]
    return np.ascontiguousarray(np.concatenate([spread, corners]), np.float64)


def polygons(mesh: Mesh) -> object:
    """As VTK takes it."""
    points, cells, data = vtkPoints(), vtkCellArray(), vtkPolyData()
    points.SetData(numpy_to_vtk(mesh.vertices_lps_mm, deep=True))
    rows = np.column_stack([np.full(len(mesh.faces), 3), mesh.faces]).astype(np.int64)
    cells.ImportLegacyFormat(numpy_to_vtkIdTypeArray(rows.ravel(), deep=True))
    data.SetPoints(points)
    data.SetPolys(cells)
    return data


if __name__ == "__main__":
    main()
