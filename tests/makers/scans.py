"""Scans, good and bad, made in a folder: every maker takes the folder, writes into it and answers the path."""

import struct
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import imagecodecs
import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.sequence import Sequence
from pydicom.uid import (
    ComprehensiveSRStorage,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

from gnathos.dicom import write_enhanced_ct
from gnathos.imaging import Volume

Array = npt.NDArray[np.generic]

UNCOMPRESSED = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)


def _encode_rle(frame: Array) -> bytes:
    return RLELosslessEncoder.encode(
        frame,
        encoding_plugin="pydicom",
        rows=frame.shape[0],
        columns=frame.shape[1],
        samples_per_pixel=1,
        number_of_frames=1,
        bits_allocated=frame.itemsize * 8,
        bits_stored=frame.itemsize * 8,
        pixel_representation=int(frame.dtype.kind == "i"),
        photometric_interpretation="MONOCHROME2",
    )


ENCODERS: dict[str, Callable[[Array], bytes]] = {
    RLELossless: _encode_rle,
    JPEGLosslessSV1: lambda frame: imagecodecs.ljpeg_encode(frame.view(np.uint16), bitspersample=16),
    JPEGLSLossless: lambda frame: imagecodecs.jpegls_encode(frame.view(np.uint16)),
    JPEG2000Lossless: lambda frame: imagecodecs.jpeg2k_encode(frame, level=0, codecformat="j2k", reversible=True),
}
"""By transfer syntax: one frame to its codestream."""


def small_volume(shape: tuple[int, int, int] = (12, 20, 24), seed: int = 0) -> Volume:
    """A volume without symmetry: smooth, signed, and every voxel's value tells roughly where it is."""
    k, r, c = np.meshgrid(*map(np.arange, shape), indexing="ij")
    noise = np.random.default_rng(seed).integers(0, 5, shape)
    affine = np.array([[0, 0, 0.4, -31.5], [0, 0.3, 0, 12.25], [0.5, 0, 0, -100.75], [0, 0, 0, 1]])
    return Volume((k * 90 + r * 13 - c * 29 - 600 + noise).astype(np.int16), affine, is_hu=True)


def turned(volume: Volume, directions: npt.ArrayLike) -> Volume:
    """The same voxels, with (3, 3) unit columns as the directions of slices, rows and columns."""
    affine = volume.affine_lps.copy()
    affine[:3, :3] = np.asarray(directions, dtype=float) * volume.spacing_mm
    return Volume(volume.voxels, affine, volume.is_hu)


def slice_dataset(volume: Volume, index: int, series_uid: str = "1.2.3.4", **attributes: object) -> FileDataset:
    """One slice as a CT image, uncompressed; `attributes` are set last, None removes one."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[series_uid, str(index)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = "1.2.3", series_uid, "1.2.9"
    dataset.Modality, dataset.PatientName, dataset.PatientID = "CT", "Doe^Jane", "SECRET-1"
    _, rows_mm, columns_mm = volume.spacing_mm
    dataset.ImagePositionPatient = [f"{each:.8g}" for each in volume.points_lps_mm([[index, 0, 0]])[0]]
    directions = np.concatenate([volume.affine_lps[:3, 2] / columns_mm, volume.affine_lps[:3, 1] / rows_mm])
    dataset.ImageOrientationPatient = [f"{each:.8g}" for each in directions]
    dataset.PixelSpacing = [f"{rows_mm:.8g}", f"{columns_mm:.8g}"]
    dataset.SliceThickness = f"{volume.spacing_mm[0]:.8g}"
    dataset.InstanceNumber = index + 1
    _set_pixels(dataset, volume.voxels[index])
    for keyword, value in attributes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def _set_pixels(dataset: Dataset, voxels: Array) -> None:
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = voxels.shape[-2:]
    dataset.BitsAllocated = dataset.BitsStored = voxels.itemsize * 8
    dataset.HighBit = voxels.itemsize * 8 - 1
    dataset.PixelRepresentation = int(voxels.dtype.kind == "i")
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "0", "1", "HU"
    dataset.PixelData = np.ascontiguousarray(voxels).tobytes()
    dataset["PixelData"].VR = "OW"


def compressed(dataset: FileDataset, transfer_syntax_uid: str, frames: Iterable[Array]) -> FileDataset:
    """The dataset with its pixels in another transfer syntax."""
    dataset.file_meta.TransferSyntaxUID = transfer_syntax_uid
    if transfer_syntax_uid in ENCODERS:
        packed = [ENCODERS[transfer_syntax_uid](np.ascontiguousarray(frame)) for frame in frames]
        dataset.PixelData = encapsulate([each + b"\0" * (len(each) % 2) for each in packed])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    elif transfer_syntax_uid == ExplicitVRBigEndian:
        dataset.PixelData = b"".join(frame.astype(frame.dtype.newbyteorder(">")).tobytes() for frame in frames)
    return dataset


def save(dataset: FileDataset, path: Path) -> Path:
    """Write a dataset in the transfer syntax that it names."""
    uid = dataset.file_meta.TransferSyntaxUID
    path.parent.mkdir(parents=True, exist_ok=True)
    dcmwrite(
        path,
        dataset,
        implicit_vr=uid == ImplicitVRLittleEndian,
        little_endian=uid != ExplicitVRBigEndian,
        enforce_file_format=uid != ExplicitVRBigEndian,
        force_encoding=uid == ExplicitVRBigEndian,
    )
    return path


def series(
    folder: Path,
    volume: Volume | None = None,
    *,
    transfer_syntax_uid: str = ExplicitVRLittleEndian,
    series_uid: str = "1.2.3.4",
    indices: Iterable[int] | None = None,
    **attributes: object,
) -> Path:
    """A folder of single slices whose names do not sort as the slices do."""
    volume = volume or small_volume()
    target = folder / f"series {series_uid}"
    for index in range(volume.shape[0]) if indices is None else indices:
        dataset = slice_dataset(volume, index, series_uid, **attributes)
        compressed(dataset, transfer_syntax_uid, [volume.voxels[index]])
        save(dataset, target / f"IM{(index * 7919) % 1000:03d}")
    return target


def zipped(folder: Path, name: str = "scan.zip") -> Path:
    """A folder as a zip beside it, at some depth and with other files among its own."""
    path = folder.parent / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("readme.txt", "not DICOM")
        archive.writestr("__MACOSX/._IM000", b"\0\5\x16\7" * 40)
        archive.writestr("study/DICOMDIR", b"\0" * 128 + b"DICM")
        archive.writestr("study/empty", b"")
        archive.writestr("study/thumbnail.jpg", b"\xff\xd8\xff\xe0" * 20)
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            archive.write(file, f"study/deep/er/{file.relative_to(folder)}")
    return path


def legacy_multiframe(folder: Path, volume: Volume | None = None, **attributes: object) -> Path:
    """One CT Image Storage file with all frames and one position, as some CBCT programs write it."""
    volume = volume or small_volume()
    dataset = slice_dataset(volume, 0)
    dataset.NumberOfFrames = volume.shape[0]
    dataset.PixelData = volume.voxels.tobytes()
    dataset.SpacingBetweenSlices = f"{volume.spacing_mm[0]:.8g}"
    for keyword, value in attributes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return save(dataset, folder / "legacy.dcm")


def enhanced(folder: Path, volume: Volume | None = None, name: str = "enhanced.dcm") -> Path:
    """One enhanced multi-frame CT."""
    path = folder / name
    write_enhanced_ct(volume or small_volume(), path)
    return path


# What bad input looks like.


def empty(folder: Path) -> Path:
    """A file without bytes."""
    path = folder / "empty.dcm"
    path.write_bytes(b"")
    return path


def truncated(folder: Path) -> Path:
    """An enhanced CT whose last third is missing."""
    path = enhanced(folder, name="truncated.dcm")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    return path


def not_dicom(folder: Path) -> Path:
    """Text."""
    path = folder / "notes.dcm"
    path.write_text("This is not a scan. " * 100)
    return path


def xray(folder: Path) -> Path:
    """A digital X-ray: one projection image."""
    dataset = slice_dataset(small_volume(), 0, Modality="DX", SOPClassUID=DigitalXRayImageStorageForPresentation)
    dataset.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    return save(dataset, folder / "xray.dcm")


def report(folder: Path) -> Path:
    """A structured report: no image at all."""
    dataset = slice_dataset(small_volume(), 0, Modality="SR", SOPClassUID=ComprehensiveSRStorage)
    for keyword in ("PixelData", "Rows", "Columns"):
        delattr(dataset, keyword)
    dataset.ContentSequence = Sequence([Dataset()])
    return save(dataset, folder / "report.dcm")


def single_slice(folder: Path) -> Path:
    """One CT slice."""
    return save(slice_dataset(small_volume(), 3), folder / "slice.dcm")


def series_with_gap(folder: Path) -> Path:
    """A folder in which one slice is missing."""
    return series(folder, indices=[index for index in range(12) if index != 5])


def series_with_duplicate(folder: Path) -> Path:
    """A folder in which one slice comes twice."""
    target = series(folder)
    save(slice_dataset(small_volume(), 4, SOPInstanceUID="1.2.77"), target / "copy")
    return target


def two_series_zip(folder: Path) -> Path:
    """A zip of two whole series."""
    both = folder / "both"
    series(both, series_uid="1.2.3.4")
    series(both, small_volume((9, 20, 24)), series_uid="1.2.3.5")
    return zipped(both, "two.zip")


def good_zip(folder: Path) -> Path:
    """A zip of one series with other files beside it."""
    return zipped(series(folder))


def zip_bomb(folder: Path) -> Path:
    """A zip of 100 kB that would unpack to 100 MB."""
    path = folder / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.dcm", b"\0" * 100_000_000)
    return path


def traversing_zip(folder: Path) -> Path:
    """A zip with an entry outside of itself."""
    path = folder / "traversal.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../outside.dcm", b"\0" * 200)
    return path


def symlinked_zip(folder: Path) -> Path:
    """A zip with a symbolic link."""
    path = folder / "link.zip"
    entry = zipfile.ZipInfo("link.dcm")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    return path


def encrypted_zip(folder: Path) -> Path:
    """A zip whose entry says that it is encrypted."""
    path = folder / "secret.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("slice.dcm", b"\0" * 200)
    content = bytearray(path.read_bytes())
    content[6] |= 1  # general purpose flags of the local header
    content[content.index(b"PK\1\2") + 8] |= 1  # and of the central directory
    path.write_bytes(content)
    return path


def nested_zip(folder: Path) -> Path:
    """A zip of zips."""
    inner = good_zip(folder)
    path = folder / "nested.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(inner, "a.zip")
        archive.write(inner, "b.zip")
    return path


def damaged_zip(folder: Path) -> Path:
    """A zip that ends in its middle."""
    path = good_zip(folder)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def huge_declaration(folder: Path) -> Path:
    """A small file that declares 60,000 frames of 60,000 × 60,000."""
    return legacy_multiframe(folder, NumberOfFrames=60_000, Rows=60_000, Columns=60_000)


def random_dicom(folder: Path, seed: int = 0) -> Path:
    """A DICOM preamble with noise behind it."""
    path = folder / "noise.dcm"
    noise = np.random.default_rng(seed).bytes(5_000)
    path.write_bytes(b"\0" * 128 + b"DICM" + struct.pack("<HH2sHL", 2, 0, b"UL", 4, 20) + noise)
    return path
