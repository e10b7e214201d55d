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
from gnathos.training.fine_renderer import CONTACT
from gnathos.training.network import UNet
from gnathos.training.renderer import Rendering
from gnathos.training.scene import Anatomy
from gnathos.training.tasks import PLACES, TASKS, Task
from gnathos.training.validate import Validation, confusion, dice_by_class

SOURCES = (
    "label map of one full-field dental CBCT, test data of SlicerDentalSegmentator (Apache-2.0)",
    "35 mandibles traced on head-and-neck CT, google-deepmind/tcia-ct-scan-dataset (CC BY 4.0)",
    "cervical spine and hyoid of the ArtiSynth jaw model (BSD-like)",
)
_LEAST_VOXELS = 20
_AVERAGING = 0.999
"""How much of the averaged weights each step keeps, in the end; less while there are few steps to average."""
_WARM_UP = 100
_CONTACT_WEIGHT = 12.0
"""Of the voxels where teeth meet, in the loss of cores."""


@dataclass(frozen=True)
class Plan:
    """What one run is to do."""

    out: Path
    until: datetime
    rate: float
    seed: int
    batch: int = 1
    bfloat16: bool = False
    """Whether convolutions compute in bfloat16: three times as fast where the processor has it, slower elsewhere."""
    save_every: int = 100
    validate_every: int = 300


@dataclass
class Progress:
    """Everything that is kept between runs."""

    task: Task
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
            "task": self.task.name,
            "classes": list(self.task.channels),
            "sources": list(SOURCES),
        }

    def save(self, path: Path) -> None:
        """Write a checkpoint; whole or not at all."""
        partial = path.with_suffix(".partial")
        torch.save(self.state(), partial)
        partial.replace(path)


def start(task: Task, out: Path, warm: Path | None, rate: float) -> Progress:
    """Go on from the folder's last checkpoint; without one from other weights, or from nothing."""
    net, average = task.network(), task.network()
    progress = Progress(task, net, average, torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-4))
    checkpoint = out / "last.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(state["net"])
        average.load_state_dict(state["average"])
        progress.optimiser.load_state_dict(state["optimiser"])
        progress.step, progress.running, progress.validation = state["step"], state["running"], state["validation"]
    elif warm:
        _warm_start(task, net, torch.load(warm, weights_only=True))
        average.load_state_dict(net.state_dict())
    return progress


def _warm_start(task: Task, net: UNet, state: dict[str, Any]) -> None:
    """Take another network's weights; classes that it does not know begin as its background."""
    weights = dict(state["net"])
    known = [state["classes"].index(name) if name in state["classes"] else 0 for name in task.channels]
    for name in ("head.weight", "head.bias"):
        taken = weights[name][known].clone()
        new = torch.tensor([name not in state["classes"] for name in task.channels])
        taken[new] += 0.02 * torch.randn_like(taken[new])
        weights[name] = taken
    net.load_state_dict(weights)


def learn(progress: Progress, scans: Iterator[Rendering], plan: Plan, rate: float) -> dict[str, float]:
    """One step of the optimiser; answers with the Dice of each class present, with none where no step could be made.

    A gradient that is not finite would destroy all weights. With bfloat16 there were seven in 1,400 steps of `jaws`;
    the scans themselves were finite.
    """
    for group in progress.optimiser.param_groups:
        group["lr"] = rate
    progress.optimiser.zero_grad()
    dice: dict[str, float] = {}
    for _ in range(plan.batch):
        scan = next(scans)
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.bfloat16):
            logits = progress.net(scan.scan[None, None])
        (loss(progress.task, logits.float(), scan) / plan.batch).backward()
        dice |= dice_by_class(confusion(logits[0], scan.labels, progress.task.classes), progress.task.classes)
    steepness = nn.utils.clip_grad_norm_(progress.net.parameters(), 12)
    progress.step += 1
    if not bool(torch.isfinite(steepness)):
        return {}
    progress.optimiser.step()
    _follow(progress.average, progress.net, min(_AVERAGING, (1 + progress.step) / (10 + progress.step)))
    return dice


def loss(task: Task, logits: torch.Tensor, scan: Rendering) -> torch.Tensor:
    """Weighted cross-entropy, and Dice over the classes present; the same of what else is told of teeth."""
    count = len(task.classes)
    shares = logits[:, :count].softmax(1)
    truth = functional.one_hot(scan.labels[None], count).movedim(-1, 1).float()
    weights = torch.tensor(task.class_weights)
    total = functional.cross_entropy(logits[:, :count], scan.labels[None], weight=weights)
    total = total + _lack_of_overlap(shares[:, 1:], truth[:, 1:])
    if scan.cores is not None and scan.places is not None:
        total = total + _tooth_loss(logits[:, count:], scan.cores[None, None], scan.places)
    return total


def _tooth_loss(logits: torch.Tensor, cores: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """For the channels `TOOTH_CHANNELS`; places count within teeth only."""
    core = (cores == 1).float()
    weight = torch.where(cores == CONTACT, _CONTACT_WEIGHT, 1.0)
    total = functional.binary_cross_entropy_with_logits(logits[:, :1], core, weight)
    total = total + 0.5 * _lack_of_overlap(logits[:, :1].sigmoid(), core)
    teeth = places > 0
    if not bool(teeth.any()):
        return total
    guessed = 0.5 + PLACES * logits[0, 1].sigmoid()[teeth]
    return total + 0.75 * functional.l1_loss(guessed, places[teeth].float())


def _lack_of_overlap(shares: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """One less the mean soft Dice of the channels that the truth has."""
    overlap = (shares * truth).sum((2, 3, 4))
    total = shares.sum((2, 3, 4)) + truth.sum((2, 3, 4))
    present = truth.sum((2, 3, 4)) > _LEAST_VOXELS
    return 1 - (((2 * overlap + 1) / (total + 1)) * present).sum() / present.sum().clamp(min=1)


@torch.no_grad()
def _follow(average: UNet, net: UNet, keep: float) -> None:
    for old, new in zip(average.parameters(), net.parameters(), strict=True):
        old.lerp_(new, 1 - keep)


def scans_from(task: Task, anatomy: Anatomy, seed: int, first: int) -> Iterator[Rendering]:
    """Random scans without end, the next one rendered while one is learnt from."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(task.render, anatomy, Chance(seed, first))
        while True:
            first += 1
            ready, waiting = waiting, pool.submit(task.render, anatomy, Chance(seed, first))
            yield ready.result()


def train(progress: Progress, anatomy: Anatomy, validation: Validation, plan: Plan) -> None:
    """Learn until the plan's end; save, validate and log on the way."""
    began, scans = datetime.now(UTC), scans_from(progress.task, anatomy, plan.seed, progress.step * plan.batch)
    while (now := datetime.now(UTC)) < plan.until:
        left = (plan.until - now) / (plan.until - began)
        warm = min(1.0, (progress.step + 1) / _WARM_UP)
        _remember(progress, learn(progress, scans, plan, plan.rate * warm * max(0.03, left) ** 0.9))
        if progress.step % plan.validate_every == 0:
            progress.validation = {"step": progress.step, **validation.run(progress.average)}
            export_state(progress.state(), plan.out / f"{progress.task.name}.onnx")
            _log(plan, {"validation": progress.validation})
        if progress.step % plan.save_every == 0:
            progress.save(plan.out / "last.pt")
            _log(plan, {"step": progress.step, "dice": progress.running})
    progress.save(plan.out / "last.pt")
    export_state(progress.state(), plan.out / f"{progress.task.name}.onnx")
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
    parser.add_argument("--network", choices=list(TASKS), default="jaws")
    parser.add_argument("--out", type=Path, required=True, help="checkpoints, log, and the atlas once it is made")
    parser.add_argument("--anatomy", type=Path, required=True, help="the folder with the label map, masks and meshes")
    parser.add_argument("--warm", type=Path, help="begin with these weights where there is no checkpoint")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--until", help="HH:MM in UTC; wins over --hours")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bfloat16", action="store_true", help="faster where the processor computes in it")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    task = TASKS[options.network]
    anatomy, kept_aside = load_anatomy(options.anatomy, options.out, fine=task.tells_teeth)
    progress = start(task, options.out, options.warm, options.rate)
    plan = Plan(options.out, _end(options), options.rate, options.seed, options.batch, options.bfloat16)
    train(progress, anatomy, Validation(task, kept_aside), plan)


if __name__ == "__main__":
    main()
