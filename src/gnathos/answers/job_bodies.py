"""Jobs as JSON: while they are open, when they have ended, in lists."""

from datetime import datetime
from typing import Any

from gnathos.answers.links import Links
from gnathos.jobs.tables import Input, Job, Output

AVAILABLE = "Available"


def processing(job: Job, links: Links) -> dict[str, Any]:
    """The answer to a poll before the end; outputs that are finished can be downloaded already."""
    return {
        "jobId": str(job.id),
        "status": "PROCESSING",
        "state": job.state,
        "stage": job.stage,
        "progress": round(job.progress, 4),
        "createdAt": _time(job.created_at),
        "startedAt": _time(job.started_at),
        "attempt": job.attempt,
        "outputFiles": _outputs(job, links),
        "region": links.settings.region,
    }


def summary(job: Job) -> dict[str, Any]:
    """A job in a list."""
    return {
        "jobId": str(job.id),
        "version": job.version,
        "state": job.state,
        "stage": job.stage,
        "progress": round(job.progress, 4),
        "attempt": job.attempt,
        "success": job.success,
        "error": job.error,
        "clientId": job.client_id,
        "externalJobId": job.external_job_id,
        "cloudPackage": job.cloud_package,
        "endUserId": job.end_user_id,
        "createdAt": _time(job.created_at),
        "queuedAt": _time(job.queued_at),
        "startedAt": _time(job.started_at),
        "endedAt": _time(job.ended_at),
        "deletedAt": _time(job.deleted_at),
        "erasedAt": _time(job.erased_at),
    }


def job_record(job: Job) -> dict[str, Any]:
    """A job by itself."""
    return {
        **summary(job),
        "inputFiles": [_input_state(each) for each in job.inputs],
        "outputFiles": [_output_state(each) for each in job.outputs],
    }


def _input_state(given: Input) -> dict[str, Any]:
    return {
        "key": given.key,
        "extension": given.extension,
        "size": given.size_bytes,
        "sha256": given.sha256,
        "uploadedAt": _time(given.uploaded_at),
        "notifiedAt": _time(given.notified_at),
    }


def _output_state(output: Output) -> dict[str, Any]:
    return {
        "kind": output.kind,
        "extension": output.extension_asked,
        "structures": output.structures,
        "status": output.status,
    }


def finished(job: Job, links: Links) -> dict[str, Any]:
    """The answer to a poll after the end."""
    answer = {
        "success": bool(job.success),
        "outputFiles": _outputs(job, links),
        "jobId": str(job.id),
        "state": job.state,
        "warnings": job.warnings,
        "coordinateSystem": job.coordinate_system,
        "receipt": job.receipt,
        "externalJobId": job.external_job_id,
        "region": links.settings.region,
        "createdAt": _time(job.created_at),
        "startedAt": _time(job.started_at),
        "endedAt": _time(job.ended_at),
    }
    return answer if job.error is None else {**answer, "error": job.error}


def _outputs(job: Job, links: Links) -> dict[str, list[dict[str, Any]]]:
    outputs: dict[str, list[dict[str, Any]]] = {}
    for output in job.outputs:
        outputs.setdefault(output.kind, []).append(_output(output, links))
    return outputs


def _output(output: Output, links: Links) -> dict[str, Any]:
    url = links.download(output) if output.status == AVAILABLE else None
    return {
        "status": output.status,
        "size": output.size_bytes or 0,
        "extension": output.extension_asked,
        "structures": output.structures,
        "url": url,
        "downloadUrl": url,
        "reason": output.reason,
        "confidence": output.confidence or 0.0,
        "parts": output.parts,
        "measures": output.measures,
        "sha256": output.sha256 or None,
        "delivery": output.delivery,
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
