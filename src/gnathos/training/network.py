"""The network that is trained: a small 3-D U-Net."""

import itertools
from collections.abc import Sequence

import torch
from torch import nn

DOWNSAMPLING = 16
"""Each edge of the input is a multiple of this."""
COARSE_WIDTH = (16, 32, 64, 128, 160)


class Block(nn.Sequential):
    """Two 3×3×3 convolutions, each with instance normalisation and a leaky ReLU; the first may stride."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        layers: list[nn.Module] = []
        for channels, step in ((inputs, stride), (outputs, 1)):
            layers += [
                nn.Conv3d(channels, outputs, 3, step, 1, bias=False),
                nn.InstanceNorm3d(outputs, affine=True),
                nn.LeakyReLU(0.01),
            ]
        super().__init__(*layers)


class UNet(nn.Module):
    """Gray values (n, 1, d, h, w), as `gnathos.segmentation.normalise` makes them, to logits (n, outputs, d, h, w)."""

    def __init__(self, outputs: int, width: Sequence[int] = COARSE_WIDTH) -> None:
        """Make one.

        Args:
            outputs: channels of the answer.
            width: channels of each level, the finest first.
        """
        super().__init__()
        base = width[0]
        steps = list(itertools.pairwise(width))
        self.down = nn.ModuleList([Block(1, base), *(Block(fine, coarse, 2) for fine, coarse in steps)])
        self.up = nn.ModuleList([nn.ConvTranspose3d(coarse, fine, 2, 2) for fine, coarse in steps])
        self.merge = nn.ModuleList([Block(2 * fine, fine) for fine, _ in steps])
        self.head = nn.Conv3d(base, outputs, 1)

    def forward(self, scan: torch.Tensor) -> torch.Tensor:
        """Logits of the same extent as the scan."""
        levels = []
        for block in self.down:
            scan = block(scan)
            levels.append(scan)
        for level in reversed(range(len(self.up))):
            scan = self.merge[level](torch.cat([self.up[level](scan), levels[level]], 1))
        logits: torch.Tensor = self.head(scan)
        return logits
