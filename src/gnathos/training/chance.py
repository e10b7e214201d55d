"""Seeded randomness for numpy and torch at once."""

import copy

import numpy as np
import torch
from torch.nn import functional

Shape = tuple[int, int, int]


class Chance:
    """All that is random about one scan; the same seed gives the same scan."""

    def __init__(self, *seed: int) -> None:
        self.numbers = np.random.default_rng(seed)
        self._torch = torch.Generator().manual_seed(int(self.numbers.integers(2**62)))

    def apart(self) -> "Chance":
        """Another stream that the seed decides; this one draws on as if it had not been asked."""
        (numbers,) = self.numbers.spawn(1)
        other = copy.copy(self)
        other.numbers = numbers
        other._torch = torch.Generator().manual_seed(int(numbers.integers(2**62)))
        return other

    def uniform(self, low: float, high: float) -> float:
        """A number from `low` to `high`."""
        return float(self.numbers.uniform(low, high))

    def normal(self, deviation: float) -> float:
        """A number around zero."""
        return float(self.numbers.normal(0, deviation))

    def happens(self, probability: float) -> bool:
        """Whether something of that probability happens."""
        return bool(self.numbers.random() < probability)

    def count(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both possible."""
        return int(self.numbers.integers(low, high + 1))

    def noise(self, shape: Shape) -> torch.Tensor:
        """Independent standard normal values."""
        return torch.randn(shape, generator=self._torch)

    def field(self, cells: int, shape: Shape, channels: int = 1) -> torch.Tensor:
        """(channels, *shape) smooth standard normal field with so many control points along the longest edge."""
        longest = max(shape)
        points = tuple(max(2, round(cells * edge / longest)) for edge in shape)
        coarse = torch.randn((1, channels, *points), generator=self._torch)
        return functional.interpolate(coarse, size=shape, mode="trilinear", align_corners=True)[0]
