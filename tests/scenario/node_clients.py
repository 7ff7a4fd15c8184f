"""Node's clients of Redmine, installed once for all tests that use them."""

import fcntl
import os
import re
import subprocess
import tempfile
from pathlib import Path

CLIENTS = ["axios-redmine@0.1.43", "node-redmine@0.2.2"]
TRIES = 3
LIMIT = 120  # seconds, of one try
INSTALL = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0"]
CODE = re.compile(r"^npm (?:error|ERR!) code (\w+)", re.MULTILINE)  # alone: other lines name the registry


class NotInstalled(Exception):
    """npm could not install them; says why, as npm's code."""


def try_install(folder):
    """None, or why not."""
    try:
        done = subprocess.run(
            [*INSTALL, "--prefix", folder, *CLIENTS], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT
        )
    except FileNotFoundError:
        return "there is no npm"
    except subprocess.TimeoutExpired:
        return f"it did not end in {LIMIT} s"
    if done.returncode == 0:
        return None
    codes = sorted(set(CODE.findall(done.stdout)))
    return f"it ended with {done.returncode} and the code {', '.join(codes) or 'of no error that it names'}"


def node_modules():
    """The folder for NODE_PATH. REDMINE_CACHED_NODE is kept and shared; without it a new one is made."""
    folder = Path(os.environ.get("REDMINE_CACHED_NODE") or tempfile.mkdtemp(prefix="node-clients-"))
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "installed"
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text().split() != CLIENTS:
            why = None
            for _ in range(TRIES):
                why = try_install(folder)
                if not why:
                    break
            if why:
                raise NotInstalled(
                    f"{' and '.join(CLIENTS)} could not be installed in {TRIES} tries; "
                    f"can npm reach a registry of packages from this machine? The last: {why}."
                )
            done.write_text("\n".join(CLIENTS))
    return folder / "node_modules"
