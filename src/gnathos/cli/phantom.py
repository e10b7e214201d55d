"""`gnathos phantom`: a scan that the engine makes itself."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from gnathos.cli.progress import StageProgress
from gnathos.errors import InvalidOption
from gnathos.imaging.nifti_write import write_nifti
from gnathos.phantom import PhantomParameters, make_phantom, write_phantom


def run(
    output: Path, truth: Path | None, spacing_mm: float | None, field_of_view: str, as_json: bool, **given: Any
) -> None:
    """Make one and write it, and its labels where asked for."""
    parameters = _sized(parameters_of(**given), spacing_mm, field_of_view)
    for path in [output, *([truth] if truth else [])]:
        path.parent.mkdir(parents=True, exist_ok=True)
    with StageProgress() as progress:
        progress.show("phantom", 0.0)
        phantom = make_phantom(parameters)
        write_phantom(phantom, output)
        if truth is not None:
            write_nifti(phantom.truth, truth)
    _tell(parameters, output, truth, as_json)


def _tell(parameters: PhantomParameters, output: Path, truth: Path | None, as_json: bool) -> None:
    if as_json:
        paths = {"scan": str(output), "truth": str(truth) if truth else None}
        print(json.dumps({**paths, "shape": list(parameters.shape), "spacingMm": parameters.spacing_mm}, indent=2))
    else:
        size = "×".join(map(str, reversed(parameters.shape)))
        print(f"{output}: {size} voxels of {parameters.spacing_mm:g} mm{f', its labels in {truth}' if truth else ''}")


def parameters_of(
    seed: int, mouth_opening_mm: float, missing: str | None, metal: str, marker: bool
) -> PhantomParameters:
    """The parameters that the command line names.

    Raises:
        InvalidOption: a list of teeth is not one.
    """
    parameters = PhantomParameters(
        seed=seed, mouth_opening_mm=mouth_opening_mm, metal_teeth=_teeth(metal), has_marker=marker
    )
    return parameters if missing is None else replace(parameters, missing_teeth=_teeth(missing))


def _sized(parameters: PhantomParameters, spacing_mm: float | None, field_of_view: str) -> PhantomParameters:
    spacing_mm = spacing_mm or parameters.spacing_mm
    slices, rows, columns = (count * parameters.spacing_mm for count in parameters.shape)
    try:
        width_mm, depth_mm, height_mm = (
            (float(size) for size in field_of_view.lower().split("x")) if field_of_view else (columns, rows, slices)
        )
    except ValueError:
        raise InvalidOption(f"A field of view is written 150x150x120, not {field_of_view!r}.") from None
    shape = (round(height_mm / spacing_mm), round(depth_mm / spacing_mm), round(width_mm / spacing_mm))
    if spacing_mm <= 0 or min(shape) < 1:
        raise InvalidOption("The field of view and the spacing must be above zero.")
    return replace(parameters, spacing_mm=spacing_mm, shape=shape)


def _teeth(text: str) -> frozenset[int]:
    try:
        return frozenset(int(tooth) for tooth in text.split(",") if tooth.strip())
    except ValueError:
        raise InvalidOption(f"Teeth are written as FDI numbers, 18,28, not {text!r}.") from None
