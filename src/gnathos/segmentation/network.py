"""The coarse network: one pass over the whole field of view."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from gnathos.imaging import Volume
from gnathos.imaging.sampling import resample
from gnathos.segmentation.normalise import Levels, find_levels

WEIGHTS = files("gnathos.segmentation") / "weights"


@dataclass(frozen=True)
class CoarseAnatomy:
    """What the network says of a scan: a probability per class and voxel of a coarse grid."""

    probabilities: npt.NDArray[np.float32]
    """(classes, slices, rows, columns)."""
    classes: Sequence[str]
    grid: Volume
    """The scan on the network's grid, in its own gray values."""
    levels: Levels
    """Gray values of air, soft tissue and bone in this scan."""

    def probability(self, *names: str) -> npt.NDArray[np.float32]:
        """(slices, rows, columns) summed probability of the named classes; classes it does not know count 0."""
        known = [self.classes.index(name) for name in names if name in self.classes]
        return np.asarray(self.probabilities[known].sum(axis=0), dtype=np.float32)


NETWORKS = ("jaws", "teeth")
"""The bundled ones: the first sees whole scans on a coarse grid, the second the jaws on a finer one."""


def describe_network(name: str, folder: Traversable = WEIGHTS) -> dict[str, Any]:
    """What is known of a network: classes, voxels, structures that are delivered from it, hash, training."""
    description: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    return description


class Network:
    """A bundled network, loaded once."""

    def __init__(self, threads: int = 0, name: str = "jaws", folder: Traversable = WEIGHTS) -> None:
        """Load one.

        Args:
            threads: to compute with; 0: as many as there are cores.
            name: one of `NETWORKS`.
            folder: holds NAME.json and the weights that it names.
        """
        self.description = describe_network(name, folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # the arena would keep the peak of the largest scan for good
        options.log_severity_level = 3
        weights = (folder / self.description["file"]).read_bytes()
        self._session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])

    @property
    def spacing_mm(self) -> float:
        """Edge of the voxels that it sees."""
        return float(self.description["spacing_mm"])

    def predict(self, scan: Volume) -> CoarseAnatomy:
        """Look at a whole scan.

        Args:
            scan: gray values of any scale, index axes along the patient's (`Volume.to_patient_axes`).
        """
        grid = resample(scan, self.spacing_mm)
        levels = find_levels(grid.voxels)
        multiple = self.description["multiple_of"]
        padding = [(0, -size % multiple) for size in grid.shape]
        padded = np.pad(levels.normalise(grid.voxels), padding, constant_values=self.description["padding_value"])
        names = {self.description["input"]: padded[None, None]}
        (answer,) = self._session.run([self.description["output"]], names)
        slices, rows, columns = grid.shape
        seen = answer[0, :, :slices, :rows, :columns].astype(np.float32)
        return CoarseAnatomy(seen, self.description["classes"], grid, levels)
