"""What all DICOM that is made from a scan has in common: its patient and study, and where it is from."""

from collections.abc import Sequence
from pathlib import Path

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from gnathos import __version__
from gnathos.anatomy.codes import Code
from gnathos.dicom.elements import item
from gnathos.dicom.source_series import SourceSeries

UNKNOWN_DATE, UNKNOWN_TIME = "20200101", "120000"
"""Where the source tells none, and the standard wants one; the present time would change the bytes."""
SOURCE_IMAGE = Code("121322", "DCM", "Source image for image processing operation")


def new_dataset(path: Path, class_uid: str, kind: str, seed: Sequence[str]) -> FileDataset:
    """An empty file of a class; the same kind and seed give the same UIDs."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(class_uid)
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[kind, *seed])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = UID(class_uid), meta.MediaStorageSOPInstanceUID
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[f"{kind} series", *seed])
    dataset.SeriesDescription = f"Gnathos {kind}"
    return dataset


def describe_study(
    dataset: Dataset, source: SourceSeries | None, frame_of_reference_uid: str | None, seed: Sequence[str]
) -> None:
    """Patient, study, frame of reference and equipment; those of the scan where it was DICOM."""
    given = source.patient_and_study if source else {}
    defaults = {
        **dict.fromkeys(("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyID"), ""),
        **dict.fromkeys(("AccessionNumber", "ReferringPhysicianName", "PositionReferenceIndicator"), ""),
        "StudyInstanceUID": generate_uid(entropy_srcs=["study", *seed]),
        "FrameOfReferenceUID": frame_of_reference_uid or generate_uid(entropy_srcs=["frame", *seed]),
        "StudyDate": "",
        "StudyTime": "",
    }
    for keyword, value in {**defaults, **{key: value for key, value in given.items() if value}}.items():
        setattr(dataset, keyword, value)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.ContentDate = dataset.StudyDate or UNKNOWN_DATE
    dataset.ContentTime = dataset.StudyTime or UNKNOWN_TIME
    dataset.InstanceNumber = 1
    dataset.Manufacturer = dataset.ManufacturerModelName = "Gnathos"
    dataset.DeviceSerialNumber, dataset.SoftwareVersions = "0", __version__


def code_item(code: Code) -> Dataset:
    """A code as an item of a code sequence."""
    return item(CodeValue=code.value, CodingSchemeDesignator=code.scheme, CodeMeaning=code.meaning)


def source_items(source: SourceSeries) -> list[Dataset]:
    """Each image of the scan, as what something was made from."""
    return [
        item(
            ReferencedSOPClassUID=source.class_uid,
            ReferencedSOPInstanceUID=uid,
            PurposeOfReferenceCodeSequence=[code_item(SOURCE_IMAGE)],
        )
        for uid in source.instance_uids
    ]


def referenced_series(source: SourceSeries) -> Dataset:
    """The scan's series with all of its images, as an item of Referenced Series Sequence."""
    instances = [
        item(ReferencedSOPClassUID=source.class_uid, ReferencedSOPInstanceUID=uid) for uid in source.instance_uids
    ]
    return item(SeriesInstanceUID=source.series_uid, ReferencedInstanceSequence=instances)
