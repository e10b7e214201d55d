"""Whose and which series a volume came from: kept beside the volume, written only into DICOM, never shown."""

import re
from dataclasses import dataclass, field

from pydicom.dataset import Dataset

_UID = re.compile(r"[0-9.]{1,64}")

PATIENT_AND_STUDY = (
    *("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "PatientIdentityRemoved"),
    *("DeidentificationMethod", "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription"),
    *("AccessionNumber", "ReferringPhysicianName", "FrameOfReferenceUID", "PositionReferenceIndicator"),
)
"""Attributes that DICOM made from a series has in common with it."""


@dataclass(frozen=True)
class SourceFrame:
    """Which image became one slice."""

    instance_uid: str = field(repr=False)
    """SOP Instance UID."""
    number: int | None
    """Its place in a file of several frames, from 1."""


@dataclass(frozen=True)
class SourceSeries:
    """A series, as other DICOM refers to it. Its repr shows nothing: it may come into a log."""

    patient_and_study: dict[str, str] = field(repr=False)
    """By keyword, of `PATIENT_AND_STUDY`, what the series has."""
    series_uid: str = field(repr=False)
    class_uid: str = field(repr=False)
    """SOP Class UID of its images."""
    instance_uids: tuple[str, ...] = field(repr=False)
    slices: tuple[SourceFrame, ...] = field(repr=False)
    """Which image became each slice of the volume; empty where slices were interpolated."""


def source_series(dataset: Dataset, instance_uids: tuple[str, ...], slices: tuple[SourceFrame, ...]) -> SourceSeries:
    """Take over what one image of a series says of all.

    Args:
        dataset: the header of any of its images.
        instance_uids: of all images.
        slices: see `SourceSeries.slices`.
    """
    shared = {
        keyword: uid_of(dataset, keyword) if keyword.endswith("UID") else str(dataset[keyword].value or "")
        for keyword in PATIENT_AND_STUDY
        if keyword in dataset
    }
    return SourceSeries(
        patient_and_study=shared,
        series_uid=uid_of(dataset, "SeriesInstanceUID"),
        class_uid=uid_of(dataset, "SOPClassUID"),
        instance_uids=instance_uids,
        slices=slices,
    )


def uid_of(dataset: Dataset, keyword: str) -> str:
    """A UID as it stands there; empty where there is none, or something that is none."""
    text = str(dataset.get(keyword, ""))
    return text if _UID.fullmatch(text) else ""
