"""DICOM out: an enhanced multi-frame CT in one file."""

import struct
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

from gnathos.dicom.elements import decimal, item
from gnathos.imaging import Volume

_PIXEL_DATA_HEADER = struct.pack("<HH2sH", 0x7FE0, 0x0010, b"OW", 0)
_DATE, _TIME = "20200101", "120000"
"""Of nothing in particular: a made scan has no date, and the standard wants one."""


def write_enhanced_ct(volume: Volume, path: Path, description: str = "Gnathos", patient_name: str = "Phantom") -> None:
    """Write a volume as one enhanced multi-frame CT, uncompressed.

    Args:
        volume: int16 or uint16; the same volume gives the same bytes.
        path: of the file to write.
        description: Series Description.
        patient_name: Patient's Name; no other patient data is written.

    Raises:
        ValueError: the values are not of 16 bits.
    """
    if volume.voxels.dtype not in (np.int16, np.uint16):
        raise ValueError(f"an enhanced CT holds 16-bit values, not {volume.voxels.dtype}")
    uid_seed = [
        str(volume.shape),
        str(volume.affine_lps.tolist()),
        str(volume.voxels[:: volume.shape[0] // 4 + 1].sum()),
    ]
    dataset = _file_dataset(path, uid_seed)
    _describe_study(dataset, uid_seed, volume, description, patient_name)
    _describe_image(dataset, volume)
    dataset.SharedFunctionalGroupsSequence = Sequence([_shared_groups(volume)])
    dataset.PerFrameFunctionalGroupsSequence = Sequence([_frame_groups(volume, k) for k in range(volume.shape[0])])
    with path.open("wb") as stream:
        dcmwrite(stream, dataset, enforce_file_format=True)
        stream.write(_PIXEL_DATA_HEADER + struct.pack("<L", volume.voxels.nbytes))
        for plane in volume.voxels:  # one by one: no second copy of the whole in memory
            stream.write(np.ascontiguousarray(plane, plane.dtype.newbyteorder("<")).tobytes())


def _file_dataset(path: Path, uid_seed: list[str]) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["instance", *uid_seed])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)


def _describe_study(dataset: Dataset, uid_seed: list[str], volume: Volume, description: str, patient_name: str) -> None:
    dataset.SOPClassUID = EnhancedCTImageStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=["study", *uid_seed])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=["series", *uid_seed])
    dataset.FrameOfReferenceUID = volume.frame_of_reference_uid or generate_uid(entropy_srcs=["frame", *uid_seed])
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate, dataset.PatientSex = patient_name, "", "", ""
    dataset.StudyDate = dataset.ContentDate = _DATE
    dataset.StudyTime = dataset.ContentTime = _TIME
    dataset.AcquisitionDateTime = _DATE + _TIME
    dataset.StudyID = dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    dataset.PositionReferenceIndicator = ""
    dataset.SeriesNumber = dataset.InstanceNumber = 1
    dataset.SeriesDescription = description
    dataset.Modality = "CT"
    dataset.Manufacturer = dataset.ManufacturerModelName = "Gnathos"
    dataset.DeviceSerialNumber = dataset.SoftwareVersions = "0"
    dataset.ImageType = ["DERIVED", "PRIMARY", "VOLUME", "NONE"]
    dataset.PixelPresentation, dataset.VolumetricProperties = "MONOCHROME", "VOLUME"
    dataset.VolumeBasedCalculationTechnique = "NONE"
    dataset.ContentQualification, dataset.PresentationLUTShape = "RESEARCH", "IDENTITY"
    dataset.BurnedInAnnotation, dataset.LossyImageCompression = "NO", "00"


def _describe_image(dataset: Dataset, volume: Volume) -> None:
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = volume.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = int(volume.voxels.dtype == np.int16)
    organization_uid = generate_uid(entropy_srcs=["organization", str(dataset.SOPInstanceUID)])
    dataset.DimensionOrganizationType = "3D"
    dataset.DimensionOrganizationSequence = Sequence([item(DimensionOrganizationUID=organization_uid)])
    dataset.DimensionIndexSequence = Sequence(
        [
            item(
                DimensionOrganizationUID=organization_uid,
                DimensionIndexPointer=0x00209057,  # In-Stack Position Number
                FunctionalGroupPointer=0x00209111,  # Frame Content Sequence
            )
        ]
    )


def _shared_groups(volume: Volume) -> Dataset:
    slices_mm, rows_mm, columns_mm = volume.spacing_mm
    row_direction = volume.affine_lps[:3, 2] / columns_mm
    column_direction = volume.affine_lps[:3, 1] / rows_mm
    shared = Dataset()
    shared.PixelMeasuresSequence = Sequence(
        [
            item(
                PixelSpacing=[decimal(rows_mm), decimal(columns_mm)],
                SliceThickness=decimal(slices_mm),
                SpacingBetweenSlices=decimal(slices_mm),
            )
        ]
    )
    orientation = [decimal(each) for each in (*row_direction, *column_direction)]
    shared.PlaneOrientationSequence = Sequence([item(ImageOrientationPatient=orientation)])
    shared.PixelValueTransformationSequence = Sequence(
        [item(RescaleIntercept="0", RescaleSlope="1", RescaleType="HU" if volume.is_hu else "US")]
    )
    shared.CTImageFrameTypeSequence = Sequence([_frame_type()])
    return shared


def _frame_type() -> Dataset:
    return item(
        FrameType=["DERIVED", "PRIMARY", "VOLUME", "NONE"],
        PixelPresentation="MONOCHROME",
        VolumetricProperties="VOLUME",
        VolumeBasedCalculationTechnique="NONE",
    )


def _frame_groups(volume: Volume, index: int) -> Dataset:
    place = [decimal(each) for each in volume.points_lps_mm([[index, 0, 0]])[0]]
    content = item(
        StackID="1", InStackPositionNumber=index + 1, DimensionIndexValues=[index + 1], FrameAcquisitionNumber=1
    )
    groups = Dataset()
    groups.FrameContentSequence = Sequence([content])
    groups.PlanePositionSequence = Sequence([item(ImagePositionPatient=place)])
    return groups
