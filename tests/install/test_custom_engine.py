"""doc/custom-engine.md, as somebody would follow it: every line of its shell blocks is run, with what `make install` installed.

REDMINE_CACHED_PREFIX is where that is, REDMINE_CACHED_BUILD the build folder with the unit tests.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
PREFIX = Path(os.environ["REDMINE_CACHED_PREFIX"])
BUILD = Path(os.environ["REDMINE_CACHED_BUILD"])
LIMIT = 300  # seconds, on a busy machine

sys.path.insert(0, str(TOP / "tests" / "scenario"))

from fake_redmine import FakeRedmine  # noqa: E402
from wire import free_port  # noqa: E402

ENVIRONMENT = {
    **os.environ,
    "PATH": f"{PREFIX}/sbin:{os.environ['PATH']}",
    "PKG_CONFIG_PATH": f"{PREFIX}/lib/pkgconfig",
    "BUILD": str(BUILD),
}


def run(script, folder):
    """What bash says of it; it must end well."""
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def fake():
    server = FakeRedmine()
    yield server
    server.stop()


def blocks(kind):
    text = (TOP / "doc" / "custom-engine.md").read_text()
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_page(fake, tmp_path):
    [source] = blocks("c")
    (tmp_path / "mine.c").write_text(source)
    script = "".join(blocks("sh"))
    assert script.count("https://redmine.example.org") == 1
    script = script.replace("https://redmine.example.org", fake.base).replace("127.0.0.1:7336", f"127.0.0.1:{free_port()}")
    installed = PREFIX / "lib" / "redmine-cached" / "mine.so"
    try:
        said = run(script, tmp_path)
    finally:
        installed.unlink(missing_ok=True)
    assert re.search(r'"engines":\s*\[\s*\{\s*"name":\s*"mine",\s*"workers":\s*8\b', said), said
    assert said.count('"total_count"') == 3, "two answers of Redmine and a recording of one"
    [name] = re.findall(r"GET_issues\.json_limit=2-[0-9a-f]{16}\.http$", said, re.MULTILINE)
    recording = (tmp_path / "demo" / "anyone" / name).read_text()
    assert recording.startswith("GET /issues.json?limit=2\nHTTP/1.1 200 OK\n")
    assert re.search(rf"No recording answers GET /issues/1\.json: {tmp_path}/demo/anyone/\S+: No such file", said)
    assert "100%: Checks: 9, Failures: 0, Errors: 0" in said


@pytest.mark.parametrize("name", ["minimal", "record-replay"])
def test_examples_need_nothing_else(name, tmp_path):
    for source in (TOP / "examples" / name).glob("*.[ch]"):
        (tmp_path / source.name).write_text(source.read_text())
    run(
        f"cc -std=c11 -Wall -Wextra -Wno-unused-parameter -Werror -shared -fPIC -pthread -o {name}.so {name}.c "
        "$(pkg-config --cflags redmine-cached)",
        tmp_path,
    )
    said = run(
        f"redmine-cached --check-config -o upstream.url=http://127.0.0.1:9 -o engine.mine.path=$PWD/{name}.so "
        + (f"-o 'engine.mine.options=mode=record folder={tmp_path}'" if name == "record-replay" else ""),
        tmp_path,
    )
    assert said == ""


def test_minimal_is_a_page():
    assert len((TOP / "examples" / "minimal" / "minimal.c").read_text().splitlines()) < 80


@pytest.mark.parametrize("compiler", ["cc -std=c11 -x c", "cc -std=c17 -x c", "clang++ -std=c++11 -x c++", "clang++ -std=c++20 -x c++"])
def test_the_header_needs_nothing_else(compiler, tmp_path):
    (tmp_path / "one").write_text("#include <redmine-cached/engine.h>\n")
    run(f"{compiler} -pedantic -Wall -Wextra -Werror -fsyntax-only $(pkg-config --cflags redmine-cached) one", tmp_path)


def test_the_version_of_the_interface(tmp_path):
    said = run("pkg-config --variable=abi redmine-cached; pkg-config --variable=plugindir redmine-cached", tmp_path)
    header = (PREFIX / "include" / "redmine-cached" / "engine.h").read_text()
    assert said.splitlines() == [re.search(r"^#define RC_ENGINE_ABI (\d+)$", header, re.MULTILINE)[1], f"{PREFIX}/lib/redmine-cached"]
    assert (PREFIX / "lib" / "redmine-cached" / "record-replay.so").exists()
