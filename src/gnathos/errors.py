"""Everything that can go wrong, each with a stable code, a sentence and what the caller can do.

A class per thing that can be wrong; its docstring is the sentence said when no better one is given, its `kind`
decides the HTTP status and whether trying again can help, its `remedy` says what the caller can do.
"""

import enum
from collections.abc import Mapping
from typing import ClassVar


class Kind(enum.Enum):
    """What sort of error it is; the value is the HTTP status."""

    BAD_REQUEST = 400
    UNAUTHENTICATED = 401
    FORBIDDEN = 403
    NOT_FOUND = 404
    METHOD_NOT_ALLOWED = 405
    CONFLICT = 409
    GONE = 410
    TOO_LARGE = 413
    RANGE_NOT_SATISFIABLE = 416
    UNPROCESSABLE = 422
    TOO_MANY = 429
    INTERNAL = 500
    UNAVAILABLE = 503

    @property
    def is_worth_retrying(self) -> bool:
        """Whether the same call may go through later with nothing changed."""
        return self in {Kind.TOO_MANY, Kind.INTERNAL, Kind.UNAVAILABLE}


class GnathosError(Exception):
    """Something went wrong inside the engine."""

    code: ClassVar[str] = "internal_error"
    kind: ClassVar[Kind] = Kind.INTERNAL
    remedy: ClassVar[str] = "Try again; if it happens again, tell the people who run this engine."

    def __init__(self, detail: str | None = None, *, remedy: str | None = None) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip().partition("\n")[0]
        self.advice = remedy or self.remedy
        super().__init__(self.detail)

    def as_reason(self) -> dict[str, str]:
        """The error as results carry it: `code`, `detail` (one sentence), `remedy`."""
        return {"code": self.code, "detail": self.detail, "remedy": self.advice}


class ScanError(GnathosError):
    """The scan cannot be read."""

    code = "scan_unreadable"
    kind = Kind.UNPROCESSABLE
    remedy = "Export the scan again from the program that made it and send that file."


class ScanIsEmpty(ScanError):
    """The file is empty."""

    code = "scan_empty"


class ScanIsTruncated(ScanError):
    """The file ends before its image does."""

    code = "scan_truncated"
    remedy = "Upload the file again; compare its size or checksum with the original."


class ScanTooLarge(ScanError):
    """The scan is larger than this engine accepts."""

    code = "scan_too_large"
    kind = Kind.TOO_LARGE
    remedy = "Crop the scan or export it with larger voxels, or ask for a higher limit."


class FormatNotRecognised(ScanError):
    """The content is not of the format that was named."""

    code = "format_not_recognised"
    remedy = "Name the file's real format in `extension`, or send DICOM, a zip of slices, NIfTI, NRRD, MHA or VTI."


class NotADicomVolume(ScanError):
    """The DICOM object is not a CT volume."""

    code = "not_a_ct_volume"
    remedy = "Send the CT or CBCT image itself: not a report, a panoramic X-ray or a secondary capture."


class SeriesIsAmbiguous(ScanError):
    """There is more than one series, and nothing says which to take."""

    code = "several_series"
    remedy = "Send one series at a time."


class SeriesHasGaps(ScanError):
    """Slices are missing from the series."""

    code = "slices_missing"
    remedy = "Export the whole series again; every slice is needed."


class SeriesHasDuplicates(ScanError):
    """Two slices lie at the same place."""

    code = "slices_doubled"
    remedy = "Export the series once, into an empty folder."


class TooFewSlices(ScanError):
    """There are too few slices for a volume."""

    code = "too_few_slices"
    remedy = "Send the whole volume: all slices of the series."


class GeometryError(ScanError):
    """The scan's geometry is not one that can be read safely."""

    code = "geometry_unsupported"
    remedy = "Export the volume without gantry tilt, with one orientation and even spacing."


class ArchiveRefused(ScanError):
    """The archive is not safe to unpack."""

    code = "archive_refused"
    remedy = "Send a plain zip of the DICOM files, without nested archives or absolute paths."


class CodecUnsupported(ScanError):
    """The image is compressed in a way that this engine cannot decode."""

    code = "compression_unsupported"
    remedy = "Export the scan uncompressed or with JPEG lossless, JPEG-LS, JPEG 2000 or RLE."


class UnknownStructure(GnathosError):
    """No structure has that name."""

    code = "unknown_structure"
    kind = Kind.BAD_REQUEST
    remedy = "Use one of the names listed in the documentation of structures."


class UnknownExtension(GnathosError):
    """That file extension is not supported."""

    code = "unknown_extension"
    kind = Kind.BAD_REQUEST
    remedy = "Use one of the extensions listed in the documentation."


class InvalidOption(GnathosError):
    """An option has a value that it cannot have."""

    code = "invalid_option"
    kind = Kind.BAD_REQUEST
    remedy = "Use a value in the range that the documentation of options gives."


class UnknownConvention(GnathosError):
    """No label convention has that name."""

    code = "unknown_label_convention"
    kind = Kind.BAD_REQUEST
    remedy = "Use gnathos, toothfairy or dentalsegmentator."


class LabelsDoNotFit(GnathosError):
    """The labels do not belong to the scan."""

    code = "labels_do_not_fit"
    kind = Kind.BAD_REQUEST
    remedy = "Give labels drawn on this scan, with the same axes."


class NothingFound(GnathosError):
    """None of the structures asked for was found in the scan."""

    code = "nothing_found"
    kind = Kind.UNPROCESSABLE
    remedy = "Check that the scan shows the structures; the reasons stand beside each."


class MeshingFailed(GnathosError):
    """The structure was found, but no closed surface could be made of it."""

    code = "meshing_failed"
    kind = Kind.UNPROCESSABLE
    remedy = "Report the case; the other outputs of the job are not affected."


class InvalidSetting(GnathosError):
    """A setting has a value that it cannot have."""

    code = "invalid_setting"
    remedy = "Mend the environment variable; docs/settings.md lists them."


class EmbeddedPostgresFailed(GnathosError):
    """The embedded PostgreSQL cannot be started."""

    code = "database_not_started"
    remedy = "Read logs/postgres.log in the data folder, or give a PostgreSQL of your own with GNATHOS_DATABASE_URL."


class PostgresVersionDiffers(EmbeddedPostgresFailed):
    """The data folder was made by another major version of PostgreSQL."""

    code = "database_version_differs"
    remedy = "Start the release of the engine that made the folder, or dump and restore the database by hand."


class FolderInUse(GnathosError):
    """Another engine is running on this data folder."""

    code = "folder_in_use"
    kind = Kind.CONFLICT
    remedy = "Stop the other one, or give this one a folder of its own with --data."


class AddressInUse(GnathosError):
    """Something else listens on that port."""

    code = "address_in_use"
    kind = Kind.CONFLICT
    remedy = "Choose another port with --port, or 0 for a free one."


class EngineNotReachable(GnathosError):
    """The engine cannot be reached."""

    code = "engine_not_reachable"
    kind = Kind.UNAVAILABLE
    remedy = "Check the URL, and that the engine is running there."


class EngineRefused(GnathosError):
    """The engine refused the call."""

    code = "engine_refused"
    kind = Kind.BAD_REQUEST
    remedy = "Read the reason; the engine's /docs page describes every call."

    def __init__(
        self, detail: str | None = None, *, remedy: str | None = None, status: int = 0, reason: str = ""
    ) -> None:
        """An HTTP status and the engine's own code, where it gave them."""
        super().__init__(detail, remedy=remedy)
        self.status = status
        self.reason = reason


class WebhookNotVerified(GnathosError):
    """The webhook's signature is not the engine's."""

    code = "webhook_not_verified"
    kind = Kind.UNAUTHENTICATED
    remedy = "Answer 401 and do nothing with it; check that the key is the tenant's and the body is as it came."


class RequestInvalid(GnathosError):
    """The request is not one that this route understands."""

    code = "request_invalid"
    kind = Kind.BAD_REQUEST
    remedy = "Mend what is listed under `errors`; the documentation page shows an example."

    def __init__(
        self, detail: str | None = None, *, remedy: str | None = None, errors: tuple[dict[str, str], ...] = ()
    ) -> None:
        super().__init__(detail, remedy=remedy)
        self.errors = errors


class BodyNotJson(RequestInvalid):
    """The body is not JSON."""

    code = "body_not_json"
    remedy = "Send one JSON object, in UTF-8."


class BodyTooLarge(GnathosError):
    """The body is larger than a job's description may be."""

    code = "body_too_large"
    kind = Kind.TOO_LARGE
    remedy = "Send scans to the upload URL, not in the job's body."


class NotSupportedYet(RequestInvalid):
    """The request is understood, but this engine cannot do it yet."""

    code = "not_supported_yet"
    remedy = "Leave it out, or use another form of it that the documentation lists."


class TokenMissing(GnathosError):
    """The request carries no access token."""

    code = "token_missing"
    kind = Kind.UNAUTHENTICATED
    remedy = "Get a token from POST /oauth/token and send it as `Authorization: Bearer …`."


class TokenInvalid(GnathosError):
    """The access token is not valid here."""

    code = "token_invalid"
    kind = Kind.UNAUTHENTICATED
    remedy = "Get a new token from POST /oauth/token of this engine."


class TokenExpired(TokenInvalid):
    """The access token has expired."""

    code = "token_expired"


class TokenOfAnotherRegion(TokenInvalid):
    """The access token belongs to another region."""

    code = "token_of_another_region"
    remedy = "Get a token from this region's engine, or call the region that the token is for."


class NotLocal(GnathosError):
    """This works only in a browser on the machine that `gnathos up` runs on."""

    code = "not_local"
    kind = Kind.FORBIDDEN
    remedy = "Sign in with a client's id and secret."


class LocalCodeInvalid(GnathosError):
    """The code was used before, or is too old."""

    code = "local_code_invalid"
    kind = Kind.FORBIDDEN
    remedy = "Ask for a new one: GET /local/code."


class UnknownVersion(GnathosError):
    """This version of the API is not served."""

    code = "unknown_version"
    kind = Kind.NOT_FOUND
    remedy = "Use one of the versions that are served."


class UnknownRoute(GnathosError):
    """There is nothing at this address."""

    code = "unknown_route"
    kind = Kind.NOT_FOUND
    remedy = "See /docs for the routes of this engine."


class MethodNotAllowed(GnathosError):
    """This address does not answer that method."""

    code = "method_not_allowed"
    kind = Kind.METHOD_NOT_ALLOWED
    remedy = "Use one of the methods in the `Allow` header."


class UnknownJob(GnathosError):
    """There is no such job."""

    code = "unknown_job"
    kind = Kind.NOT_FOUND
    remedy = "Check the job id; jobs are seen only with a token of the tenant that submitted them."


class UnknownFile(GnathosError):
    """There is no such file."""

    code = "unknown_file"
    kind = Kind.NOT_FOUND
    remedy = "Poll the job again for its present files."


class JobAlreadyEnded(GnathosError):
    """The job cannot move to that state."""

    code = "job_already_ended"
    kind = Kind.CONFLICT
    remedy = "Poll the job for its result."


class JobStillOpen(GnathosError):
    """The job has not ended yet."""

    code = "job_still_open"
    kind = Kind.CONFLICT
    remedy = "Wait for its end, or cancel it."


class ExternalJobIdTaken(GnathosError):
    """Another job has this `externalJobId`."""

    code = "external_job_id_taken"
    kind = Kind.CONFLICT
    remedy = "Choose another `externalJobId`, or leave it out."


class IdempotencyKeyReused(GnathosError):
    """This `Idempotency-Key` was used with another body."""

    code = "idempotency_key_reused"
    kind = Kind.UNPROCESSABLE
    remedy = "Use a new key for a new job, and the same key only to repeat the very same request."


class UploadMissing(GnathosError):
    """Nothing has been uploaded for this input yet."""

    code = "upload_missing"
    kind = Kind.CONFLICT
    remedy = "PUT the file to the upload URL first, wait for the answer, then notify."


class UploadEmpty(GnathosError):
    """The uploaded file is empty."""

    code = "upload_empty"
    kind = Kind.UNPROCESSABLE
    remedy = "PUT the file again, with its content, then notify."


class InputRefused(GnathosError):
    """The file is not what its sender says, or cannot be read."""

    code = "input_refused"
    kind = Kind.UNPROCESSABLE
    remedy = "Read the reason, and submit a new job with a file that can be read."

    def __init__(self, reason: Mapping[str, str] | None = None) -> None:
        given = reason or {}
        super().__init__(given.get("detail"), remedy=given.get("remedy"))
        self.reason = reason

    def as_reason(self) -> dict[str, str]:
        """What the receiving check said, under its own code: `format_not_recognised`, `slices_missing` …"""
        return {**super().as_reason(), "code": self.reason["code"] if self.reason else self.code}


class InputExpired(GnathosError):
    """The file of that job is no longer kept."""

    code = "input_expired"
    kind = Kind.GONE
    remedy = "Upload the file again; uploads are kept for a day after their job has ended, if nothing else is set."


class UploadTooLarge(GnathosError):
    """The upload is larger than this engine accepts."""

    code = "upload_too_large"
    kind = Kind.TOO_LARGE
    remedy = "Compress the scan (.gz), crop it, or ask for a higher limit."


class UploadIncomplete(GnathosError):
    """The upload ended before all of it had come."""

    code = "upload_incomplete"
    kind = Kind.BAD_REQUEST
    remedy = "PUT the file again, whole."


class DigestMismatch(GnathosError):
    """What came is not what the sender's digest says."""

    code = "digest_mismatch"
    kind = Kind.BAD_REQUEST
    remedy = "Send it again: it has changed on the way, or the digest is that of another file."


class UploadOffsetDiffers(GnathosError):
    """The part does not begin where the upload ends so far."""

    code = "upload_offset_differs"
    kind = Kind.CONFLICT
    remedy = "Go on from the `Upload-Offset` of the answer, or PUT the whole file."


class UploadClosed(GnathosError):
    """This input was notified as complete; it can no longer change."""

    code = "upload_closed"
    kind = Kind.CONFLICT
    remedy = "Submit a new job for another file."


class UrlExpired(GnathosError):
    """The signed URL has expired."""

    code = "url_expired"
    kind = Kind.FORBIDDEN
    remedy = "Poll the job for new download URLs; for an upload, submit the job again."


class UrlTampered(GnathosError):
    """The signed URL is not one that this engine made."""

    code = "url_tampered"
    kind = Kind.FORBIDDEN
    remedy = "Use the URL exactly as it was given, query included."


class RangeNotSatisfiable(GnathosError):
    """The file does not have the bytes asked for."""

    code = "range_not_satisfiable"
    kind = Kind.RANGE_NOT_SATISFIABLE
    remedy = "Ask for a range within the file's size."


class DatabaseUnavailable(GnathosError):
    """The database does not answer."""

    code = "database_unavailable"
    kind = Kind.UNAVAILABLE
    remedy = "Try again in a few seconds; nothing that was accepted is lost."


class StoreUnavailable(GnathosError):
    """The object store does not answer."""

    code = "store_unavailable"
    kind = Kind.UNAVAILABLE
    remedy = "Try again in a few seconds; nothing that was accepted is lost."


class AttemptCrashed(GnathosError):
    """The computation crashed each time it was tried."""

    code = "attempt_crashed"
    remedy = "Submit the scan again; if it happens again, report the case."


class SurfaceUnreadable(ScanError):
    """The mesh cannot be read."""

    code = "surface_unreadable"
    remedy = "Export the surface again as binary STL or PLY and send that file."


class SurfaceTooLarge(SurfaceUnreadable):
    """The mesh is larger than this engine accepts."""

    code = "surface_too_large"
    kind = Kind.TOO_LARGE
    remedy = "Decimate the surface, or ask for a higher limit."


class ReplayRefused(GnathosError):
    """The run cannot be done again from this receipt."""

    code = "replay_refused"
    kind = Kind.UNPROCESSABLE
    remedy = "Give the receipt of a result as it came, and the very files that were sent then."


class JobCancelled(GnathosError):
    """The job was cancelled."""

    code = "job_cancelled"
    kind = Kind.CONFLICT
    remedy = "Submit it again if it is wanted after all."


class JobDeleted(GnathosError):
    """The job was deleted; nothing is left of its files."""

    code = "job_deleted"
    kind = Kind.GONE
    remedy = "Submit the scan again as a new job."


class UrlRefused(GnathosError):
    """The engine may not connect to this URL."""

    code = "url_refused"
    kind = Kind.BAD_REQUEST
    remedy = "Give an http or https URL of a public host; for a private one, ask the operator to allow its network."


class UnknownDelivery(GnathosError):
    """There is no such message."""

    code = "unknown_delivery"
    kind = Kind.NOT_FOUND
    remedy = "List the messages with GET /{version}/webhooks/deliveries."


class DeliveryPending(GnathosError):
    """The message is still being tried."""

    code = "delivery_pending"
    kind = Kind.CONFLICT
    remedy = "Wait for its next try; only messages that were delivered or given up can be sent again."


class DownloadFailed(GnathosError):
    """The file could not be fetched from its `downloadUrl`."""

    code = "download_failed"
    kind = Kind.UNPROCESSABLE
    remedy = "Check that the URL is valid for an hour or more and serves the file to a plain GET; or upload the file."


class DeliveryFailed(GnathosError):
    """The file could not be sent to its `uploadUrl`."""

    code = "delivery_failed"
    kind = Kind.UNPROCESSABLE
    remedy = "Download the file from the `url` of the result; check that the `uploadUrl` takes a plain PUT."


class QuotaReached(GnathosError):
    """The tenant has as much as it may have."""

    code = "quota_reached"
    kind = Kind.TOO_MANY
    remedy = "Try again after the seconds of Retry-After, or ask the operator for a higher limit."

    def __init__(self, detail: str | None = None, *, remedy: str | None = None, retry_after_s: int = 30) -> None:
        super().__init__(detail, remedy=remedy)
        self.retry_after_s = retry_after_s


class TooManyOpenJobs(QuotaReached):
    """There are as many open jobs as there may be."""

    code = "too_many_open_jobs"
    remedy = "Wait until jobs have ended, or cancel those that are not needed."


class TooManyJobs(QuotaReached):
    """More jobs were submitted within a minute than may be."""

    code = "too_many_jobs"


class StorageFull(QuotaReached):
    """The files of earlier jobs fill the place that they may."""

    code = "storage_full"
    remedy = "Delete jobs that are not needed any more, or ask the operator for a higher limit."


class UnknownTenant(GnathosError):
    """There is no such tenant."""

    code = "unknown_tenant"
    kind = Kind.NOT_FOUND
    remedy = "List them with `gnathos admin tenants`."


class UnknownClient(GnathosError):
    """The tenant has no such client."""

    code = "unknown_client"
    kind = Kind.NOT_FOUND
    remedy = "List them with `gnathos admin clients`."
