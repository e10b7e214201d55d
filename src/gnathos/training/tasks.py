"""The networks that are trained: what each sees and answers."""

from dataclasses import dataclass
from typing import Protocol

from gnathos.anatomy import PERMANENT_FDI
from gnathos.training.chance import Chance
from gnathos.training.fine_renderer import FINE_CLASSES, FINE_SPACING_MM, render_fine
from gnathos.training.network import COARSE_WIDTH, UNet
from gnathos.training.renderer import Rendering, render
from gnathos.training.scene import Anatomy
from gnathos.training.tissues import CLASSES

TOOTH_CHANNELS = ("tooth_core", "tooth_place")
"""Behind the classes of networks that tell teeth apart: whether a voxel lies within a tooth and away from its surface,
and the tooth's place counted from the midline, as a share of the way from 0.5 to 8.5. Left and right share places."""
PLACES = 8


class Render(Protocol):
    """Makes one random scan with its labels."""

    def __call__(self, anatomy: Anatomy, chance: Chance, one_subject: bool = False) -> Rendering: ...


@dataclass(frozen=True)
class Task:
    """One network."""

    name: str
    """Of its files in the package."""
    classes: tuple[str, ...]
    """Of which one holds at each voxel."""
    class_weights: tuple[float, ...]
    """In the cross-entropy."""
    structures: tuple[str, ...]
    """Of the engine, that are delivered from its answer unless an export says otherwise."""
    answer_weights: tuple[float, ...]
    """By which the exported network divides the probabilities of its classes: what was weighted to be learnt at all is
    else seen too often."""
    spacing_mm: float
    width: tuple[int, ...]
    render: Render
    tells_teeth: bool = False
    """Whether the channels `TOOTH_CHANNELS` follow those of the classes."""

    def network(self) -> UNet:
        """One with random weights."""
        return UNet(len(self.channels), self.width)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of what the network answers, in order."""
        return (*self.classes, *(TOOTH_CHANNELS if self.tells_teeth else ()))


JAWS = Task(
    name="jaws",
    classes=CLASSES,
    class_weights=(0.4, 1.0, 1.5, 1.5, 1.5, 3.0, 5.0, 2.0, 0.5, 2.0),
    answer_weights=(1.0,) * len(CLASSES),
    structures=("mandible", "skull", "maxillary", "left_sinus", "right_sinus", "airway", "soft_tissue"),
    spacing_mm=2.2,
    width=COARSE_WIDTH,
    render=render,
)
TEETH = Task(
    name="teeth",
    classes=FINE_CLASSES,
    class_weights=(0.5, 0.8, 1.0, 3.0, 1.5, 1.5),
    answer_weights=(0.5, 0.8, 1.0, 1.75, 1.5, 1.5),
    structures=("right_nerve", "left_nerve", *(f"tooth{fdi}" for fdi in PERMANENT_FDI)),
    spacing_mm=FINE_SPACING_MM,
    width=(16, 32, 48, 64, 96),
    render=render_fine,
    tells_teeth=True,
)
TASKS = {task.name: task for task in (JAWS, TEETH)}
