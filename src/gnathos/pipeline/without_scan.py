"""What can be said of structures when no volume was sent."""

from collections.abc import Collection

from gnathos.anatomy import STRUCTURES, Family
from gnathos.segmentation import Finding, Outcome, Reason, Segmentation


def segment_nothing(names: Collection[str], surfaces: Collection[str]) -> Segmentation:
    """Why each structure cannot be had.

    Args:
        names: of `gnathos.anatomy.STRUCTURES`.
        surfaces: keys of the surface scans that were sent.
    """
    return Segmentation({name: _finding(name, surfaces) for name in names})


def _finding(name: str, surfaces: Collection[str]) -> Finding:
    if surfaces and STRUCTURES[name].family is Family.DENTITION:
        explanation = "Teeth cannot be told apart in surface scans yet."
        return Finding(Outcome.FAILED, 1.0, Reason.NOT_SUPPORTED_YET, explanation)
    explanation = "This structure needs a `cbct`, and none was sent."
    return Finding(Outcome.FAILED, 1.0, Reason.INPUT_MISSING, explanation)
