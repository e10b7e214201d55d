"""Secondary Capture out: a picture that was computed from a series, beside it.

Source: DICOM PS3.3 A.8.1 (Secondary Capture Image IOD), C.7.6.1 (General Image), C.8.6 (SC modules).
"""

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.config import disable_value_validation
from pydicom.filewriter import dcmwrite
from pydicom.uid import SecondaryCaptureImageStorage

from gnathos.anatomy.codes import Code
from gnathos.dicom.derived import code_item, describe_study, new_dataset, source_items
from gnathos.dicom.elements import decimal
from gnathos.dicom.source_series import SourceSeries

_SERIES_NUMBER = 9003
_CURVED = Code("113073", "DCM", "Curved multiplanar reformatting")
_IMAGE_TYPE = ("DERIVED", "SECONDARY", "CURVED MPR")


@dataclass(frozen=True)
class DerivedPicture:
    """Gray values that look at the patient from the front: rows run to the left, columns to the feet."""

    values: npt.NDArray[np.int16]
    """(rows, columns)."""
    pixel_mm: float
    shown: tuple[float, float]
    """Values that are black and white."""
    description: str
    """What was done; no patient data."""
    is_hu: bool


def write_dicom_picture(
    picture: DerivedPicture, source: SourceSeries | None, frame_of_reference_uid: str | None, path: Path
) -> None:
    """Write a picture as a Secondary Capture image; the same picture gives the same bytes.

    Args:
        picture: of the scan.
        source: the series of the scan; None where it was not DICOM: then nothing is referenced.
        frame_of_reference_uid: of the scan.
        path: made or replaced.
    """
    pixels = picture.values.astype("<i2").tobytes()
    seed = [source.series_uid if source else "", picture.description, hashlib.sha256(pixels).hexdigest()]
    with disable_value_validation(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the source's own words are kept as they are, and warnings would quote them
        dataset = new_dataset(path, SecondaryCaptureImageStorage, "panoramic", seed)
        describe_study(dataset, source, frame_of_reference_uid, seed)
        del dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator  # what is unrolled has no place in it
        dataset.Modality, dataset.SeriesNumber, dataset.ConversionType = "CT", _SERIES_NUMBER, "WSD"
        dataset.ImageType, dataset.BodyPartExamined = list(_IMAGE_TYPE), "JAW"
        dataset.PatientOrientation = ["L", "F"]
        dataset.DerivationDescription = picture.description
        dataset.DerivationCodeSequence = [code_item(_CURVED)]
        if source is not None:
            dataset.SourceImageSequence = source_items(source)
        dataset.BurnedInAnnotation, dataset.LossyImageCompression = "NO", "00"
        dataset.Rows, dataset.Columns = picture.values.shape
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit, dataset.PixelRepresentation = 15, 1
        dataset.PixelSpacing = [decimal(picture.pixel_mm)] * 2
        dataset.RescaleIntercept, dataset.RescaleSlope = "0", "1"
        dataset.RescaleType = "HU" if picture.is_hu else "US"
        black, white = picture.shown
        dataset.WindowCenter, dataset.WindowWidth = decimal((black + white) / 2), decimal(white - black)
        dataset.PixelData = pixels
        dcmwrite(path, dataset, enforce_file_format=True)
