"""What can be chosen of a phantom."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PhantomParameters:
    """A head, how it is scanned, and what is wrong with it."""

    seed: int = 0
    """Decides noise and texture; the same seed gives the same phantom."""
    spacing_mm: float = 0.4
    """Edge of the cubic voxels."""
    shape: tuple[int, int, int] = (330, 400, 400)
    """Slices, rows, columns."""
    centre_lps_mm: tuple[float, float, float] = (0.0, 50.0, 8.0)
    """What lies in the middle of the field of view; the origin is between the edges of the middle incisors."""
    mouth_opening_mm: float = 0.0
    """Between the edges of the incisors, on top of the closed bite."""
    missing_teeth: frozenset[int] = frozenset({18, 28, 38, 48})
    """FDI numbers."""
    metal_teeth: frozenset[int] = frozenset()
    """FDI numbers of teeth with a metal crown, which throws streaks."""
    has_marker: bool = False
    """A dense ball on the skin of the patient's left cheek."""
    noise_hu: float = 45.0
    """Standard deviation of the noise."""
    tilt_degrees: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """The head turned about the x, y and z axis (nodding, tilting, turning), in that order."""
    scale: float = 1.0
    """Size of the head; 1 is an adult's."""
