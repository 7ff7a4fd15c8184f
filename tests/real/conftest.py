"""A real Redmine for every test: Debian's, twice from the same sample, and the daemon in front of one of them.

straight   asked directly
behind     the other, asked through the daemon
daemon     a fresh one in front of `behind`, once for each engine

What is written through one must be written to the other as well, so that they stay equal: tests that write compare
both, or undo what they did.
"""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
os.environ.setdefault("REDMINE_CACHED", str(Path(os.environ.get("REDMINE_CACHED_BUILD", TOP)) / "redmine-cached"))
sys.path[:0] = [str(HERE), str(HERE.parent / "scenario")]

from daemon import ENGINES, Daemon  # noqa: E402
from instances import Instance, start_together, writes  # noqa: E402
from people import shown_all  # noqa: E402


ELSEWHERE = {"sync", "async"}  # what the long tests show does not hang on the engine: thread and process will do


def pytest_configure(config):
    config.addinivalue_line("markers", "long: minutes on some machines; not run on every engine unless only those are asked for")
    config.addinivalue_line("markers", "brief: some of a long one, for the engines on which that is not run")


def pytest_collection_modifyitems(config, items):
    def is_left_out(item):
        engine = getattr(item, "callspec", None) and item.callspec.params.get("engine")
        elsewhere = engine in ELSEWHERE and not ELSEWHERE >= set(ENGINES)
        return item.get_closest_marker("long") and elsewhere or item.get_closest_marker("brief") and not elsewhere

    left_out = [item for item in items if is_left_out(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("redmine")
    both = start_together(lambda: Instance(folder / "straight"), lambda: Instance(folder / "behind", workers=2))
    yield both
    for instance in both:
        instance.stop()


@pytest.fixture(scope="session")
def straight(pair):
    return pair[0]


@pytest.fixture(scope="session")
def behind(pair):
    return pair[1]


@pytest.fixture(scope="session")
def sub_uri(tmp_path_factory):
    instance = Instance(tmp_path_factory.mktemp("redmine") / "sub-uri", prefix="/redmine")
    yield instance
    instance.stop()


@pytest.fixture(scope="session", params=ENGINES)
def engine(request):
    return request.param


@pytest.fixture
def launch(engine, tmp_path):
    """A function that starts a daemon in front of an instance, or leaves that to the test; it has a `url`."""
    started = []

    def start(instance, begin=True, **options):
        daemon = Daemon(instance.url, engine, tmp_path / f"daemon{len(started)}", options)
        daemon.secrets |= instance.secrets()
        started.append(daemon)
        daemon.url = f"http://127.0.0.1:{daemon.port}{instance.description['prefix']}"
        return daemon.start() if begin else daemon

    yield start
    for daemon in started:
        daemon.stop()


@pytest.fixture
def daemon(launch, behind):
    return launch(behind)


@pytest.fixture(scope="session")
def seen(behind):
    """A function: what rows of (target, person) are shown by `behind` itself, asked again only if it was written to."""
    known = {}

    def look(rows):
        state = len(writes(behind.reached())), tuple(rows)
        if state not in known:
            known[state] = shown_all(behind.url, rows, behind)
        return known[state]

    return look
