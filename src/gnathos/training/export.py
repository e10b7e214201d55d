"""Weights to the network file in the package: `python -m gnathos.training.export --checkpoint FILE --out FILE.onnx`."""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn

from gnathos.training.network import DOWNSAMPLING, UNet
from gnathos.training.tasks import TASKS

INPUT, OUTPUT = "scan", "probability"
_WORTH_HALVING = 1024
"""Weights with at least this many values are stored as float16,"""
_WORTH_QUARTERING = 32_768
"""and those with so many as whole numbers of eight bits with a scale per output channel."""


class _Probabilities(nn.Module):
    """The network with a softmax over its classes, weighed back, and a sigmoid over what is behind them."""

    def __init__(self, network: UNet, weights: Sequence[float]) -> None:
        super().__init__()
        self.network, self.classes = network, len(weights)
        self.register_buffer("offsets", torch.tensor(weights).log().view(1, -1, 1, 1, 1))

    def forward(self, scan: torch.Tensor) -> torch.Tensor:
        logits = self.network(scan)
        shares = (logits[:, : self.classes] - self.offsets).softmax(1)
        return torch.cat([shares, logits[:, self.classes :].sigmoid()], 1)


def export_network(network: UNet, weights: Sequence[float], out: Path) -> None:
    """Write the network as ONNX: float32 in and out, any extent in multiples of 16, weights stored in fewer bits.

    Args:
        network: what was trained.
        weights: for each of the channels that exclude each other, the first ones: what its probability is divided by.
        out: made or replaced.
    """
    example = torch.zeros(1, 1, 3 * DOWNSAMPLING, 2 * DOWNSAMPLING, 4 * DOWNSAMPLING)
    axes = {place + 2: DOWNSAMPLING * torch.export.Dim(name, min=1, max=64) for place, name in enumerate("dhw")}
    program = torch.onnx.export(
        _Probabilities(network, weights).eval(),
        (example,),
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes=(axes,),
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise RuntimeError("PyTorch made no ONNX program")
    model = program.model_proto
    _forget_origins(model)
    _shrink_weights(model.graph)
    onnx.checker.check_model(model, full_check=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(model.SerializeToString(deterministic=True))


def _forget_origins(model: onnx.ModelProto) -> None:
    """Drop what names the machine's files and the exporter's passes; it is a tenth of nothing the user needs."""
    graph = model.graph
    for described in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del described.metadata_props[:]
        described.doc_string = ""


def _shrink_weights(graph: onnx.GraphProto) -> None:
    """Store weights in fewer bits, with what restores float32 behind each; runtimes fold that when they load."""
    restoring: list[onnx.NodeProto] = []
    for weights in [*graph.initializer]:
        values = numpy_helper.to_array(weights)
        if values.dtype != np.float32 or values.size < _WORTH_HALVING:
            continue
        graph.initializer.remove(weights)
        shrink = _as_int8 if values.size >= _WORTH_QUARTERING else _as_float16
        stored, node = shrink(weights.name, values)
        graph.initializer.extend(stored)
        restoring.append(node)
    nodes = [*restoring, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _as_float16(name: str, values: npt.NDArray[np.float32]) -> tuple[list[onnx.TensorProto], onnx.NodeProto]:
    stored = numpy_helper.from_array(values.astype(np.float16), f"{name}_half")
    return [stored], helper.make_node("Cast", [stored.name], [name], to=onnx.TensorProto.FLOAT)


def _as_int8(name: str, values: npt.NDArray[np.float32]) -> tuple[list[onnx.TensorProto], onnx.NodeProto]:
    """Whole numbers from -127 to 127 with a scale per first index."""
    scale = np.abs(values).reshape(len(values), -1).max(axis=1) / 127
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    whole = np.round(values / scale.reshape(-1, *[1] * (values.ndim - 1))).astype(np.int8)
    stored = [
        numpy_helper.from_array(whole, f"{name}_int8"),
        numpy_helper.from_array(scale, f"{name}_scale"),
        numpy_helper.from_array(np.zeros(len(values), np.int8), f"{name}_zero"),
    ]
    return stored, helper.make_node("DequantizeLinear", [each.name for each in stored], [name], axis=0)


def write_description(out: Path, description: dict[str, Any]) -> None:
    """Write the facts beside the network, with its SHA-256: FILE.onnx gets FILE.json."""
    network = {"file": out.name, "sha256": hashlib.sha256(out.read_bytes()).hexdigest(), "bytes": out.stat().st_size}
    text = json.dumps({**description, **network}, indent=2, ensure_ascii=False)
    out.with_suffix(".json").write_text(text + "\n", encoding="utf-8")


def describe(checkpoint: dict[str, Any], structures: Sequence[str] | None = None) -> dict[str, Any]:
    """What whoever runs the network must know, and where its weights come from.

    Args:
        structures: what these weights find well enough to be delivered; those of the task unless told otherwise.
    """
    task = TASKS[checkpoint["task"]]
    return {
        "format": 1,
        "classes": list(checkpoint["classes"]),
        "structures": list(structures or task.structures),
        "spacing_mm": task.spacing_mm,
        "axes": "slices to the head, rows to the back, columns to the left",
        "multiple_of": DOWNSAMPLING,
        "normalisation": "gnathos.segmentation.normalise.normalise over the whole scan on the network's grid",
        "padding_value": -0.5,
        "input": INPUT,
        "output": OUTPUT,
        "steps": checkpoint["step"],
        "validation": checkpoint.get("validation", {}),
        "sources": list(checkpoint["sources"]),
    }


def export_state(checkpoint: dict[str, Any], out: Path, structures: Sequence[str] | None = None) -> None:
    """Write the network of a checkpoint, the averaged weights where it has them, and its description."""
    task = TASKS[checkpoint["task"]]
    network = task.network()
    network.load_state_dict(checkpoint.get("average", checkpoint["net"]))
    export_network(network, task.answer_weights, out)
    write_description(out, describe(checkpoint, structures))


def main(arguments: Sequence[str] | None = None) -> None:
    """Export one checkpoint from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--structures", nargs="+", help="what is found well enough to be delivered")
    parser.add_argument("--last", action="store_true", help="the weights of the last step, not the averaged ones")
    options = parser.parse_args(arguments)
    checkpoint = torch.load(options.checkpoint, weights_only=True)
    if options.last:
        del checkpoint["average"]
    export_state(checkpoint, options.out, options.structures)


if __name__ == "__main__":
    main()
