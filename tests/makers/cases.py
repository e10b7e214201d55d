"""Runs whose structures are known shapes, on an oblique scan, without a segmenter."""

from pathlib import Path

import numpy as np

from gnathos.anatomy import PERMANENT_FDI, STRUCTURES, Family
from gnathos.dicom import SourceSeries
from gnathos.imaging import Volume
from gnathos.pipeline import OutputFile, Request
from gnathos.pipeline.case import Case
from gnathos.pipeline.options import mesh_options
from gnathos.pipeline.read import Scan
from gnathos.segmentation import Finding, Outcome, Reason, Segmentation

RADII_MM = {"mandible": 9.0, "tooth36": 4.0, "left_nerve": 2.5}
CENTRES_MM = {"mandible": (0.0, 0.0, 0.0), "tooth36": (3.0, -6.0, 5.0), "left_nerve": (-4.0, 0.0, 0.0)}
"""From the scan's middle, along the patient's axes; the tooth and the canal reach into the mandible."""

_CANALS = ("right_nerve", "left_nerve")


def oblique_scan(turn_degrees: float = 20.0) -> Volume:
    """Noise on a grid that is turned about the long axis, with slices that run down and rows that run forwards."""
    angle = np.deg2rad(turn_degrees)
    left = np.array([np.cos(angle), np.sin(angle), 0])
    back = np.array([-np.sin(angle), np.cos(angle), 0])
    affine = np.eye(4)
    affine[:3, :3] = np.column_stack([np.array([0, 0, -1.0]) * 0.8, -back * 0.5, left * 0.6])
    affine[:3, 3] = (40, -60, 110)
    voxels = np.random.default_rng(1).integers(-1000, 2000, (34, 50, 44)).astype(np.int16)
    return Volume(voxels, affine, is_hu=True, frame_of_reference_uid="1.2.9")


def centre_lps_mm(scan: Volume, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Where a ball of that name lies."""
    middle = scan.points_lps_mm([(np.array(scan.shape) - 1) / 2])[0]
    return np.asarray(middle + CENTRES_MM[name])


def ball(scan: Volume, name: str) -> Volume:
    """The field of a ball, on a part of the scan's lattice turned to the patient's axes, as segmenters answer."""
    oriented = scan.to_patient_axes()
    centre = oriented.indices_at([centre_lps_mm(scan, name)])[0]
    reach = (RADII_MM[name] + 2) / oriented.spacing_mm
    part = oriented.crop(
        np.maximum(np.floor(centre - reach), 0), np.minimum(np.ceil(centre + reach) + 1, oriented.shape)
    )
    places = part.points_lps_mm(np.indices(part.shape).reshape(3, -1).T)
    distance_mm = np.linalg.norm(places - centre_lps_mm(scan, name), axis=1).reshape(part.shape)
    return part.with_voxels((RADII_MM[name] - distance_mm).astype(np.float32))


def findings_of_truth(truth: Volume) -> dict[str, Finding]:
    """What a segmenter without error would answer of the mandible, the canals and all permanent teeth of a phantom."""
    labels = truth.to_patient_axes()
    wanted = [each for each in STRUCTURES.values() if each.name in {"mandible", *_CANALS} or each.fdi in PERMANENT_FDI]
    return {each.name: _finding_of_label(labels, each.label) for each in wanted}


def _finding_of_label(labels: Volume, label: int) -> Finding:
    places = np.argwhere(labels.voxels == label)
    if not len(places):
        return Finding(Outcome.MISSING, 0.9, Reason.NOT_FOUND, "It is not there.")
    part = labels.crop(np.maximum(places.min(axis=0) - 1, 0), np.minimum(places.max(axis=0) + 2, labels.shape))
    return Finding(Outcome.FOUND, 0.9, field=part.with_voxels(np.where(part.voxels == label, 1, -1).astype(np.float32)))


def ball_case(
    folder: Path,
    *outputs: OutputFile,
    source: SourceSeries | None = None,
    scan: Volume | None = None,
    smoothing: int | None = None,
) -> Case:
    """A run that found three balls, and no tooth 48."""
    volume = scan or oblique_scan()
    found = {name: Finding(Outcome.FOUND, 0.9, field=ball(volume, name)) for name in RADII_MM}
    missing = {"tooth48": Finding(Outcome.MISSING, 0.8, Reason.NOT_FOUND, "It is not there.")}
    given = {} if smoothing is None else {each.value: {"smoothingIterations": smoothing} for each in Family}
    options = {name: mesh_options(given, STRUCTURES[name].family) for name in (*found, *missing)}
    segmenter = {"name": "balls", "version": "1"}
    return Case(
        Request((), outputs), folder, Scan(volume, source), Segmentation({**found, **missing}), segmenter, options, {}
    )
