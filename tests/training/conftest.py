"""Training needs the extra `train`; where torch is not installed, these tests are left out and the header says so."""

import importlib.util
import sys
from pathlib import Path

import pytest

HAS_TORCH = importlib.util.find_spec("torch") is not None
collect_ignore_glob = [] if HAS_TORCH else ["test_*.py"]
sys.path.insert(0, str(Path(__file__).parent))


def pytest_report_header():
    return "training: tested" if HAS_TORCH else "training: left out, torch is not installed"


@pytest.fixture(scope="session")
def plain_atlas():
    return importlib.import_module("plain_head").plain_atlas()


@pytest.fixture(scope="session")
def plain_anatomy(plain_atlas):
    return importlib.import_module("gnathos.training.scene").Anatomy(plain_atlas, None)
