"""Draws what the options of a mesh do, for the guide: `python -m bench.option_pictures`.

Each picture is the front of the phantom's mandible, found by the built-in segmenter, with one option at three values.
"""

from pathlib import Path

import imagecodecs
import numpy as np

from gnathos.anatomy import STRUCTURES
from gnathos.anatomy.colours import colour_of
from gnathos.meshing import Mesh, decimate, smooth, surface_from_field
from gnathos.phantom import PhantomParameters, make_phantom
from gnathos.pipeline.outputs.rendering import draw, spread_points
from gnathos.segmentation import BuiltinSegmenter

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SIZE_PX = 420
GAP_PX = 8
HALF_WIDTH_MM = 17.0
DEPTH_MM = 22.0
SMOOTHING = (0, 1, 20)
ERRORS_MM = (0.0, 0.1, 0.5)


def main() -> None:
    """Find the mandible once, and draw it six times."""
    scan = make_phantom(PhantomParameters(spacing_mm=0.5, shape=(264, 320, 320))).volume
    field = BuiltinSegmenter().segment(scan, ["mandible"], lambda _: None).findings["mandible"].field
    assert field is not None  # noqa: S101 - the phantom has one
    surface = surface_from_field(field)
    draw_row("option-smoothing", [smooth(surface, count) for count in SMOOTHING])
    draw_row("option-decimation", [decimate(smooth(surface, 1), error) for error in ERRORS_MM])


def draw_row(name: str, meshes: list[Mesh]) -> None:
    """Write the meshes' fronts side by side."""
    colour = colour_of(STRUCTURES["mandible"])
    fronts = [front_of(mesh) for mesh in meshes]
    tiles = [draw(spread_points([(front, colour)], SIZE_PX), "front", SIZE_PX) for front in fronts]
    gap = np.full((SIZE_PX, GAP_PX, 3), 255, np.uint8)
    row = np.concatenate([tiles[0], gap, tiles[1], gap, tiles[2]], axis=1)
    (PICTURES / f"{name}.png").write_bytes(imagecodecs.png_encode(row, level=9))
    print(name, [len(mesh.faces) for mesh in meshes])


def front_of(mesh: Mesh) -> Mesh:
    """The triangles about the front teeth."""
    middle = mesh.triangles_lps_mm.mean(axis=1)
    near = (np.abs(middle[:, 0] - np.median(middle[:, 0])) < HALF_WIDTH_MM) & (
        middle[:, 1] < middle[:, 1].min() + DEPTH_MM
    )
    used, faces = np.unique(mesh.faces[near], return_inverse=True)
    return Mesh(mesh.vertices_lps_mm[used], faces.reshape(-1, 3).astype(mesh.faces.dtype))


if __name__ == "__main__":
    main()
