"""What nobody should send, and the code that each is answered with."""

from collections.abc import Callable
from pathlib import Path

from tests.makers import scans

BAD_SCANS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "empty": (scans.empty, "scan_empty"),
    "truncated": (scans.truncated, "scan_truncated"),
    "not DICOM": (scans.not_dicom, "format_not_recognised"),
    "noise": (scans.random_dicom, "format_not_recognised"),
    "an X-ray": (scans.xray, "not_a_ct_volume"),
    "a report": (scans.report, "not_a_ct_volume"),
    "one slice": (scans.single_slice, "too_few_slices"),
    "a slice missing": (scans.series_with_gap, "slices_missing"),
    "a slice doubled": (scans.series_with_duplicate, "slices_doubled"),
    "two series": (scans.two_series_zip, "several_series"),
    "a zip bomb": (scans.zip_bomb, "archive_refused"),
    "a path-traversing zip": (scans.traversing_zip, "archive_refused"),
    "an encrypted zip": (scans.encrypted_zip, "archive_refused"),
    "a damaged zip": (scans.damaged_zip, "scan_truncated"),
    "too many voxels": (scans.huge_declaration, "scan_too_large"),
}
