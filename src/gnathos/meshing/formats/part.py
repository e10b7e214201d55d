"""What a mesh file is made of."""

from dataclasses import dataclass

from gnathos.anatomy.colours import Colour
from gnathos.meshing.mesh import Mesh


@dataclass(frozen=True)
class Part:
    """One named mesh of a file."""

    name: str
    mesh: Mesh
    colour: Colour
