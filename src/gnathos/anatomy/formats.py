"""The file formats that can be named: by extension, as the contract writes them."""

import difflib

from gnathos.errors import UnknownExtension

COMPRESSED = ".gz"
"""May follow any extension of an input."""

SCAN_EXTENSIONS = (".dcm", ".zip", ".nii", ".nrrd", ".vti", ".mha")
"""What a scan may be sent as: one DICOM file with all slices, a zip of slices, NIfTI, NRRD, VTK image, MetaImage."""

SURFACE_EXTENSIONS = (".stl", ".ply", ".obj", ".zip")
"""What an intra-oral or facial scan may be sent as; a zip holds one mesh, with its material and texture."""

INPUT_EXTENSIONS = {
    "cbct": SCAN_EXTENSIONS,
    "ios_upper": SURFACE_EXTENSIONS,
    "ios_lower": SURFACE_EXTENSIONS,
    "facial": SURFACE_EXTENSIONS,
}
"""By the input's key; each also with `COMPRESSED`."""

MESH_EXTENSIONS = (".stl", ".ply", ".obj", ".drc", ".glb")
"""What a mesh can be made as."""

OUTPUT_EXTENSIONS = {
    "meshes": MESH_EXTENSIONS,
    "dicomMeshes": (".dcm",),
    "segmentations": (".nii.gz", ".nii", ".nrrd", ".dcm"),
    "previews": (".png",),
    "panoramic": (".png", ".dcm"),
    "volumes": (".nii.gz", ".nii"),
    "report": (".json",),
    "archive": (".zip",),
}
"""By the kind of output. All show structures but the panoramic picture and the archive, which holds the others."""


def normalise_extension(text: str) -> str:
    """Lower case, with a dot.

    >>> normalise_extension(" NII.GZ ")
    '.nii.gz'
    """
    extension = text.strip().lower()
    return extension if not extension or extension.startswith(".") else f".{extension}"


def scan_extension(text: str) -> str:
    """The normalised extension of a scan; see `input_extension`.

    >>> scan_extension("DCM"), scan_extension(".nii.gz")
    ('.dcm', '.nii.gz')
    """
    return input_extension("cbct", text)


def input_extension(key: str, text: str) -> str:
    """The normalised extension of an input.

    Args:
        key: one of `INPUT_EXTENSIONS`.
        text: as sent.

    Raises:
        UnknownExtension: inputs of that key cannot be read from such files.

    >>> input_extension("ios_upper", "PLY.gz")
    '.ply.gz'
    """
    extension = normalise_extension(text)
    if extension.removesuffix(COMPRESSED) not in INPUT_EXTENSIONS[key]:
        raise unknown_extension(text, INPUT_EXTENSIONS[key], "each also with .gz")
    return extension


def output_extension(kind: str, text: str) -> str:
    """The normalised extension of an output.

    Args:
        kind: one of `OUTPUT_EXTENSIONS`.
        text: as sent.

    Raises:
        UnknownExtension: outputs of that kind cannot be made so.
    """
    extension = normalise_extension(text)
    if extension not in OUTPUT_EXTENSIONS[kind]:
        raise unknown_extension(text, OUTPUT_EXTENSIONS[kind])
    return extension


def unknown_extension(text: str, known: tuple[str, ...], note: str = "") -> UnknownExtension:
    """The error that names what is known, the nearest first."""
    nearest = difflib.get_close_matches(normalise_extension(text), known, n=1, cutoff=0.5)
    hint = f" Did you mean {nearest[0]}?" if nearest else ""
    choices = ", ".join(known) + (f" ({note})" if note else "")
    return UnknownExtension(f"The extension {text[:40]!r} is not supported.{hint}", remedy=f"Use one of {choices}.")
