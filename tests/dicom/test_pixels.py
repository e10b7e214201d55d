"""Stored values: compressions, byte orders, bits, signs, padding, rescaling."""

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
)
from tests.makers import scans

from gnathos.dicom import read_dicom
from gnathos.errors import CodecUnsupported, ScanIsTruncated
from gnathos.imaging import Volume

SYNTAXES = {uid.name: uid for uid in (*scans.UNCOMPRESSED, *scans.ENCODERS)}


@pytest.mark.parametrize("kind", ["int16", "uint16"])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_every_transfer_syntax_gives_the_same_values(tmp_path: Path, syntax: str, kind: str) -> None:
    made = scans.small_volume()
    made = made.with_voxels((made.voxels + (2000 if kind == "uint16" else 0)).astype(kind))

    read = read_dicom(scans.series(tmp_path, made, transfer_syntax_uid=SYNTAXES[syntax]))

    np.testing.assert_array_equal(read.voxels, made.voxels)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_every_transfer_syntax_in_one_file_with_many_frames(tmp_path: Path, syntax: str) -> None:
    made = scans.small_volume()
    path = scans.legacy_multiframe(tmp_path, made)
    dataset = scans.compressed(dcmread(path), SYNTAXES[syntax], made.voxels)
    scans.save(dataset, path)

    np.testing.assert_array_equal(read_dicom(path).voxels, made.voxels)


def test_a_compressed_file_with_too_few_frames_is_truncated(tmp_path: Path) -> None:
    made = scans.small_volume()
    dataset = dcmread(scans.legacy_multiframe(tmp_path, made))
    scans.compressed(dataset, JPEGLSLossless, made.voxels[:9])

    with pytest.raises(ScanIsTruncated):
        read_dicom(scans.save(dataset, tmp_path / "few.dcm"))


@pytest.mark.parametrize("syntax", [uid.name for uid in scans.ENCODERS])
def test_a_frame_of_another_size_than_declared_is_refused(tmp_path: Path, syntax: str) -> None:
    made = scans.small_volume()
    dataset = dcmread(scans.legacy_multiframe(tmp_path, made))
    smaller = np.ascontiguousarray(made.voxels[:, :-1, :-3])
    scans.compressed(dataset, SYNTAXES[syntax], smaller)

    with pytest.raises(ScanIsTruncated):
        read_dicom(scans.save(dataset, tmp_path / "odd.dcm"))


@pytest.mark.parametrize("syntax", [uid.name for uid in scans.ENCODERS])
def test_damaged_codestreams_are_plain_errors(tmp_path: Path, syntax: str) -> None:
    made = scans.small_volume()
    dataset = dcmread(scans.legacy_multiframe(tmp_path, made))
    packed = [bytearray(scans.ENCODERS[SYNTAXES[syntax]](np.ascontiguousarray(frame))) for frame in made.voxels]
    for frame in packed:
        del frame[len(frame) // 3 :]
    scans.compressed(dataset, SYNTAXES[syntax], made.voxels)
    dataset.PixelData = encapsulate([bytes(frame) + b"\0" * (len(frame) % 2) for frame in packed])

    with pytest.raises(ScanIsTruncated):
        read_dicom(scans.save(dataset, tmp_path / "damaged.dcm"))


def test_a_compression_that_is_not_read_says_so(tmp_path: Path) -> None:
    made = scans.small_volume()
    dataset = dcmread(scans.legacy_multiframe(tmp_path, made))
    scans.compressed(dataset, JPEGLosslessSV1, made.voxels)
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit

    with pytest.raises(CodecUnsupported):
        read_dicom(scans.save(dataset, tmp_path / "lossy.dcm"))


@pytest.mark.parametrize("is_signed", [True, False])
@pytest.mark.parametrize(("bits", "high_bit"), [(12, 11), (12, 13), (12, 15), (10, 9)])
def test_only_the_stored_bits_count(tmp_path: Path, bits: int, high_bit: int, is_signed: bool) -> None:
    low = -(2 ** (bits - 1)) if is_signed else 0
    true = (scans.small_volume().voxels.astype(int) % 2**bits) + low
    random = np.random.default_rng(0).integers(0, 2**16, true.shape)
    shift = high_bit + 1 - bits
    mask = (2**bits - 1) << shift
    raw = ((true << shift) & mask | (random & ~mask)).astype(np.uint16)  # overlays and rubbish beside the value
    path = scans.legacy_multiframe(
        tmp_path,
        scans.small_volume().with_voxels(raw),
        BitsStored=bits,
        HighBit=high_bit,
        PixelRepresentation=int(is_signed),
    )

    np.testing.assert_array_equal(read_dicom(path).voxels, true)


@pytest.mark.parametrize("uid", [JPEGLosslessSV1, JPEGLSLossless], ids=lambda uid: uid.name)
def test_twelve_bit_signed_values_in_a_codec_without_signs(tmp_path: Path, uid: str) -> None:
    true = (scans.small_volume().voxels.astype(int) % 4096) - 2048
    stored = (true & 0xFFF).astype(np.uint16)
    dataset = dcmread(scans.legacy_multiframe(tmp_path, BitsStored=12, HighBit=11))
    encode = imagecodecs.ljpeg_encode if uid == JPEGLosslessSV1 else imagecodecs.jpegls_encode
    dataset.file_meta.TransferSyntaxUID = uid
    frames = [encode(frame, **({"bitspersample": 12} if uid == JPEGLosslessSV1 else {})) for frame in stored]
    dataset.PixelData = encapsulate([frame + b"\0" * (len(frame) % 2) for frame in frames])
    dataset["PixelData"].is_undefined_length = True

    np.testing.assert_array_equal(read_dicom(scans.save(dataset, tmp_path / "signed.dcm")).voxels, true)


def test_rescaling_with_whole_numbers_stays_whole(tmp_path: Path) -> None:
    made = scans.small_volume()
    stored = made.with_voxels((made.voxels + 2000).astype(np.uint16))

    read = read_dicom(scans.legacy_multiframe(tmp_path, stored, RescaleIntercept="-2000"))

    assert read.voxels.dtype == np.int16
    np.testing.assert_array_equal(read.voxels, made.voxels)


def test_rescaling_with_fractions_gives_floats(tmp_path: Path) -> None:
    made = scans.small_volume()

    read = read_dicom(scans.legacy_multiframe(tmp_path, made, RescaleSlope="0.25", RescaleIntercept="-3.5"))

    assert read.voxels.dtype == np.float32
    np.testing.assert_allclose(read.voxels, made.voxels * 0.25 - 3.5)


def test_values_that_do_not_fit_sixteen_bits_become_floats(tmp_path: Path) -> None:
    read = read_dicom(scans.legacy_multiframe(tmp_path, RescaleSlope="100"))

    assert read.voxels.dtype == np.float32
    np.testing.assert_array_equal(read.voxels, scans.small_volume().voxels * 100.0)


def test_each_slice_has_its_own_rescaling(tmp_path: Path) -> None:
    made = scans.small_volume()
    for index in range(made.shape[0]):
        attributes = {"RescaleSlope": str(1 + index % 3), "RescaleIntercept": str(-10 * index)}
        scans.save(scans.slice_dataset(made, index, **attributes), tmp_path / str(index))

    expected = np.stack([plane * (1 + k % 3) - 10 * k for k, plane in enumerate(made.voxels.astype(int))])
    np.testing.assert_array_equal(read_dicom(tmp_path).voxels, expected)


def test_each_frame_of_an_enhanced_file_has_its_own_rescaling(tmp_path: Path) -> None:
    path = scans.enhanced(tmp_path)
    dataset = dcmread(path)
    shared = dataset.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence[0]
    del dataset.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence
    for index, groups in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        own = type(shared)()
        own.RescaleSlope, own.RescaleIntercept, own.RescaleType = "1", str(index * 7), "HU"
        groups.PixelValueTransformationSequence = [own]
    dataset.save_as(path)

    expected = scans.small_volume().voxels + 7 * np.arange(12)[:, None, None]
    np.testing.assert_array_equal(read_dicom(path).voxels, expected)


@pytest.mark.parametrize("padding", [-2000, 32000])
def test_padding_becomes_the_least_value_of_the_image(tmp_path: Path, padding: int) -> None:
    made = scans.small_volume()
    padded = made.voxels.copy()
    padded[:, :3] = padding

    read = read_dicom(scans.legacy_multiframe(tmp_path, made.with_voxels(padded), PixelPaddingValue=padding))

    assert (read.voxels[:, :3] == made.voxels[:, 3:].min()).all()
    np.testing.assert_array_equal(read.voxels[:, 3:], made.voxels[:, 3:])


def test_inverted_gray_values_are_turned(tmp_path: Path) -> None:
    made = scans.small_volume()

    read = read_dicom(scans.legacy_multiframe(tmp_path, PhotometricInterpretation="MONOCHROME1", RescaleType="US"))

    np.testing.assert_array_equal(read.voxels, made.voxels.max() - made.voxels.astype(int))


def _head_like(offset: int) -> Volume:
    """Air and soft tissue and a little bone, with noise."""
    random = np.random.default_rng(0)
    hu = np.where(np.arange(40)[:, None, None] < 18, -1000, 40) + np.zeros((40, 40, 40))
    hu[25:28] = 1300
    made = scans.small_volume((40, 40, 40))
    return made.with_voxels((hu + random.normal(0, 25, hu.shape) + offset).astype(np.int16))


@pytest.mark.parametrize(
    ("offset", "rescale_type", "is_hu"),
    [(0, "HU", True), (0, None, True), (1024, "HU", False), (0, "US", False)],
)
def test_values_are_hu_only_where_header_and_histogram_agree(
    tmp_path: Path, offset: int, rescale_type: str | None, is_hu: bool
) -> None:
    read = read_dicom(scans.legacy_multiframe(tmp_path, _head_like(offset), RescaleType=rescale_type))

    assert read.is_hu is is_hu


def test_a_capture_that_is_a_whole_ct_volume_is_read(tmp_path: Path) -> None:
    uid = MultiFrameGrayscaleWordSecondaryCaptureImageStorage

    read = read_dicom(scans.legacy_multiframe(tmp_path, SOPClassUID=uid))

    np.testing.assert_array_equal(read.voxels, scans.small_volume().voxels)
