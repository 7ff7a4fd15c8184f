"""tools/quickstart, as somebody would use it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
QUICKSTART = TOP / "tools" / "quickstart"
LIMIT = 600  # seconds: the first one builds, and may build the sample database, on a busy machine

sys.path.insert(0, str(TOP / "tests" / "scenario"))

from fake_redmine import FakeRedmine  # noqa: E402
from wire import free_port  # noqa: E402


@pytest.fixture(scope="module")
def fake():
    server = FakeRedmine()
    yield server
    server.stop()


def run(*arguments, **environment):
    """Its exit code and all that it said."""
    done = subprocess.run(
        [QUICKSTART, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
        env=dict(os.environ, **environment),
    )
    return done.returncode, done.stdout


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def reads(said):
    """The two reads that it shows: [(name, milliseconds, status, Cache-Status)]."""
    return re.findall(r"^ +(cold|warm) +([\d.]+) ms +(\d+) +Cache-Status: (.*)$", said, re.MULTILINE)


def running_with(word):
    """Processes with that in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if word in command:
            found.append(command)
    return found


def test_once_with_a_redmine_of_its_own():
    port = free_port()
    code, said = run("--once", "--port", port)
    assert code == 0, said
    [cold, warm] = reads(said)
    assert (cold[0], cold[2], warm[0], warm[2]) == ("cold", "200", "warm", "200")
    assert "fwd=uri-miss" in cold[3] and "; hit" in warm[3]
    assert float(cold[1]) > 0 and float(warm[1]) > 0
    assert f"http://127.0.0.1:{port}/issues.json" in said and "redminelib" in said
    redmine = int(re.search(r"^Redmine itself +http://127\.0\.0\.1:(\d+)$", said, re.MULTILINE).group(1))
    assert not is_open(port) and not is_open(redmine), "something was left running"
    assert not running_with(f"127.0.0.1:{port} ")


def test_once_before_a_given_redmine(fake):
    key = "0123456789abcdef0123456789abcdef01234567"
    port = free_port()
    code, said = run(fake.base, "--once", "--port", port, REDMINE_API_KEY=key)
    assert code == 0, said
    assert [read[0] for read in reads(said)] == ["cold", "warm"]
    assert key not in said, "somebody's key is not to be shown"
    assert not is_open(port)


# Where Ctrl-C falls by chance, as what is begun in the background must end also before its number has been noted.
@pytest.mark.parametrize("pause", [0, 0.0005, 0.001, 0.002, 0.004])
def test_runs_until_it_is_interrupted(fake, pause):
    port = free_port()
    process = subprocess.Popen(
        [QUICKSTART, fake.base, "--port", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    said = ""
    for line in process.stdout:
        said += line
        if "until Ctrl-C" in line:
            break
    assert is_open(port), said
    time.sleep(pause)
    process.send_signal(signal.SIGINT)
    said += process.communicate(timeout=LIMIT)[0]
    assert process.returncode == 0, said
    assert not is_open(port)
    assert not running_with(f"127.0.0.1:{port} ")


def test_a_port_in_use_is_said_at_once():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = run("--once", "--port", port)
    assert code == 1
    assert said.splitlines() == [f"quickstart: 127.0.0.1:{port} is in use (another quickstart?); choose another one with --port N"]


def test_a_redmine_out_of_reach_is_said():
    nowhere = f"http://127.0.0.1:{free_port()}"
    code, said = run(nowhere, "--once", "--port", free_port())
    assert code == 1
    assert f"quickstart: no answer from {nowhere}: " in said.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "0"],
        ["--port", "65536"],
        ["--port"],
        ["--port", "http"],
        ["--nonsense"],
        ["redmine.example.org"],
        ["ftp://redmine.example.org"],
        ["http://user:secret@redmine.example.org"],
        ["http://a.example", "http://b.example"],
    ],
)
def test_wrong_arguments_are_refused(arguments):
    code, said = run(*arguments)
    assert code == 2
    assert said.startswith("usage: tools/quickstart") and "\nquickstart: " in said
