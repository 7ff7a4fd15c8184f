"""What every scenario has at hand.

fake, daemon   one pair a module and engine; a module's OPTIONS change the daemon's configuration
launch         starts daemons of a test's own: launch({"cache.memory": "1M"}, upstream=…)
fresh          a URL that nothing has asked before

A module-wide daemon keeps its cache from test to test, so that tests there ask
fresh() URLs. Marks: `workers(N)` for a scenario that needs N upstream requests
at a time; `engines(NAME...)` for one that is about these. Other engines are left
out when tests are collected.
"""

import itertools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from daemon import BINARY, ENGINES, WORKERS, Daemon  # noqa: E402
from fake_redmine import FakeRedmine  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "workers(n): needs n upstream requests at a time")
    config.addinivalue_line("markers", "engines(name...): is about these engines")


def pytest_collection_modifyitems(config, items):
    left_out = []
    for item in items:
        workers, engines = item.get_closest_marker("workers"), item.get_closest_marker("engines")
        engine = item.callspec.params.get("engine") if hasattr(item, "callspec") else None
        if engine and (
            (workers and WORKERS.get(engine, 4) < workers.args[0]) or (engines and engine not in engines.args)
        ):
            left_out.append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session", params=ENGINES)
def engine(request):
    if not BINARY:
        pytest.exit("REDMINE_CACHED must name the daemon's binary", returncode=2)
    return request.param


@pytest.fixture(scope="module")
def upstream():
    """The module's fake; tests use `fake`, which starts each test as new."""
    server = FakeRedmine()
    yield server
    server.stop()


@pytest.fixture
def fake(upstream):
    upstream.reset_script()
    yield upstream
    upstream.reset_script()
    upstream.wait_idle()


@pytest.fixture(scope="module")
def shared_daemon(engine, upstream, request, tmp_path_factory):
    directory = tmp_path_factory.mktemp(request.module.__name__)
    process = Daemon(upstream.base, engine, directory, getattr(request.module, "OPTIONS", {})).start()
    yield process
    process.stop()


@pytest.fixture
def daemon(shared_daemon, fake):
    """The module's daemon; must be alive before and after each test."""
    assert shared_daemon.process.poll() is None, f"the daemon died before this test:\n{shared_daemon.stderr[-4000:]}"
    yield shared_daemon
    assert shared_daemon.process.poll() is None, f"the daemon died:\n{shared_daemon.stderr[-4000:]}"


@pytest.fixture
def launch(engine, fake, tmp_path):
    """A function that starts a daemon of the test's own; all are stopped, and examined, at its end."""
    started = []

    def start(options=None, upstream=None, begin=True, **how):
        directory = tmp_path / f"daemon{len(started)}"
        process = Daemon(upstream or fake.base, engine, directory, options, **how)
        started.append(process)
        return process.start() if begin else process

    yield start
    problems = []
    for process in started:
        try:
            process.stop()
        except AssertionError as problem:
            problems.append(str(problem))
    assert not problems, "\n".join(problems)


_numbers = itertools.count(1)


@pytest.fixture
def fresh():
    """A function: the path, with a parameter that makes it a URL never asked before."""

    def make(path="/issues.json"):
        return f"{path}{'&' if '?' in path else '?'}nonce={next(_numbers)}"

    return make


@pytest.fixture
def controlled(launch, tmp_path):
    """A function that starts a daemon with a control socket."""

    def start(options=None, **how):
        return launch({"control.socket": tmp_path / "c.sock", **(options or {})}, **how)

    return start
