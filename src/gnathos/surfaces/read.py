"""A surface from any supported file."""

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from gnathos.errors import ArchiveRefused, ScanIsEmpty, SurfaceUnreadable
from gnathos.imaging.archives import ZIP_MAGICS, open_archive
from gnathos.imaging.limits import Limits
from gnathos.imaging.streams import unpacked
from gnathos.surfaces.obj import parse_obj
from gnathos.surfaces.ply import parse_ply
from gnathos.surfaces.stl import is_binary_stl, parse_stl
from gnathos.surfaces.surface import Surface, check_surface

_PARSERS: dict[str, Callable[[bytes, Limits], Surface]] = {".stl": parse_stl, ".ply": parse_ply, ".obj": parse_obj}
_TEXTURES = {".mtl", ".png", ".jpg", ".jpeg", ".bmp"}


def read_surface(path: Path, extension: str, limits: Limits | None = None) -> Surface:
    """Read and check a mesh.

    Args:
        path: its own name and ending mean nothing.
        extension: `.stl`, `.ply`, `.obj` or `.zip`, each also with `.gz`; where the first bytes are clearly those of
            another of these, they are believed.
        limits: caps; the defaults where None.

    Raises:
        ScanError: it cannot be read safely; one of its subclasses says why.
    """
    limits = limits or Limits()
    with unpacked(path, limits) as plain:
        limits.check_unpacked(plain.stat().st_size)
        with plain.open("rb") as stream:
            magic = stream.read(4)
        if not magic:
            raise ScanIsEmpty("The file is empty.")
        if magic in ZIP_MAGICS:
            return check_surface(_from_archive(plain, limits), limits)
        return check_surface(_parse(plain.read_bytes(), extension.removesuffix(".gz"), limits), limits)


def _from_archive(path: Path, limits: Limits) -> Surface:
    with open_archive(path, limits) as (archive, entries):
        shown = [entry for entry in entries if not _is_hidden(entry.filename)]
        meshes = [entry for entry in shown if _suffix(entry) in _PARSERS]
        if len(meshes) != 1:
            raise ArchiveRefused(f"The archive holds {len(meshes)} meshes instead of one.", remedy="Zip one mesh.")
        try:
            content = archive.read(meshes[0])
        except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError) as error:
            raise SurfaceUnreadable("The archive is damaged.") from error
        surface = _parse(content, _suffix(meshes[0]), limits)
        has_texture = surface.has_texture or any(_suffix(entry) in _TEXTURES for entry in shown)
        return replace(surface, has_texture=has_texture)


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)


def _suffix(entry: zipfile.ZipInfo) -> str:
    return PurePosixPath(entry.filename).suffix.lower()


def _parse(content: bytes, kind: str, limits: Limits) -> Surface:
    seen = kind_of_surface(content)
    if seen is None and kind not in _PARSERS:
        raise SurfaceUnreadable("The file is not a mesh of a kind that is read.")
    surface = _PARSERS[seen or kind](content, limits)
    if seen is None or seen == kind or kind not in _PARSERS:
        return surface
    note = {"code": "extension_differs", "detail": f"The file was announced as {kind} and read as {seen}, which it is."}
    return replace(surface, notes=(*surface.notes, note))


def kind_of_surface(content: bytes) -> str | None:
    """What a file clearly is by its bytes; None where they do not tell."""
    if content.startswith((b"ply\n", b"ply\r")):
        return ".ply"
    return ".stl" if is_binary_stl(content) else None
