"""The Python client of an engine; it needs an HTTP client (httpx2) and nothing of the engine but its errors."""

from gnathos.client.engine import AsyncEngine, Engine
from gnathos.client.jobs import FileResult, Job, JobSummary, Processing, Progress, Result, Upload
from gnathos.client.webhooks import verify_webhook

__all__ = [
    "AsyncEngine",
    "Engine",
    "FileResult",
    "Job",
    "JobSummary",
    "Processing",
    "Progress",
    "Result",
    "Upload",
    "verify_webhook",
]
