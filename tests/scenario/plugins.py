"""The engines of examples/ and of the unit tests, built as somebody outside would: with the public header and nothing else."""

import atexit
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


@functools.lru_cache(None)
def folder():
    path = Path(tempfile.mkdtemp(prefix="redmine-cached-plugins."))
    path.chmod(0o755)
    atexit.register(shutil.rmtree, path, True)
    return path


@functools.lru_cache(None)
def built(name):
    """The path of the shared object of examples/NAME/NAME.c, or of an engine that the unit tests have."""
    path = folder() / f"{name}.so"
    source = TOP / "examples" / name / f"{name}.c"
    if not source.exists():
        source = TOP / "tests" / "unit" / "engine" / "plugins" / f"{name}.c"
    command = ["cc", "-std=c11", "-shared", "-fPIC", "-pthread", f"-I{TOP}/include", "-o", path, source]
    subprocess.run(command, check=True)
    return str(path)
