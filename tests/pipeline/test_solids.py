"""Merged and hollowed meshes of a phantom's true structures: manifolds to other programs, and as large as the truth."""

from functools import cache
from pathlib import Path

import manifold3d
import numpy as np
import pytest
from tests.makers.cases import findings_of_truth
from tests.makers.judges import admesh_repairs

from gnathos.anatomy import STRUCTURES, expand_structures
from gnathos.meshing import read_stl
from gnathos.phantom import Phantom, PhantomParameters, make_phantom
from gnathos.pipeline import OutputFile, Request
from gnathos.pipeline.case import Case
from gnathos.pipeline.options import mesh_options
from gnathos.pipeline.outputs import make_output
from gnathos.pipeline.read import Scan
from gnathos.segmentation import Segmentation

LOWER_JAW = PhantomParameters(spacing_mm=1.1, shape=(58, 102, 116), centre_lps_mm=(0.0, 45.0, -20.0))
EVERYTHING = ("mandible", "all_permanent_teeth", "all_nerves")


@cache
def made() -> Phantom:
    return make_phantom(LOWER_JAW)


def true_ml(*shorthands: str) -> float:
    labels = {structure.label for structure in expand_structures(shorthands)}
    return sum(fact.volume_ml for label, fact in made().facts.items() if label in labels)


@pytest.mark.parametrize("excluded", [(), ("all_permanent_teeth",), ("all_nerves",)])
def test_all_structures_merged_less_some_are_a_manifold_of_the_true_volume(
    excluded: tuple[str, ...], tmp_path: Path
) -> None:
    phantom = made()
    findings = findings_of_truth(phantom.truth)
    options = {name: mesh_options({}, STRUCTURES[name].family) for name in findings}
    identity = {"name": "truth", "version": "1"}
    case = Case(Request((), ()), tmp_path, Scan(phantom.volume), Segmentation(findings), identity, options, {})
    result = make_output(OutputFile("meshes", ".stl", EVERYTHING, 0, excluded), case)
    path = tmp_path / str(result.path)

    assert result.measures["isManifold"] is True
    mesh = read_stl(path)
    solid = manifold3d.Manifold(manifold3d.Mesh(mesh.vertices_lps_mm, mesh.faces.astype(np.uint32)))
    assert solid.status() == manifold3d.Error.NoError
    expected_ml = true_ml(*EVERYTHING) - true_ml(*excluded)
    assert solid.volume() / 1000 == pytest.approx(expected_ml, rel=0.01)
    assert admesh_repairs(path) == {}
