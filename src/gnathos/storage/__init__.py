"""The object store, and the signed URLs through which clients reach it."""

from gnathos.storage.objects import ObjectStore, StoredObject
from gnathos.storage.signing import Signed, UrlSigner

__all__ = ["ObjectStore", "Signed", "StoredObject", "UrlSigner"]
