"""Surfaces of known shapes, as fields give them."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from gnathos.imaging import Volume
from gnathos.meshing import Mesh, surface_from_field

Points = npt.NDArray[np.float64]
CORNER_LPS_MM = (-10.0, -20.0, -30.0)


def lattice(shape: tuple[int, int, int], spacing_mm: float) -> Volume:
    """An empty volume whose first voxel lies at `CORNER_LPS_MM`, axes turned as a patient's."""
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]]) * spacing_mm
    affine[:3, 3] = CORNER_LPS_MM
    return Volume(np.zeros(shape, np.float32), affine)


def field_of(volume: Volume, height: Callable[[Points], Points]) -> Volume:
    """A field with a value for every place: (n, 3) LPS millimetres to (n,), above zero inside."""
    places = volume.points_lps_mm(np.moveaxis(np.indices(volume.shape), 0, -1).reshape(-1, 3))
    return volume.with_voxels(height(places).reshape(volume.shape).astype(np.float32))


def ball(volume: Volume, centre_lps_mm: tuple[float, float, float], radius_mm: float) -> Volume:
    """A field whose zero surface is a sphere."""
    return field_of(volume, lambda places: radius_mm - np.linalg.norm(places - centre_lps_mm, axis=1))


def asymmetric() -> Mesh:
    """A ball with a thin plate and a thinner rod, all off the middle; no turn or mirroring leaves it as it is."""
    volume = lattice((34, 32, 32), 0.4)
    middle = np.array([-4.0, -14.0, -23.5])

    def height(places: Points) -> Points:
        x, y, z = (places - middle).T
        body = 3 - np.sqrt(x**2 + y**2 + z**2)
        plate = np.minimum(0.5 - np.abs(x - 1), np.minimum(4.6 - np.abs(y), 3.6 - np.abs(z - 2)))
        rod = np.minimum(0.7 - np.hypot(y + 1, z + 1), 5 - np.abs(x - 0.5))
        return np.asarray(np.maximum(np.maximum(body, plate), rod))

    return surface_from_field(field_of(volume, height))
