"""The files of the tree, as the checks see them."""

import re
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


def files():
    """Every file that git tracks, relative to the top, or that a tarball's MANIFEST lists."""
    manifest = TOP / "MANIFEST"
    if manifest.exists():
        names = manifest.read_text().splitlines()
    else:
        command = ["git", "-c", "safe.directory=*", "-c", "core.quotePath=off", "ls-files"]
        names = subprocess.run(command, cwd=TOP, check=True, capture_output=True, text=True).stdout.splitlines()
    return [Path(name) for name in names if (TOP / name).is_file()]


def matching(pattern):
    """The files whose whole path matches a regular expression; never none."""
    found = [path for path in files() if re.fullmatch(pattern, str(path))]
    assert found, f"no file is like {pattern}: the check would check nothing"
    return found


def text(path):
    return (TOP / path).read_text()


def without_comments(source):
    """C with each comment blanked, line numbers kept."""
    return re.sub(r"/\*.*?\*/", lambda found: re.sub(r"[^\n]", " ", found.group()), source, flags=re.DOTALL)
