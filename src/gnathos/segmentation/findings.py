"""What a segmenter answers."""

import enum
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gnathos.imaging import Volume
from gnathos.segmentation.confidence import Signs


class Outcome(enum.StrEnum):
    """What became of one structure."""

    FOUND = "found"
    MISSING = "missing"
    """It is not in the scan; nothing went wrong."""
    FAILED = "failed"
    """It could not be computed."""


class Reason(enum.StrEnum):
    """Why a structure is missing, failed, or found with a reservation; the value is the stable code."""

    NOT_FOUND = "not_found"
    NOT_IN_FIELD_OF_VIEW = "not_in_field_of_view"
    CUT_BY_BORDER = "cut_by_border"
    TOO_LITTLE_CONTRAST = "too_little_contrast"
    METAL = "metal"
    NOT_SUPPORTED_YET = "not_supported_yet"
    INPUT_MISSING = "input_missing"


@dataclass(frozen=True)
class Finding:
    """What is known of one structure in one scan."""

    outcome: Outcome
    confidence: float
    """0-1: how sure the engine is of the outcome."""
    reason: Reason | None = None
    explanation: str = ""
    """One sentence for a person, without patient data."""
    field: Volume | None = None
    """For a found structure: float32 values on a part of the scan's grid, above zero inside, the surface at zero."""
    signs: Signs | None = None
    """What the confidence was computed from, for calibration."""


@dataclass(frozen=True)
class Segmentation:
    """All findings of one scan."""

    findings: Mapping[str, Finding]
    """By structure name: one for every structure that was asked for."""
    warnings: tuple[dict[str, str], ...] = field(default=())
    """About the scan as a whole: each a `code` and a `detail` sentence."""


ReportFraction = Callable[[float], None]
"""Called with 0-1 as the work goes on."""


class Segmenter(Protocol):
    """Anything that finds structures in a volume."""

    name: str
    version: str
    """Changes whenever the same input may give another output."""

    def segment(self, scan: Volume, structures: Collection[str], report: ReportFraction) -> Segmentation:
        """Find structures.

        Args:
            scan: the whole scan, gray values, index axes in any order.
            structures: names from `gnathos.anatomy.STRUCTURES`; unsupported ones come back as failed.
            report: told how far the work is.
        """
        ...
