"""One maker for each kind of output file."""

from collections.abc import Callable

from gnathos.errors import GnathosError
from gnathos.pipeline.case import Case
from gnathos.pipeline.outputs.answers import failed
from gnathos.pipeline.outputs.archive import make_archive
from gnathos.pipeline.outputs.meshes import make_mesh
from gnathos.pipeline.outputs.panoramic import make_panoramic
from gnathos.pipeline.outputs.previews import make_preview
from gnathos.pipeline.outputs.report import make_report
from gnathos.pipeline.outputs.segmentations import make_segmentation
from gnathos.pipeline.outputs.volumes import make_volume
from gnathos.pipeline.request import OutputFile, OutputResult

Maker = Callable[[OutputFile, Case], OutputResult]

MAKERS: dict[str, Maker] = {
    "meshes": make_mesh,
    "dicomMeshes": make_mesh,
    "segmentations": make_segmentation,
    "previews": make_preview,
    "panoramic": make_panoramic,
    "volumes": make_volume,
    "report": make_report,
    "archive": make_archive,
}
"""By kind, in the order in which they are made: the archive holds what came before."""


def make_output(output: OutputFile, case: Case) -> OutputResult:
    """Make one file; what goes wrong with it is said of it alone."""
    try:
        result = MAKERS[output.kind](output, case)
    except GnathosError as error:
        result = failed(output, case, error)
    case.results.append(result)
    return result
