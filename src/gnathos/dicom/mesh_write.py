"""Encapsulated STL out: a mesh beside the series that it was made from.

Source: DICOM PS3.3 A.85.1 (Encapsulated STL IOD), C.24.2 (Encapsulated Document), C.35.1 (Manufacturing 3D Model).
"""

import hashlib
import warnings
from pathlib import Path

from pydicom.config import disable_value_validation
from pydicom.dataelem import DataElement
from pydicom.filewriter import dcmwrite
from pydicom.uid import EncapsulatedSTLStorage

from gnathos.anatomy.codes import Code
from gnathos.dicom.derived import code_item, describe_study, new_dataset, referenced_series, source_items
from gnathos.dicom.source_series import SourceSeries

_SERIES_NUMBER = 9002
_MILLIMETRE = Code("mm", "UCUM", "mm")


def write_dicom_mesh(
    stl: bytes, title: str, source: SourceSeries | None, frame_of_reference_uid: str | None, path: Path
) -> None:
    """Write a mesh as Encapsulated STL; the same mesh gives the same bytes.

    Args:
        stl: a binary STL in the scan's patient coordinates, LPS millimetres.
        title: what it shows; no patient data.
        source: the series of the scan; None where it was not DICOM: then nothing is referenced.
        frame_of_reference_uid: of the scan.
        path: made or replaced.
    """
    seed = [source.series_uid if source else "", title, hashlib.sha256(stl).hexdigest()]
    with disable_value_validation(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the source's own words are kept as they are, and warnings would quote them
        dataset = new_dataset(path, EncapsulatedSTLStorage, "mesh", seed)
        describe_study(dataset, source, frame_of_reference_uid, seed)
        dataset.Modality, dataset.SeriesNumber = "M3D", _SERIES_NUMBER
        dataset.AcquisitionDateTime = ""
        dataset.BurnedInAnnotation, dataset.RecognizableVisualFeatures = "NO", "NO"
        dataset.DocumentTitle = title
        dataset.ConceptNameCodeSequence = []
        dataset.MeasurementUnitsCodeSequence = [code_item(_MILLIMETRE)]
        dataset.MIMETypeOfEncapsulatedDocument = "model/stl"
        dataset.EncapsulatedDocumentLength = len(stl)
        dataset.add(DataElement(0x00420011, "OB", stl + bytes(len(stl) % 2)))  # Encapsulated Document
        if source is not None:
            dataset.SourceInstanceSequence = source_items(source)
            dataset.ReferencedSeriesSequence = [referenced_series(source)]
        dcmwrite(path, dataset, enforce_file_format=True)
