"""How good a network is on scans of heads that it never saw."""

from collections.abc import Sequence

import torch
from torch import nn

from gnathos.training.chance import Chance
from gnathos.training.scene import Anatomy
from gnathos.training.tasks import Task

_SCANS = 16
_SEED = 20_261_123
_LEAST_VOXELS = 20


def confusion(logits: torch.Tensor, truth: torch.Tensor, classes: Sequence[str]) -> torch.Tensor:
    """(classes, classes) voxels by their class in truth and as guessed; channels behind the classes do not count."""
    count = len(classes)
    guess = logits[:count].argmax(0)
    return torch.bincount(truth.flatten() * count + guess.flatten(), minlength=count**2).view(count, count).double()


def dice_by_class(table: torch.Tensor, classes: Sequence[str]) -> dict[str, float]:
    """Dice of each class but the background that the truth of a confusion table holds."""
    sizes = table.sum(1) + table.sum(0)
    return {
        name: round(float(2 * table[k, k] / sizes[k]), 4)
        for k, name in enumerate(classes)
        if k and table[k].sum() > _LEAST_VOXELS
    }


class Validation:
    """A fixed set of scans of heads shaped by subjects kept aside, each as it is."""

    def __init__(self, task: Task, anatomy: Anatomy) -> None:
        self.task = task
        self.anatomy = anatomy

    @torch.no_grad()
    def run(self, net: nn.Module) -> dict[str, dict[str, float]]:
        """Dice by class over all scans together, and voxels found of each class in the scans that have none of it."""
        net.eval()
        tables = []
        for seed in range(_SCANS):
            scan = self.task.render(self.anatomy, Chance(_SEED, seed), one_subject=True)
            tables.append(confusion(net(scan.scan[None, None])[0], scan.labels, self.task.classes))
        net.train()
        absent = [table * (table.sum(1) == 0) for table in tables]
        invented = torch.stack(absent).sum((0, 1))
        return {
            "dice": dice_by_class(torch.stack(tables).sum(0), self.task.classes),
            "invented_voxels": {name: float(invented[k]) for k, name in enumerate(self.task.classes) if k},
        }
