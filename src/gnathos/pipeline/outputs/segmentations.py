"""Label maps on the scan's own grid."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from gnathos.anatomy import STRUCTURES, Family, Structure
from gnathos.anatomy.codes import ANATOMICAL_STRUCTURE, Code, coding_of
from gnathos.anatomy.colours import colour_of
from gnathos.dicom import Segment, write_dicom_segmentation
from gnathos.imaging import Volume
from gnathos.imaging.nifti_write import write_nifti
from gnathos.imaging.nrrd_write import write_nrrd
from gnathos.imaging.sampling import mask_on_grid
from gnathos.pipeline.case import Case
from gnathos.pipeline.outputs.answers import available, not_found
from gnathos.pipeline.request import OutputFile, OutputResult

_LARGE_TO_SMALL = (
    *(Family.SOFT_TISSUE, Family.SKULL, Family.MAXILLARY_COMPLEX, Family.MANDIBLE),
    *(Family.AIRWAY, Family.MAXILLARY_SINUS, Family.DENTITION, Family.NERVE),
)
"""Where structures overlap, a label map holds the one that comes last: a canal, not the mandible around it."""


def make_segmentation(output: OutputFile, case: Case) -> OutputResult:
    """Write the structures that were found on the scan's grid, in its order."""
    names = [name for name in case.findings_for(output) if name in case.found]
    if case.scan is None or not names:
        return not_found(output, case)
    filled = [segment for segment in segments_of(names, case, case.scan.volume) if segment.mask.any()]
    if not filled:
        return not_found(output, case)
    path = case.path_for(output)
    _WRITERS[output.extension](filled, case, case.folder / path)
    voxels = {segment.structure.name: int(segment.mask.sum()) for segment in filled}
    labels = {segment.structure.name: segment.structure.label for segment in filled}
    return available(output, case, path, {"labels": labels, "voxels": voxels})


def segments_of(names: Iterable[str], case: Case, grid: Volume) -> list[Segment]:
    """The voxels of structures that were found."""
    return [Segment(STRUCTURES[name], *mask_on_grid(case.found[name], grid)) for name in names]


def label_map(segments: Sequence[Segment], grid: Volume) -> Volume:
    """One label a voxel, uint8; 0 is no structure."""
    labels = np.zeros(grid.shape, np.uint8)
    for segment in sorted(segments, key=lambda each: _LARGE_TO_SMALL.index(each.structure.family)):
        labels[segment.window][segment.mask] = segment.structure.label
    return Volume(labels, grid.affine_lps, frame_of_reference_uid=grid.frame_of_reference_uid)


def _write_nifti(segments: Sequence[Segment], case: Case, path: Path) -> None:
    write_nifti(label_map(segments, _grid(case)), path)


def _write_nrrd(segments: Sequence[Segment], case: Case, path: Path) -> None:
    grid = _grid(case)
    remarks = {
        "Segmentation_ContainedRepresentationNames": "Binary labelmap|",
        "Segmentation_SourceRepresentation": "Binary labelmap",
        "Segmentation_ReferenceImageExtentOffset": "0 0 0",
    }
    for number, segment in enumerate(segments):
        remarks.update(_slicer_segment(f"Segment{number}_", segment.structure, grid))
    write_nrrd(label_map(segments, grid), path, remarks)


def _write_dicom(segments: Sequence[Segment], case: Case, path: Path) -> None:
    source = case.scan.source if case.scan else None
    write_dicom_segmentation(_grid(case), segments, source, path, case.algorithm)


_WRITERS: dict[str, Callable[[Sequence[Segment], Case, Path], None]] = {
    ".nii.gz": _write_nifti,
    ".nii": _write_nifti,
    ".nrrd": _write_nrrd,
    ".dcm": _write_dicom,
}


def _grid(case: Case) -> Volume:
    assert case.scan is not None  # noqa: S101 - checked before anything is written
    return case.scan.volume


def _slicer_segment(prefix: str, structure: Structure, grid: Volume) -> dict[str, str]:
    """Name and colour of a segment as 3D Slicer keeps them in `.seg.nrrd`."""
    extent = " ".join(f"0 {count - 1}" for count in reversed(grid.shape))
    fields = {
        "ID": structure.name,
        "Name": structure.name,
        "Color": " ".join(f"{part / 255:.4f}" for part in colour_of(structure)),
        "LabelValue": str(structure.label),
        "Layer": "0",
        "Extent": extent,
        "Tags": f"TerminologyEntry:{_terminology(structure)}|",
    }
    return {prefix + key: value for key, value in fields.items()}


def _terminology(structure: Structure) -> str:
    coding = coding_of(structure)
    category, kind, side, region = map(_word, (ANATOMICAL_STRUCTURE, coding.kind, coding.side, coding.region))
    return f"Gnathos~{category}~{kind}~{side}~Gnathos~{region}~^^"


def _word(code: Code | None) -> str:
    return "^^" if code is None else f"{code.scheme}^{code.value}^{code.meaning}"
