"""Weights to the network file in the package: `python -m gnathos.training.export --checkpoint FILE --out FILE.onnx`."""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn

from gnathos.training.network import DOWNSAMPLING, UNet

DELIVERED = ("mandible", "skull", "maxillary", "left_sinus", "right_sinus", "airway", "soft_tissue")
"""Structures to deliver, unless told otherwise: those that were tried on real scans."""
INPUT, OUTPUT = "scan", "probability"
_WORTH_HALVING = 1024
"""Weights with at least this many values are stored as float16."""


class _Probabilities(nn.Module):
    """The network with its softmax."""

    def __init__(self, network: UNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, scan: torch.Tensor) -> torch.Tensor:
        probabilities: torch.Tensor = self.network(scan).softmax(1)
        return probabilities


def export_network(network: UNet, out: Path) -> None:
    """Write the network as ONNX: float32 in and out, any extent in multiples of 16, weights stored as float16."""
    example = torch.zeros(1, 1, 3 * DOWNSAMPLING, 2 * DOWNSAMPLING, 4 * DOWNSAMPLING)
    axes = {place + 2: DOWNSAMPLING * torch.export.Dim(name, min=1, max=64) for place, name in enumerate("dhw")}
    program = torch.onnx.export(
        _Probabilities(network).eval(),
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
    _halve_weights(model.graph)
    onnx.checker.check_model(model, full_check=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(model.SerializeToString(deterministic=True))


def _forget_origins(model: onnx.ModelProto) -> None:
    """Drop what names the machine's files and the exporter's passes; it is a tenth of nothing the user needs."""
    graph = model.graph
    for described in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del described.metadata_props[:]
        described.doc_string = ""


def _halve_weights(graph: onnx.GraphProto) -> None:
    """Store large weights as float16 with a cast to float32 behind each; runtimes fold the cast when they load."""
    casts = []
    for weights in graph.initializer:
        values = numpy_helper.to_array(weights)
        if values.dtype != np.float32 or values.size < _WORTH_HALVING:
            continue
        name = weights.name
        weights.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def write_description(out: Path, description: dict[str, Any]) -> None:
    """Write the facts beside the network, with its SHA-256: FILE.onnx gets FILE.json."""
    network = {"file": out.name, "sha256": hashlib.sha256(out.read_bytes()).hexdigest(), "bytes": out.stat().st_size}
    text = json.dumps({**description, **network}, indent=2, ensure_ascii=False)
    out.with_suffix(".json").write_text(text + "\n", encoding="utf-8")


def describe(checkpoint: dict[str, Any], structures: Sequence[str] = DELIVERED) -> dict[str, Any]:
    """What whoever runs the network must know, and where its weights come from.

    Args:
        structures: what these weights find well enough to be delivered.
    """
    return {
        "format": 1,
        "classes": list(checkpoint["classes"]),
        "structures": list(structures),
        "spacing_mm": checkpoint["spacing_mm"],
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


def export_state(checkpoint: dict[str, Any], out: Path, structures: Sequence[str] = DELIVERED) -> None:
    """Write the network of a checkpoint, the averaged weights where it has them, and its description."""
    network = UNet(len(checkpoint["classes"]))
    network.load_state_dict(checkpoint.get("average", checkpoint["net"]))
    export_network(network, out)
    write_description(out, describe(checkpoint, structures))


def main(arguments: Sequence[str] | None = None) -> None:
    """Export one checkpoint from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--structures", nargs="+", default=DELIVERED, help="what is found well enough to be delivered")
    options = parser.parse_args(arguments)
    export_state(torch.load(options.checkpoint, weights_only=True), options.out, options.structures)


if __name__ == "__main__":
    main()
