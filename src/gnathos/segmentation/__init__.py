"""From a volume to structures: what was found, where its surface runs, how sure, and why not."""

from gnathos.segmentation.builtin import BuiltinSegmenter
from gnathos.segmentation.findings import Finding, Outcome, Reason, Segmentation, Segmenter

__all__ = ["BuiltinSegmenter", "Finding", "Outcome", "Reason", "Segmentation", "Segmenter"]
