"""Training: `python -m gnathos.training.train --out FOLDER --anatomy FOLDER --hours 2`; starts again where it ended."""

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from gnathos.training.anatomy import load_anatomy
from gnathos.training.chance import Chance
from gnathos.training.export import export_state
from gnathos.training.network import UNet
from gnathos.training.renderer import Rendering, render
from gnathos.training.scene import Anatomy
from gnathos.training.tissues import CLASSES
from gnathos.training.validate import Validation, confusion, dice_by_class

SPACING_MM = 2.2
SOURCES = (
    "label map of one full-field dental CBCT, test data of SlicerDentalSegmentator (Apache-2.0)",
    "35 mandibles traced on head-and-neck CT, google-deepmind/tcia-ct-scan-dataset (CC BY 4.0)",
    "cervical spine and hyoid of the ArtiSynth jaw model (BSD-like)",
)
_CLASS_WEIGHTS = (0.4, 1.0, 1.5, 1.5, 1.5, 3.0, 5.0, 2.0, 0.5, 2.0)
_LEAST_VOXELS = 20
_AVERAGING = 0.999
"""How much of the averaged weights each step keeps, in the end; less while there are few steps to average."""
_WARM_UP = 100


@dataclass(frozen=True)
class Plan:
    """What one run is to do."""

    out: Path
    until: datetime
    rate: float
    seed: int
    batch: int = 1
    save_every: int = 100
    validate_every: int = 300


@dataclass
class Progress:
    """Everything that is kept between runs."""

    net: UNet
    average: UNet
    optimiser: torch.optim.Optimizer
    step: int = 0
    running: dict[str, float] = field(default_factory=dict)
    validation: dict[str, Any] = field(default_factory=dict)

    def state(self) -> dict[str, Any]:
        """All of it, as a checkpoint holds it."""
        return {
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "running": self.running,
            "validation": self.validation,
            "classes": list(CLASSES),
            "spacing_mm": SPACING_MM,
            "sources": list(SOURCES),
        }

    def save(self, path: Path) -> None:
        """Write a checkpoint; whole or not at all."""
        partial = path.with_suffix(".partial")
        torch.save(self.state(), partial)
        partial.replace(path)


def start(out: Path, warm: Path | None, rate: float) -> Progress:
    """Go on from the folder's last checkpoint; without one from other weights, or from nothing."""
    net, average = UNet(len(CLASSES)), UNet(len(CLASSES))
    progress = Progress(net, average, torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-4))
    checkpoint = out / "last.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(state["net"])
        average.load_state_dict(state["average"])
        progress.optimiser.load_state_dict(state["optimiser"])
        progress.step, progress.running, progress.validation = state["step"], state["running"], state["validation"]
    elif warm:
        _warm_start(net, torch.load(warm, weights_only=True))
        average.load_state_dict(net.state_dict())
    return progress


def _warm_start(net: UNet, state: dict[str, Any]) -> None:
    """Take another network's weights; classes that it does not know begin as its background."""
    weights = dict(state["net"])
    known = [state["classes"].index(name) if name in state["classes"] else 0 for name in CLASSES]
    for name in ("head.weight", "head.bias"):
        taken = weights[name][known].clone()
        new = torch.tensor([name not in state["classes"] for name in CLASSES])
        taken[new] += 0.02 * torch.randn_like(taken[new])
        weights[name] = taken
    net.load_state_dict(weights)


def learn(progress: Progress, scans: Iterator[Rendering], plan: Plan, rate: float) -> dict[str, float]:
    """One step of the optimiser; answers with the Dice of each class present."""
    for group in progress.optimiser.param_groups:
        group["lr"] = rate
    progress.optimiser.zero_grad()
    dice: dict[str, float] = {}
    for _ in range(plan.batch):
        scan = next(scans)
        logits = progress.net(scan.scan[None, None])
        (loss(logits, scan.labels[None]) / plan.batch).backward()
        dice |= dice_by_class(confusion(logits[0].argmax(0), scan.labels))
    nn.utils.clip_grad_norm_(progress.net.parameters(), 12)
    progress.optimiser.step()
    progress.step += 1
    _follow(progress.average, progress.net, min(_AVERAGING, (1 + progress.step) / (10 + progress.step)))
    return dice


def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Weighted cross-entropy, and Dice over the classes present."""
    shares = logits.softmax(1)
    truth = functional.one_hot(labels, len(CLASSES)).movedim(-1, 1).float()
    overlap = (shares * truth).sum((2, 3, 4))
    total = shares.sum((2, 3, 4)) + truth.sum((2, 3, 4))
    present = truth.sum((2, 3, 4)) > _LEAST_VOXELS
    present[:, 0] = False
    dice = (((2 * overlap + 1) / (total + 1)) * present).sum() / present.sum().clamp(min=1)
    return functional.cross_entropy(logits, labels, weight=torch.tensor(_CLASS_WEIGHTS)) + 1 - dice


@torch.no_grad()
def _follow(average: UNet, net: UNet, keep: float) -> None:
    for old, new in zip(average.parameters(), net.parameters(), strict=True):
        old.lerp_(new, 1 - keep)


def scans_from(anatomy: Anatomy, seed: int, first: int) -> Iterator[Rendering]:
    """Random scans without end, the next one rendered while one is learnt from."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(render, anatomy, Chance(seed, first))
        while True:
            first += 1
            ready, waiting = waiting, pool.submit(render, anatomy, Chance(seed, first))
            yield ready.result()


def train(progress: Progress, anatomy: Anatomy, validation: Validation, plan: Plan) -> None:
    """Learn until the plan's end; save, validate and log on the way."""
    began, scans = datetime.now(UTC), scans_from(anatomy, plan.seed, progress.step * plan.batch)
    while (now := datetime.now(UTC)) < plan.until:
        left = (plan.until - now) / (plan.until - began)
        warm = min(1.0, (progress.step + 1) / _WARM_UP)
        _remember(progress, learn(progress, scans, plan, plan.rate * warm * max(0.03, left) ** 0.9))
        if progress.step % plan.validate_every == 0:
            progress.validation = {"step": progress.step, **validation.run(progress.average)}
            export_state(progress.state(), plan.out / "jaws.onnx")
            _log(plan, {"validation": progress.validation})
        if progress.step % plan.save_every == 0:
            progress.save(plan.out / "last.pt")
            _log(plan, {"step": progress.step, "dice": progress.running})
    progress.save(plan.out / "last.pt")
    export_state(progress.state(), plan.out / "jaws.onnx")
    scans.close()  # type: ignore[attr-defined]


def _remember(progress: Progress, dice: dict[str, float]) -> None:
    for name, value in dice.items():
        progress.running[name] = round(0.98 * progress.running.get(name, value) + 0.02 * value, 4)


def _log(plan: Plan, facts: dict[str, Any]) -> None:
    with (plan.out / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), **facts}) + "\n")


def _end(options: argparse.Namespace) -> datetime:
    """`--until HH:MM` is the next such time of day in UTC."""
    now = datetime.now(UTC)
    if not options.until:
        return now + timedelta(hours=options.hours)
    clock = time.strptime(options.until, "%H:%M")
    end = now.replace(hour=clock.tm_hour, minute=clock.tm_min, second=0, microsecond=0)
    return end if end > now else end + timedelta(days=1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="checkpoints, log, and the atlas once it is made")
    parser.add_argument("--anatomy", type=Path, required=True, help="the folder with the label map, masks and meshes")
    parser.add_argument("--warm", type=Path, help="begin with these weights where there is no checkpoint")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--until", help="HH:MM in UTC; wins over --hours")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    anatomy, kept_aside = load_anatomy(options.anatomy, options.out)
    progress = start(options.out, options.warm, options.rate)
    plan = Plan(options.out, _end(options), options.rate, options.seed, options.batch)
    train(progress, anatomy, Validation(kept_aside), plan)


if __name__ == "__main__":
    main()
