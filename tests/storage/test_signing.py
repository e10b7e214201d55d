import time
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from gnathos.errors import UrlExpired, UrlTampered
from gnathos.storage.signing import DOWNLOAD_METHODS, UPLOAD_METHODS, Signed, UrlSigner

SIGNED = Signed(UPLOAD_METHODS, "/24.06/uploads/1", int(time.time()) + 86_400, 1000)
SIGNER = UrlSigner([b"k" * 32])


def query_of(signed: Signed, signer: UrlSigner = SIGNER) -> dict[str, str]:
    return dict(parse_qsl(signer.query(signed)))


def test_a_url_says_what_it_allows() -> None:
    assert SIGNER.check(UPLOAD_METHODS, SIGNED.path, query_of(SIGNED)) == SIGNED


def test_another_method_or_path_is_not_signed() -> None:
    with pytest.raises(UrlTampered):
        SIGNER.check(DOWNLOAD_METHODS, SIGNED.path, query_of(SIGNED))
    with pytest.raises(UrlTampered):
        SIGNER.check(UPLOAD_METHODS, "/24.06/uploads/2", query_of(SIGNED))


@pytest.mark.parametrize("name", ["expires", "limit", "signature"])
@pytest.mark.parametrize("value", [None, "", "9999999999", "x", "é"])
def test_no_part_can_be_changed(name: str, value: str | None) -> None:
    query = query_of(SIGNED)
    if value is None:
        del query[name]
    else:
        query[name] = value
    with pytest.raises(UrlTampered):
        SIGNER.check(UPLOAD_METHODS, SIGNED.path, query)


def test_it_expires() -> None:
    late = replace(SIGNED, expires_at=int(time.time()) - 2)
    with pytest.raises(UrlExpired):
        SIGNER.check(UPLOAD_METHODS, SIGNED.path, query_of(late))


def test_a_tampered_url_is_not_called_expired() -> None:
    late = query_of(replace(SIGNED, expires_at=int(time.time()) - 2)) | {"limit": "2000"}
    with pytest.raises(UrlTampered):
        SIGNER.check(UPLOAD_METHODS, SIGNED.path, late)


def test_retired_keys_are_still_accepted() -> None:
    rotated = UrlSigner([b"n" * 32, b"k" * 32])

    assert rotated.check(UPLOAD_METHODS, SIGNED.path, query_of(SIGNED)) == SIGNED
    with pytest.raises(UrlTampered):
        SIGNER.check(UPLOAD_METHODS, SIGNED.path, query_of(SIGNED, rotated))
