"""What can be asked for: structures, files, formats, as programs and the page read it."""

from typing import get_args

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from gnathos.anatomy import (
    INPUT_EXTENSIONS,
    OUTPUT_EXTENSIONS,
    SHORTHANDS,
    STRUCTURES,
    SURFACES,
    Family,
    Structure,
)
from gnathos.anatomy.colours import colour_of
from gnathos.api.output_bodies import OutputFilesBody
from gnathos.api.responses import problems
from gnathos.api.services import Engine
from gnathos.api.versions import VERSIONS, Version
from gnathos.errors import UnknownVersion
from gnathos.pipeline.options import mesh_options

router = APIRouter(tags=["Catalogue"])

CACHE = {"Cache-Control": "public, max-age=300"}


class KnownStructure(BaseModel):
    """Something that can be asked for by name."""

    name: str = Field(examples=["tooth36"])
    label: int = Field(description="Its value in label maps.", examples=[36])
    family: str = Field(description="Whose options its mesh has.", examples=["dentition"])
    description: str
    fdi: int | None = Field(description="The tooth's number, for teeth.", examples=[36])
    colour: list[int] = Field(description="Red, green, blue; 0-255.", examples=[[250, 244, 225]])


class KnownOutput(BaseModel):
    """A kind of output."""

    extensions: list[str] = Field(examples=[[".stl"]])
    takesStructures: bool = Field(description="Whether its entries may name structures.")  # noqa: N815 - contract


class Catalogue(BaseModel):
    """All that this engine knows by name."""

    versions: list[str] = Field(description="Of the API, the newest first.")
    inputFiles: dict[str, list[str]] = Field(  # noqa: N815 - contract
        description="Extensions by the input's key; each also with .gz.", examples=[{"cbct": [".dcm", ".zip"]}]
    )
    outputFiles: dict[str, KnownOutput] = Field(description="By kind.")  # noqa: N815 - contract
    structures: list[KnownStructure]
    shorthands: dict[str, list[str]] = Field(
        description="Names that stand for several.", examples=[{"all_nerves": ["right_nerve", "left_nerve"]}]
    )
    options: dict[str, dict[str, object]] = Field(
        description="Defaults of the mesh options, by family.",
        examples=[{"mandible": {"smoothingIterations": 1, "decimateMaxError": 0.1, "makeManifold": True}}],
    )
    maxUploadMb: int = Field(description="Largest upload, in MB (10^6 bytes).")  # noqa: N815 - the contract's style
    resultHours: int = Field(  # noqa: N815 - the contract's style
        description="How long results are kept, in hours, unless the tenant has a limit of its own; 0: for ever."
    )


@router.get(
    "/{version}/catalogue",
    summary="What can be asked for",
    response_model=Catalogue,
    responses=problems(UnknownVersion),
)
async def catalogue(version: Version, engine: Engine) -> JSONResponse:
    """The tables that requests are checked against; needs no token."""
    found = Catalogue(
        versions=list(VERSIONS),
        inputFiles={key: list(extensions) for key, extensions in INPUT_EXTENSIONS.items()},
        outputFiles={kind: _output(kind, extensions) for kind, extensions in OUTPUT_EXTENSIONS.items()},
        structures=[_structure(each) for each in (*STRUCTURES.values(), *SURFACES.values())],
        shorthands={name: list(members) for name, members in SHORTHANDS.items()},
        options={family.value: mesh_options({}, family, version).as_contract() for family in Family},
        maxUploadMb=engine.settings.max_upload_mb,
        resultHours=engine.settings.result_hours,
    )
    return JSONResponse(found.model_dump(), headers=CACHE)


def _output(kind: str, extensions: tuple[str, ...]) -> KnownOutput:
    (listed,) = (each for each in get_args(OutputFilesBody.model_fields[kind].annotation) if each is not type(None))
    (entry,) = get_args(listed)
    return KnownOutput(extensions=list(extensions), takesStructures="structures" in entry.model_fields)


def _structure(structure: Structure) -> KnownStructure:
    return KnownStructure(
        name=structure.name,
        label=structure.label,
        family=structure.family.value,
        description=structure.description,
        fdi=structure.fdi,
        colour=list(colour_of(structure)),
    )
