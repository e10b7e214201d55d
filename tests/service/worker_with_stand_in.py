"""The worker, with the stand-in as its child's command."""

import sys
from pathlib import Path

from gnathos.worker.__main__ import main

if __name__ == "__main__":
    main([sys.executable, str(Path(__file__).with_name("stand_in.py"))])
