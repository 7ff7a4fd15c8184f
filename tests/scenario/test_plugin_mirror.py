"""What holds for every engine holds for one that is loaded: all of test_mirror.py, with the minimal example."""

import pytest

import test_mirror
from daemon import ENGINES
from plugins import built

PATH = {"engine.minimal.path": built("minimal")}
OPTIONS = {**getattr(test_mirror, "OPTIONS", {}), **PATH}


@pytest.fixture(scope="module")
def engine():
    return "minimal"


@pytest.fixture
def launch(launch):
    """As everywhere, with the path that this engine needs."""
    return lambda options=None, *more, **how: launch({**PATH, **(options or {})}, *more, **how)


if "thread" in ENGINES:  # once, not beside each of the engines that are built in
    globals().update({name: value for name, value in vars(test_mirror).items() if name.startswith(("test_", "below"))})
