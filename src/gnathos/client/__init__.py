"""The Python client of an engine."""

from gnathos.client.engine import Engine
from gnathos.client.jobs import Job, Progress, Upload

__all__ = ["Engine", "Job", "Progress", "Upload"]
