"""The URLs that answers carry."""

import time
import uuid
from dataclasses import dataclass
from urllib.parse import quote

from gnathos.jobs.tables import Input, Job, Output
from gnathos.settings import Settings
from gnathos.storage import Signed, UrlSigner
from gnathos.storage.signing import DOWNLOAD_METHODS, UPLOAD_METHODS

SECONDS_PER_MINUTE = 60
BYTES_PER_MB = 10**6

LONGEST_FILE_NAME = 60
"""Names of meshes with many structures are cut to this many characters."""


@dataclass(frozen=True)
class Links:
    """Makes URLs for one request."""

    base: str
    """Where the client reaches the API."""
    version: str
    """The version that the client speaks."""
    signer: UrlSigner
    settings: Settings

    def upload(self, job: Job, given: Input) -> str:
        """Where to PUT an input; the same each time it is asked for, until it expires."""
        path = f"/{self.version}/uploads/{given.tenant_id}/{given.job_id}/{given.key}"
        lifetime_s = self.settings.url_minutes * SECONDS_PER_MINUTE
        expires_at = int(job.created_at.timestamp()) + lifetime_s
        if expires_at < time.time():
            expires_at = int(time.time()) + lifetime_s
        return self._sign(Signed(UPLOAD_METHODS, path, expires_at, self.settings.max_upload_mb * BYTES_PER_MB))

    def notify(self, given: Input) -> str:
        """Where to say that an input is complete."""
        return f"{self.base}/{self.version}/job/{given.job_id}/inputs/{given.key}/notify"

    def download(self, output: Output) -> str:
        """Where to GET an output."""
        path = f"/{self.version}/downloads/{output.tenant_id}/{output.id}/{file_name(output)}"
        expires_at = int(time.time()) + self.settings.url_minutes * SECONDS_PER_MINUTE
        return self._sign(Signed(DOWNLOAD_METHODS, path, expires_at))

    def shared(self, tenant_id: uuid.UUID, job_id: uuid.UUID, expires_at: int) -> str:
        """Where to GET a result without a token, until that time (seconds since 1970)."""
        return self._sign(Signed(DOWNLOAD_METHODS, f"/{self.version}/shared/{tenant_id}/{job_id}", expires_at))

    def _sign(self, signed: Signed) -> str:
        return f"{self.base}{quote(signed.path)}?{self.signer.query(signed)}"


def file_name(output: Output) -> str:
    """A name for the file: what it shows, as `mandible.stl`."""
    stem = "_".join(str(name).strip().lower().replace("-", "_") for name in output.structures)
    if not stem or len(stem) > LONGEST_FILE_NAME:
        stem = f"{'mesh' if output.kind == 'meshes' else output.kind}_{output.position + 1}"
    return f"{stem}{output.extension}"
