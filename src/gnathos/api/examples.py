"""An example of every body in the OpenAPI description: written here, or else made of its fields' own examples."""

from collections.abc import Mapping
from typing import Any

JOB_ID = "0b6f0c4e-6a3b-4f2e-9a37-0d3f2f6b8f11"
BASE = "https://engine.example.org/26.11"
TIMES = {"createdAt": "2026-11-25T09:00:00+00:00", "startedAt": "2026-11-25T09:00:21+00:00"}
ENDED_AT = "2026-11-25T09:01:04+00:00"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
UPLOAD = f"{BASE}/uploads/6c0d…/{JOB_ID}/cbct?expires=1795600000&limit=4096000000&signature=…"
NOTIFY = f"{BASE}/job/{JOB_ID}/inputs/cbct/notify"
DOWNLOAD = f"{BASE}/downloads/6c0d…/51e2…/mandible.stl?expires=1795600000&limit=0&signature=…"

MESH = {
    "status": "Available",
    "size": 1482384,
    "extension": ".stl",
    "structures": ["mandible"],
    "url": DOWNLOAD,
    "downloadUrl": DOWNLOAD,
    "reason": None,
    "confidence": 0.97,
    "parts": [{"structure": "mandible", "status": "Available", "confidence": 0.97, "reason": None}],
    "measures": {"triangles": 29646, "volumeMl": 61.2, "isWatertight": True},
    "sha256": SHA256,
    "delivery": None,
}
PENDING = {**MESH, "status": None, "size": 0, "url": None, "downloadUrl": None, "confidence": 0.0, "parts": []} | {
    "measures": {},
    "sha256": None,
}
SUMMARY = {
    "jobId": JOB_ID,
    "version": "26.11",
    "state": "succeeded",
    "stage": "end",
    "progress": 1.0,
    "attempt": 1,
    "success": True,
    "error": None,
    "clientId": "viewer",
    "externalJobId": None,
    "cloudPackage": "production",
    "endUserId": "practice-12",
    **TIMES,
    "queuedAt": "2026-11-25T09:00:20+00:00",
    "endedAt": ENDED_AT,
    "deletedAt": None,
    "erasedAt": None,
}

EXAMPLES: Mapping[str, Any] = {
    "TokenAnswer": {"access_token": "eyJhbGciOiJSUzI1NiJ9…", "token_type": "Bearer", "expires_in": 86400},
    "Submitted": {
        "jobId": JOB_ID,
        "presignedUploadUrl": {
            "cbct": {
                "presignedUploadUrl": UPLOAD,
                "uploadUrl": UPLOAD,
                "notifyFinishUploadUrl": NOTIFY,
                "notifyUrl": NOTIFY,
            }
        },
    },
    "Notified": {"jobId": JOB_ID, "state": "waiting", "stage": "queue"},
    "Processing": {
        "jobId": JOB_ID,
        "status": "PROCESSING",
        "state": "running",
        "stage": "segment",
        "progress": 0.4,
        **TIMES,
        "attempt": 1,
        "outputFiles": {"meshes": [PENDING]},
        "region": "eu",
    },
    "Finished": {
        "success": True,
        "outputFiles": {"meshes": [MESH]},
        "jobId": JOB_ID,
        "state": "succeeded",
        "warnings": [{"code": "uncalibrated_gray_values", "detail": "The gray values are not calibrated."}],
        "coordinateSystem": {"frame": "LPS", "unit": "mm", "frameOfReferenceUID": "1.2.3.4"},
        "receipt": {"engine": "26.11.0", "region": "eu", "seconds": {"read": 2.1, "segment": 31.0}},
        "externalJobId": None,
        "region": "eu",
        **TIMES,
        "endedAt": ENDED_AT,
    },
    "JobSummary": SUMMARY,
    "JobPage": {"jobs": [SUMMARY], "nextCursor": None},
    "JobRecord": {
        **SUMMARY,
        "inputFiles": [
            {
                "key": "cbct",
                "extension": ".dcm",
                "size": 210000000,
                "sha256": SHA256,
                "uploadedAt": "2026-11-25T09:00:15+00:00",
                "notifiedAt": "2026-11-25T09:00:20+00:00",
            }
        ],
        "outputFiles": [
            {"kind": "meshes", "extension": ".stl", "structures": ["mandible"], "status": "Available"},
        ],
    },
}
"""By the schema's name; those of its own examples are enough for the others."""

PARAMETERS = {
    "job_id": "The job's id.",
    "tenant_id": "Part of the URL.",
    "output_id": "Part of the URL.",
    "delivery_id": "The message's id.",
    "name": "Part of the URL: a name for the file.",
    "externalJobId": "Only the job with it.",
    "endUserId": "Only jobs with it.",
    "state": "Only those in it.",
    "limit": "How many at most.",
}
"""What parameters mean that say nothing themselves."""

PLAIN: Mapping[str, Any] = {"string": "…", "integer": 1, "number": 1.0, "boolean": True, "null": None, "object": {}}


def add_examples(schema: dict[str, Any]) -> None:
    """Give every JSON body of an OpenAPI description an example, and every parameter a description."""
    components = schema["components"]["schemas"]
    for path in schema["paths"].values():
        for operation in path.values():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in (body.get("content", {}).get("application/json") for body in bodies):
                if content and "examples" not in content:
                    content["examples"] = {"usual": {"value": example_of(content["schema"], components)}}
            for parameter in operation.get("parameters", ()):
                parameter.setdefault("description", PARAMETERS.get(parameter["name"], ""))


def example_of(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    """An example of what a schema describes."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return EXAMPLES[name] if name in EXAMPLES else example_of(components[name], components)
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], components)
    if "properties" in schema:
        return {name: example_of(each, components) for name, each in schema["properties"].items()}
    if schema.get("type") == "array":
        return [example_of(schema.get("items", {}), components)]
    return PLAIN.get(schema.get("type", "object"), {})
