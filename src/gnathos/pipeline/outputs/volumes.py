"""Volumes for viewers: the scan, or what was found in it, on a grid that a browser can hold."""

import numpy as np

from gnathos.imaging import Volume
from gnathos.imaging.nifti_write import write_nifti
from gnathos.imaging.sampling import block_mean
from gnathos.pipeline.case import Case
from gnathos.pipeline.outputs.answers import STATUS_OF, available, not_found
from gnathos.pipeline.outputs.segmentations import label_map, segments_of
from gnathos.pipeline.request import OutputFile, OutputResult
from gnathos.segmentation import Outcome, Reason

MOST_VOXELS = 256
"""Along each edge: a viewer keeps several copies of what it shows, some with four bytes a voxel."""

_WHOLE = np.iinfo(np.int16)


def make_volume(output: OutputFile, case: Case) -> OutputResult:
    """Write the labels of the structures that are named; where none is, the scan's gray values.

    Both lie on the same grid: blocks of the scan's voxels, so that no edge has more than `MOST_VOXELS`.
    """
    if case.scan is None:
        return _without_scan(output)
    gray = coarse(case.scan.volume)
    path = case.path_for(output)
    if not output.structures:
        write_nifti(_for_writing(gray), case.folder / path)
        return available(output, case, path, _measures(gray), {})
    names = [name for name in case.findings_for(output) if name in case.found]
    segments = [segment for segment in segments_of(names, case, gray) if segment.mask.any()]
    if not segments:
        return not_found(output, case)
    write_nifti(label_map(segments, gray), case.folder / path)
    labels = {segment.structure.name: segment.structure.label for segment in segments}
    return available(output, case, path, {**_measures(gray), "labels": labels})


def coarse(scan: Volume) -> Volume:
    """The scan in blocks of whole voxels, each their mean: float32; voxels that fill no block are left out.

    >>> coarse(Volume(np.zeros((300, 512, 40)), np.eye(4))).shape
    (150, 256, 40)
    """
    return block_mean(scan, np.ceil(np.array(scan.shape) / MOST_VOXELS).astype(int))


def _for_writing(gray: Volume) -> Volume:
    """Whole numbers, which compress well, where the values fit."""
    rounded = np.rint(gray.voxels)
    fits = _WHOLE.min <= rounded.min() and rounded.max() <= _WHOLE.max
    return gray.with_voxels(rounded.astype(np.int16 if fits else np.float32))


def _measures(volume: Volume) -> dict[str, list[float]]:
    return {"voxels": list(volume.shape), "spacingMm": volume.spacing_mm.round(4).tolist()}


def _without_scan(output: OutputFile) -> OutputResult:
    reason = {"code": Reason.INPUT_MISSING.value, "detail": "There is no input `cbct` to show."}
    status = STATUS_OF[Outcome.FAILED]
    return OutputResult(
        output.kind, output.position, output.extension, output.structures, status, confidence=1.0, reason=reason
    )
