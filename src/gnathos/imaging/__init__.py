"""Volumes: voxels with their place in the patient, always LPS millimetres and [slice, row, column]."""

from gnathos.imaging.volume import Affine, Volume

__all__ = ["Affine", "Volume"]
