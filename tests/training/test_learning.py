import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import onnxruntime
import pytest
import torch

from gnathos.training.chance import Chance
from gnathos.training.export import describe, export_network, write_description
from gnathos.training.network import UNet
from gnathos.training.renderer import render
from gnathos.training.tasks import JAWS, TEETH
from gnathos.training.tissues import CLASSES
from gnathos.training.train import Plan, learn, loss, scans_from, start
from gnathos.training.validate import Validation, confusion, dice_by_class


def plan(folder):
    return Plan(folder, datetime.now(UTC) + timedelta(hours=1), 1e-3, 1)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")
def test_the_exported_network_answers_as_the_trained_one(tmp_path):
    torch.manual_seed(0)
    network = UNet(len(CLASSES) + 1, (8, 16, 32, 64, 80)).eval()
    weights = torch.linspace(0.5, 2, len(CLASSES))
    export_network(network, weights.tolist(), tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    for shape in ((32, 48, 16), (64, 16, 32)):
        scan = torch.rand(1, 1, *shape) - 0.5
        with torch.no_grad():
            logits = network(scan)
            plain = logits[:, :-1].softmax(1) / weights[:, None, None, None]
            expected = (plain / plain.sum(1, keepdim=True)).numpy()
            core = logits[:, -1:].sigmoid().numpy()
        (found,) = session.run(["probability"], {"scan": scan.numpy()})
        assert np.abs(found[:, :-1] - expected).max() < 5e-3
        assert np.abs(found[:, -1:] - core).max() < 5e-3
        assert found.dtype == np.float32
        assert np.allclose(found[:, :-1].sum(1), 1, atol=1e-5)


def test_the_description_names_the_classes_and_the_file_s_hash(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"not a network")
    checkpoint = {"task": "jaws", "classes": CLASSES, "step": 7, "sources": ["a map"]}
    write_description(tmp_path / "net.onnx", describe(checkpoint))
    description = json.loads((tmp_path / "net.json").read_text())
    assert description["classes"] == list(CLASSES)
    assert description["sha256"] == hashlib.sha256(b"not a network").hexdigest()
    assert description["steps"] == 7


def test_training_lowers_the_loss_on_one_scan(plain_anatomy, tmp_path):
    torch.manual_seed(0)
    progress = start(JAWS, tmp_path, None, 2e-3)
    scan = render(plain_anatomy, Chance(9, 2))

    def judge():
        with torch.no_grad():
            return float(loss(JAWS, progress.net(scan.scan[None, None]), scan))

    before = judge()
    for _ in range(6):
        learn(progress, iter([scan]), plan(tmp_path), 2e-3)
    assert judge() < 0.8 * before


def test_a_scan_that_gives_no_finite_gradient_leaves_the_weights_as_they_are(plain_anatomy, tmp_path):
    progress = start(JAWS, tmp_path, None, 1e-3)
    scan = render(plain_anatomy, Chance(9, 3))
    before = {name: values.clone() for name, values in progress.net.state_dict().items()}
    broken = replace(scan, scan=torch.full_like(scan.scan, torch.nan))
    assert learn(progress, iter([broken]), plan(tmp_path), 1e-3) == {}
    assert progress.step == 1
    assert all(torch.equal(values, before[name]) for name, values in progress.net.state_dict().items())
    assert learn(progress, iter([scan]), plan(tmp_path), 1e-3)
    assert not all(torch.equal(values, before[name]) for name, values in progress.net.state_dict().items())


def test_a_checkpoint_goes_on_where_it_ended(plain_anatomy, tmp_path):
    progress = start(JAWS, tmp_path, None, 1e-3)
    scan = render(plain_anatomy, Chance(9, 3))
    learn(progress, iter([scan]), plan(tmp_path), 1e-3)
    progress.save(tmp_path / "last.pt")
    again = start(JAWS, tmp_path, None, 1e-3)
    assert again.step == 1
    for run in (progress, again):
        learn(run, iter([scan]), plan(tmp_path), 1e-3)
    for name in ("net", "average"):
        one, other = (getattr(run, name).state_dict() for run in (progress, again))
        assert all(torch.equal(one[key], other[key]) for key in one)


def test_other_weights_can_be_begun_with(tmp_path):
    old = UNet(3)
    torch.save({"net": old.state_dict(), "classes": ["background", "mandible", "canal"]}, tmp_path / "old.pt")
    new = start(JAWS, tmp_path, tmp_path / "old.pt", 1e-3).net
    assert torch.equal(new.down[0][0].weight, old.down[0][0].weight)
    assert torch.equal(new.head.weight[CLASSES.index("mandible")], old.head.weight[1])
    assert torch.allclose(new.head.weight[CLASSES.index("skull")], old.head.weight[0], atol=0.2)


def test_scans_come_in_the_order_of_their_seeds(plain_anatomy):
    scans = scans_from(JAWS, plain_anatomy, 5, 10)
    first, second = next(scans), next(scans)
    scans.close()
    assert torch.equal(first.scan, render(plain_anatomy, Chance(5, 10)).scan)
    assert torch.equal(second.scan, render(plain_anatomy, Chance(5, 11)).scan)


def test_dice_counts_only_what_the_truth_holds():
    truth = torch.zeros(10, 10, 10, dtype=torch.long)
    truth[:, :, :5] = 2
    guess = truth.clone()
    guess[:5, :, :5] = 1
    logits = torch.nn.functional.one_hot(guess, len(CLASSES)).movedim(-1, 0)
    assert dice_by_class(confusion(logits, truth, CLASSES), CLASSES) == {"mandible": pytest.approx(2 / 3, abs=1e-3)}


def test_validation_counts_what_is_invented_apart(plain_anatomy):
    class Everywhere(torch.nn.Module):
        """Calls all of the scan canal."""

        def forward(self, scan):
            logits = torch.zeros(1, len(CLASSES), *scan.shape[2:])
            logits[:, CLASSES.index("canal")] = 1
            return logits

    result = Validation(JAWS, plain_anatomy).run(Everywhere())
    assert set(result["dice"].values()) == {0}
    assert result["invented_voxels"]["canal"] > 100_000
    assert result["invented_voxels"]["mandible"] == 0


def test_training_lowers_the_loss_on_teeth(plain_anatomy, tmp_path):
    torch.manual_seed(0)
    progress = start(TEETH, tmp_path, None, 2e-3)
    scan = TEETH.render(plain_anatomy, Chance(9, 1))
    assert scan.cores is not None
    assert int(scan.cores.sum()) > 0

    def judge():
        with torch.no_grad():
            return float(loss(TEETH, progress.net(scan.scan[None, None]), scan))

    before = judge()
    for _ in range(4):
        learn(progress, iter([scan]), plan(tmp_path), 2e-3)
    assert judge() < 0.9 * before
