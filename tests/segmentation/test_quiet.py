"""The network's runtime tells nobody that it runs."""

import os
import subprocess
import sys
from pathlib import Path

LOAD = "from gnathos.segmentation.network import Network; Network()"


def test_nothing_is_kept_for_telemetry(tmp_path: Path) -> None:
    """Where it is on, the runtime keeps the machine's id and the events to send below the home folder."""
    kept = {"CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "XDG_CACHE_HOME"}
    environment = {name: value for name, value in os.environ.items() if name not in kept}
    subprocess.run([sys.executable, "-c", LOAD], env={**environment, "HOME": str(tmp_path)}, check=True, timeout=120)

    assert list(tmp_path.rglob("*")) == []
