"""One job: read, check, segment, mesh, write."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gnathos.anatomy import STRUCTURES
from gnathos.errors import GnathosError
from gnathos.imaging import Volume
from gnathos.imaging.limits import Limits
from gnathos.pipeline.case import Case, structures_wanted
from gnathos.pipeline.inputs import Inputs, read_inputs
from gnathos.pipeline.memory import recall, remember
from gnathos.pipeline.options import MeshOptions, mesh_options, option_warnings
from gnathos.pipeline.outputs import MAKERS, make_output
from gnathos.pipeline.progress import Clock, Report
from gnathos.pipeline.receipt import make_receipt
from gnathos.pipeline.request import OutputFile, OutputResult, Request, Result
from gnathos.pipeline.without_scan import segment_nothing
from gnathos.segmentation import BuiltinSegmenter, Segmentation

COARSE_SPACING_MM = 0.6
"""Voxels larger than this are warned of: roots and thin walls get lost."""

MESHES = ("meshes", "dicomMeshes")
"""Kinds of output that are made in the stage of that name."""


@dataclass(frozen=True)
class Engine:
    """What runs share."""

    threads: int = 0
    limits: Limits = field(default_factory=Limits)
    remembers: bool = False
    """Whether what was found is written down, for later runs on the same scan."""


def run(request: Request, folder: Path, report: Report, engine: Engine | None = None) -> Result:
    """Do what a request asks for.

    Args:
        request: the inputs and outputs.
        folder: relative paths start here; `outputs/` is made in it.
        report: told of every step.
        engine: threads and limits.

    Returns:
        The result; a scan that cannot be read gives one with `success` false and the reason.
    """
    settings = engine or Engine()
    clock = Clock(report)
    try:
        return _run_stages(request, folder, clock, settings)
    except GnathosError as error:
        receipt = make_receipt(request, folder, clock.seconds)
        return Result(success=False, error=error.as_reason(), receipt=receipt)


def _run_stages(request: Request, folder: Path, clock: Clock, engine: Engine) -> Result:
    with clock.stage("read"):
        inputs = read_inputs(request, folder, engine.limits)
    with clock.stage("check"):
        scan_notes = scan_warnings(inputs.scan.volume) if inputs.scan else ()
        notes = (*scan_notes, *inputs.warnings, *option_warnings(request.options, request.version))
        options = _options(request)
    with clock.stage("segment"):
        names = [name for name in options if name in STRUCTURES]
        segmentation, segmenter = _segment(inputs, names, folder, clock, engine)
    case = Case(request, folder, inputs.scan, segmentation, segmenter, options, inputs.surfaces)
    with clock.stage("mesh"):
        _make_all([each for each in request.outputs if each.kind in MESHES], case, clock)
    with clock.stage("write"):
        _make_all([each for each in _in_order(request.outputs) if each.kind not in MESHES], case, clock)
    return Result(
        success=True,
        outputs=_as_asked(case.results, request.outputs),
        warnings=(*notes, *segmentation.warnings),
        coordinate_system=_coordinate_system(inputs),
        receipt=_receipt(case, clock),
    )


def _options(request: Request) -> dict[str, MeshOptions]:
    wanted = structures_wanted(request.outputs)
    return {name: mesh_options(request.options, each.family, request.version) for name, each in wanted.items()}


def _segment(
    inputs: Inputs, names: Sequence[str], folder: Path, clock: Clock, engine: Engine
) -> tuple[Segmentation, dict[str, str]]:
    """The findings, and the name and version of what found them."""
    if inputs.scan is None:
        return segment_nothing(names, inputs.surfaces), {"name": "none", "version": "0"}
    segmenter = BuiltinSegmenter(engine.threads)
    identity = {"name": segmenter.name, "version": segmenter.version}
    known = recall(folder, identity, engine.limits)
    unknown = [name for name in names if name not in known.findings]
    if not unknown:
        return Segmentation({name: known.findings[name] for name in names}, known.warnings), identity
    found = segmenter.segment(inputs.scan.volume, unknown, clock.advance)
    whole = Segmentation({**known.findings, **found.findings}, found.warnings)
    if engine.remembers:
        remember(folder, identity, whole)
    return Segmentation({name: whole.findings[name] for name in names}, found.warnings), identity


def _make_all(outputs: Sequence[OutputFile], case: Case, clock: Clock) -> None:
    for position, output in enumerate(outputs):
        result = make_output(output, case)
        clock.advance((position + 1) / len(outputs), result)


def _in_order(outputs: Sequence[OutputFile]) -> list[OutputFile]:
    order = list(MAKERS)
    return sorted(outputs, key=lambda output: order.index(output.kind))


def _as_asked(results: Sequence[OutputResult], outputs: Sequence[OutputFile]) -> tuple[OutputResult, ...]:
    by_place = {(result.kind, result.position): result for result in results}
    return tuple(by_place[output.kind, output.position] for output in outputs)


def scan_warnings(scan: Volume) -> tuple[dict[str, str], ...]:
    """What a user should know of a scan before trusting what comes of it."""
    warnings = []
    if not scan.is_hu:
        detail = "The gray values are not calibrated Hounsfield units; levels were taken from the scan itself."
        warnings.append({"code": "uncalibrated_gray_values", "detail": detail})
    largest_mm = float(scan.spacing_mm.max())
    if largest_mm > COARSE_SPACING_MM:
        detail = f"Voxels are up to {largest_mm:.2f} mm large; thin bone and roots may be lost."
        warnings.append({"code": "coarse_voxels", "detail": detail})
    return tuple(warnings)


def _coordinate_system(inputs: Inputs) -> dict[str, Any]:
    if inputs.scan is None:
        return {"frame": "as sent", "unit": "mm", "frameOfReferenceUID": None}
    return {"frame": "LPS", "unit": "mm", "frameOfReferenceUID": inputs.scan.volume.frame_of_reference_uid}


def _receipt(case: Case, clock: Clock) -> Mapping[str, Any]:
    receipt = make_receipt(case.request, case.folder, clock.seconds)
    receipt["segmenter"] = dict(case.segmenter)
    receipt["options"] = {name: each.as_contract() for name, each in case.options.items()}
    sha256_of = {(each.kind, each.position): each.sha256 for each in case.results}
    receipt["outputs"] = [
        {**asdict(each), "sha256": sha256_of[each.kind, each.position]} for each in case.request.outputs
    ]
    return receipt
