"""Teeth by their FDI number (ISO 3950): first digit the quadrant, second the place counted from the midline."""

PERMANENT_FDI = tuple(quadrant * 10 + place for quadrant in (1, 2, 3, 4) for place in range(1, 9))
"""The 32 permanent teeth: 11-18 upper right, 21-28 upper left, 31-38 lower left, 41-48 lower right."""

DECIDUOUS_FDI = tuple(quadrant * 10 + place for quadrant in (5, 6, 7, 8) for place in range(1, 6))
"""The 20 deciduous teeth: 51-55 upper right, 61-65 upper left, 71-75 lower left, 81-85 lower right."""


def is_upper(fdi: int) -> bool:
    """Whether the tooth stands in the upper jaw."""
    return fdi // 10 in {1, 2, 5, 6}


def is_left(fdi: int) -> bool:
    """Whether the tooth stands on the patient's left."""
    return fdi // 10 in {2, 3, 6, 7}
