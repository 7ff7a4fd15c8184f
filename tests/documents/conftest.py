"""Documents are tried with the fake Redmine and the daemon of the scenarios."""

import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "scenario"))
