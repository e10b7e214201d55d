"""Which of the files make the volume."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    XRay3DAngiographicImageStorage,
    XRay3DCraniofacialImageStorage,
)

from gnathos.dicom.geometry import MIN_SLICES
from gnathos.dicom.headers import Header
from gnathos.errors import NotADicomVolume, SeriesIsAmbiguous

_VOLUMES = {
    CTImageStorage,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
    XRay3DAngiographicImageStorage,
    XRay3DCraniofacialImageStorage,
}

_CAPTURES = {
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
}
"""Some CBCT vendors store volumes as these; accepted where they are said to be CT and their geometry is whole."""

_SCOUT_WORDS = {"LOCALIZER", "SCOUT", "TOPOGRAM"}
_DERIVED_WORDS = {"MPR", "PROJECTION IMAGE", "SECONDARY CAPTURE", "SCREEN SAVE"}


def choose_series(headers: list[Header]) -> list[Header]:
    """The files of the one series that is a volume.

    Localizers, reports, captures, X-rays and other modalities beside it are left out.

    Raises:
        NotADicomVolume: none of the files is a CT slice or volume.
        SeriesIsAmbiguous: several series could be the volume.
    """
    volumes = [header for header in headers if is_volume(header.dataset)]
    if not volumes:
        raise NotADicomVolume(_what_it_is(header.dataset for header in headers))
    plain = [header for header in volumes if not _is_scout(header.dataset)]
    groups = _by_series(plain or volumes)
    whole = [group for group in groups if _slice_count(group) >= MIN_SLICES] or groups
    if len(whole) > 1:
        counts = ", ".join(str(_slice_count(group)) for group in sorted(whole, key=_slice_count, reverse=True))
        raise SeriesIsAmbiguous(f"There are {len(whole)} CT series, of {counts} slices; nothing says which to take.")
    return whole[0]


def is_volume(dataset: Dataset) -> bool:
    """Whether a file is a CT slice or volume by its SOP class."""
    sop_class = dataset.get("SOPClassUID")
    if "Rows" not in dataset:
        return False
    return sop_class in _VOLUMES or (sop_class in _CAPTURES and dataset.get("Modality") == "CT")


def _is_scout(dataset: Dataset) -> bool:
    words = dataset.get("ImageType") or []
    texts = {str(word).upper() for word in ([words] if isinstance(words, str) else words)}
    return bool(texts & (_SCOUT_WORDS | _DERIVED_WORDS))


def _by_series(headers: list[Header]) -> list[list[Header]]:
    """Slices by series; each multi-frame file is a series of its own."""
    groups: dict[str, list[Header]] = defaultdict(list)
    for header in headers:
        key = "SOPInstanceUID" if _frame_count(header) > 1 else "SeriesInstanceUID"
        groups[f"{key} {header.dataset.get(key, '')}"].append(header)
    return list(groups.values())


def _slice_count(group: list[Header]) -> int:
    return sum(map(_frame_count, group))


def _frame_count(header: Header) -> int:
    count = header.dataset.get("NumberOfFrames")
    return int(count) if str(count or "").strip().isdigit() else 1


def _what_it_is(datasets: Iterable[Dataset]) -> str:
    """A sentence that names the kinds of DICOM object that came instead; the standard's names, never the patient's."""
    kinds = Counter(_kind(dataset) for dataset in datasets)
    listed = ", ".join(f"{count} × {kind}" if count > 1 else kind for kind, count in kinds.most_common(3))
    return f"There is no CT volume here, but: {listed}."


def _kind(dataset: Dataset) -> str:
    sop_class = UID(str(dataset.get("SOPClassUID", "")))
    return sop_class.name if sop_class.name != str(sop_class) else "an unknown kind of DICOM object"
