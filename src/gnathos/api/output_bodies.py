"""The outputs in the body of a job, by kind."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gnathos.anatomy import OUTPUT_EXTENSIONS, expand_structures, normalise_extension
from gnathos.anatomy.formats import output_extension
from gnathos.errors import RequestInvalid
from gnathos.jobs.submission import NewOutput
from gnathos.transfers.guard import UrlGuard

MAX_OUTPUTS = 200
MAX_STRUCTURES = 200

Checks = Iterator[tuple[str, Callable[[], object]]]
"""Each the place in the body that it is about, and what raises if that is wrong."""


class OutputBody(BaseModel):
    """One file to be made."""

    model_config = ConfigDict(extra="forbid")

    extension: str = Field(max_length=40, description="Its format.")
    uploadUrl: str | None = Field(  # noqa: N815 - the contract's name
        None, max_length=8000, description="Where the engine PUTs it; it can be downloaded all the same."
    )


class ShownBody(OutputBody):
    """One file that shows structures."""

    structures: list[str] = Field(
        min_length=1,
        max_length=MAX_STRUCTURES,
        description="What it shows; names and shorthands such as all_teeth. In a mesh, several are merged into one.",
        examples=[["mandible"]],
    )


class MeshBody(ShownBody):
    """One mesh to be made."""

    extension: str = Field(
        max_length=40, description="Its format: .stl, .ply, .obj, .drc (Draco) or .glb.", examples=[".stl"]
    )
    excludeStructures: list[str] | None = Field(  # noqa: N815 - the contract's style
        None, max_length=MAX_STRUCTURES, description="What is cut out of it, for example a canal of the mandible."
    )
    excludedStructures: list[str] | None = Field(  # noqa: N815 - the contract's style
        None, max_length=MAX_STRUCTURES, description="The same as excludeStructures."
    )
    exclude: list[str] | None = Field(None, max_length=MAX_STRUCTURES, description="The same as excludeStructures.")


class DicomMeshBody(MeshBody):
    """One mesh to be made as DICOM Encapsulated STL, which references the scan."""

    extension: str = Field(max_length=40, description="Its format: .dcm.", examples=[".dcm"])


class SegmentationBody(ShownBody):
    """One label map to be made, on the scan's own grid."""

    extension: str = Field(
        max_length=40, description="Its format: .nii.gz, .nii, .nrrd, or .dcm for DICOM SEG.", examples=[".dcm"]
    )


class SummaryBody(OutputBody):
    """One file about structures, or about all that the other outputs show."""

    structures: list[str] = Field(
        default_factory=list, max_length=MAX_STRUCTURES, description="What it shows; none: all of the other outputs."
    )


class PanoramicBody(OutputBody):
    """One picture along the dental arch."""

    extension: str = Field(max_length=40, description="Its format: .png or .dcm.", examples=[".png"])


class VolumeBody(OutputBody):
    """One volume for a viewer."""

    extension: str = Field(max_length=40, description="Its format: .nii.gz or .nii.", examples=[".nii.gz"])
    structures: list[str] = Field(
        default_factory=list,
        max_length=MAX_STRUCTURES,
        description="Whose labels it holds; none: it holds the scan's gray values.",
    )


class OutputFilesBody(BaseModel):
    """The files to be made, by kind."""

    model_config = ConfigDict(extra="forbid")

    meshes: list[MeshBody] | None = Field(None, min_length=1, max_length=MAX_OUTPUTS, description="Surfaces.")
    dicomMeshes: list[DicomMeshBody] | None = Field(  # noqa: N815 - as the contract writes its keys
        None, min_length=1, max_length=MAX_OUTPUTS, description="Surfaces as DICOM Encapsulated STL."
    )
    segmentations: list[SegmentationBody] | None = Field(
        None, min_length=1, max_length=MAX_OUTPUTS, description="Label maps on the scan's grid."
    )
    previews: list[SummaryBody] | None = Field(
        None, min_length=1, max_length=MAX_OUTPUTS, description="Pictures (.png) of the surfaces and of three slices."
    )
    panoramic: list[PanoramicBody] | None = Field(
        None,
        min_length=1,
        max_length=MAX_OUTPUTS,
        description="Pictures unrolled along the dental arch, the patient's right on the left.",
    )
    volumes: list[VolumeBody] | None = Field(
        None,
        min_length=1,
        max_length=MAX_OUTPUTS,
        description="The scan, or labels on it, small enough for a viewer: at most 256 voxels along each edge.",
    )
    report: list[SummaryBody] | None = Field(
        None, min_length=1, max_length=1, description="Measures of each structure (.json)."
    )
    archive: list[OutputBody] | None = Field(
        None, min_length=1, max_length=1, description="All other files in one (.zip)."
    )


def given_outputs(body: OutputFilesBody) -> Iterator[tuple[str, int, OutputBody]]:
    """Each output's kind, its place in the list of that kind, and what is said of it."""
    for kind in OutputFilesBody.model_fields:
        for position, each in enumerate(getattr(body, kind) or ()):
            yield kind, position, each


def new_outputs(body: OutputFilesBody) -> tuple[NewOutput, ...]:
    """The outputs as jobs have them; the body has been checked."""
    return tuple(_new_output(*each) for each in given_outputs(body))


def _new_output(kind: str, position: int, given: OutputBody) -> NewOutput:
    excluded = [name for _, names in _exclusions(given) for name in names]
    settings: dict[str, Any] = {"exclude": excluded} if excluded else {}
    return NewOutput(
        kind=kind,
        position=position,
        extension=normalise_extension(given.extension),
        extension_asked=given.extension,
        structures=tuple(_structures(given)),
        settings=settings,
        upload_url=given.uploadUrl or None,
    )


def output_checks(body: OutputFilesBody, guard: UrlGuard) -> Checks:
    """What has to hold of the outputs besides their schema."""
    outputs = list(given_outputs(body))
    if not outputs:
        yield "#/outputFiles", _refuse_none
    for kind, position, given in outputs:
        pointer = f"#/outputFiles/{kind}/{position}"
        yield f"{pointer}/extension", partial(output_extension, kind, given.extension)
        if given.uploadUrl:
            yield f"{pointer}/uploadUrl", partial(guard.check, given.uploadUrl)
        for key, names in (("structures", _structures(given)), *_exclusions(given)):
            for place, name in enumerate(names):
                yield f"{pointer}/{key}/{place}", partial(expand_structures, [name])


def _refuse_none() -> None:
    kinds = ", ".join(f"`{kind}`" for kind in OUTPUT_EXTENSIONS)
    raise RequestInvalid("There is no output file.", remedy=f"Name at least one under {kinds}.")


def _structures(given: OutputBody) -> list[str]:
    return given.structures if isinstance(given, ShownBody | SummaryBody | VolumeBody) else []


def _exclusions(given: OutputBody) -> list[tuple[str, list[str]]]:
    """By the key that they stand under: any of three means the same."""
    if not isinstance(given, MeshBody):
        return []
    keys = ("excludeStructures", "excludedStructures", "exclude")
    return [(key, names) for key in keys if (names := getattr(given, key))]
