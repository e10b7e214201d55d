"""DICOM in and out: a file, a folder or a zip of slices becomes one volume, its geometry checked."""

from gnathos.dicom.mesh_write import write_dicom_mesh
from gnathos.dicom.picture_write import DerivedPicture, write_dicom_picture
from gnathos.dicom.read import check_dicom, read_dicom, read_dicom_series
from gnathos.dicom.segmentation_write import Segment, write_dicom_segmentation
from gnathos.dicom.source_series import SourceSeries
from gnathos.dicom.write import write_enhanced_ct

__all__ = [
    "DerivedPicture",
    "Segment",
    "SourceSeries",
    "check_dicom",
    "read_dicom",
    "read_dicom_series",
    "write_dicom_mesh",
    "write_dicom_picture",
    "write_dicom_segmentation",
    "write_enhanced_ct",
]
