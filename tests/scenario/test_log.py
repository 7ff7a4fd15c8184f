"""One line a request, in text or JSON, and never a secret."""

import json
import re
import socket
import subprocess

import pytest

from behaviours import READ, reply, RESET, script
from daemon import BINARY, Daemon, until
from redmine_model import ADMIN_KEY, MANAGER_KEY, PASSWORD
from wire import LIMIT


def line_of(daemon, mark):
    """The one line of a request; waits for it, for it may follow the answer."""
    return until(lambda: [line for line in daemon.log if mark in line], f"a line with {mark!r}")[-1]


def lines_of(daemon, mark):
    line_of(daemon, mark)
    return [line for line in daemon.log if mark in line]


@pytest.fixture(scope="module")
def json_daemon(engine, upstream, tmp_path_factory):
    process = Daemon(upstream.base, engine, tmp_path_factory.mktemp("json"), {"log.format": "json"}).start()
    yield process
    process.stop()


def test_text_line(daemon, fake, fresh):
    target = fresh("/issues.json?limit=3")
    answer = daemon.get(target)
    line = line_of(daemon, target)
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", line), "a terminal or a file has no clock of its own"
    words = line.split()
    assert "GET" in words[:6] and target in words
    assert re.search(r"\b200\b", line) and str(answer.content.size) in line
    assert "miss" in line or "stored" in line
    assert re.search(r"\d(\.\d+)? ?(ms|us|µs|s)\b", line), "the duration has a unit"
    daemon.get(target)
    assert "hit" in until(lambda: lines_of(daemon, target)[1:], "a second line")[0]


def test_journald_gets_priorities(launch, fake, fresh):
    daemon = launch({"log.level": "debug"}, begin=False)
    daemon.stderr_file.write_bytes(b"")
    place = daemon.stderr_file.stat()
    daemon.env["JOURNAL_STREAM"] = f"{place.st_dev}:{place.st_ino}"
    daemon.start()
    daemon.get(fresh("/seen"))
    assert re.match(r"<[67]>(?!\d{4}-)", line_of(daemon, "/seen"))
    assert all(re.match(r"<\d>", line) for line in daemon.log)


def test_one_line_each(daemon, fake, fresh):
    targets = [fresh("/counted") for _ in range(20)]
    for target in targets:
        daemon.get(target)
    for target in targets:
        assert len([line for line in lines_of(daemon, target + " ") if line]) == 1


@pytest.mark.parametrize("method, status", [("PUT", 204), ("DELETE", 404), ("POST", 500)])
def test_writes_are_logged(daemon, fake, fresh, method, status):
    target = fresh("/written")
    fake.on("/written", reply(status))
    daemon.request(method, target, body=b"secret-body-text")
    line = line_of(daemon, target)
    assert method in line and str(status) in line
    assert "secret-body-text" not in daemon.stderr


def test_failures_are_logged_with_their_reason(daemon, fake, fresh):
    fake.drop_connections()
    fake.on("/issues.json", script(READ, RESET))
    target = fresh()
    daemon.get(target)
    line_of(daemon, f"GET {target} 502")
    assert re.search(r"(?i)reset|closed|recv|upstream", daemon.stderr)


@pytest.mark.parametrize(
    "query",
    [
        f"key={ADMIN_KEY}",
        f"a=1&key={ADMIN_KEY}&b=2",
        f"%6bey={ADMIN_KEY}",
        f"key%5B%5D={ADMIN_KEY}",
        f"a=1;key={ADMIN_KEY}",
        f"access_token={ADMIN_KEY}",
        f"bearer_token={ADMIN_KEY}",
        f"KEY=x&key={ADMIN_KEY}#frag",
        f"key={ADMIN_KEY}&key={MANAGER_KEY}",
        f"x=%zz&key={ADMIN_KEY}",
        f"user[password]={PASSWORD}",
        f"?key={ADMIN_KEY}",
    ],
)
@pytest.mark.parametrize("path", ["/issues.json", "/some/page", "/issues.atom"])
def test_credentials_are_cut_from_targets(daemon, fake, fresh, query, path):
    mark = fresh("/x").rpartition("=")[2]
    daemon.get(f"{path}?marked=m{mark}&{query}")
    until(
        lambda: f"m{mark}" in daemon.stderr or daemon.get(f"/flush{mark}").status and f"/flush{mark}" in daemon.stderr,
        "the request was logged",
    )
    for secret in (ADMIN_KEY, MANAGER_KEY, PASSWORD):
        assert secret not in daemon.stderr


@pytest.mark.parametrize(
    "fields",
    [
        [("X-Redmine-API-Key", ADMIN_KEY)],
        [("Authorization", f"Bearer {ADMIN_KEY}")],
        [("Cookie", f"Redmine={ADMIN_KEY}")],
    ],
)
def test_debug_level_keeps_secrets_too(launch, fake, fresh, fields):
    daemon = launch({"log.level": "debug"})
    daemon.get(fresh(f"/issues.json?key={MANAGER_KEY}"), fields)
    fake.drop_connections()
    fake.on("/issues.json", script(READ, RESET))
    daemon.get(fresh(f"/issues.json?key={MANAGER_KEY}"), fields)
    daemon.request("POST", "/issues.json", fields, f"key={MANAGER_KEY}".encode())
    daemon.stop()
    for secret in (ADMIN_KEY, MANAGER_KEY):
        assert secret not in daemon.stderr


@pytest.mark.parametrize("target", ["/a%0Ab", "/\xc3\xbc\xff", "/a%1b[31mred", "/" + "x" * 5000, '/"quoted"\\back'])
def test_odd_targets_stay_one_clean_line(daemon, json_daemon, fake, fresh, target):
    fake.on(lambda request: True, reply(200))
    for each in (daemon, json_daemon):
        before = len(each.log)
        each.get(fresh(target))
        until(lambda: len(each.log) > before, "the request was logged")
        new = each.log[before:]
        assert len(new) == 1
        assert all(32 <= ord(letter) < 127 for letter in new[0])
    json.loads(json_daemon.log[-1].partition(">")[2] if json_daemon.log[-1].startswith("<") else json_daemon.log[-1])


def test_json_lines(json_daemon, fake, fresh):
    target = fresh(f"/issues.json?key={ADMIN_KEY}")
    answer = json_daemon.get(target)
    mark = target.rpartition("=")[2]
    found = json.loads(line_of(json_daemon, f"nonce={mark}").lstrip("<0123456789>"))
    assert found["method"] == "GET" and found["status"] == 200
    assert ADMIN_KEY not in json.dumps(found)
    assert answer.content.size in found.values()
    assert any("duration" in name for name in found) and any("cache" in name for name in found)


def test_every_json_line_parses(json_daemon, fake, fresh):
    json_daemon.get(fresh())
    json_daemon.get("/-/ready")
    for line in json_daemon.log:
        assert isinstance(json.loads(line.lstrip("<0123456789>")), dict)


def test_level_warn_logs_no_requests(launch, fake, fresh):
    daemon = launch({"log.level": "warn"})
    daemon.get(fresh("/quiet"))
    daemon.stop()
    assert "/quiet" not in daemon.stderr


def test_client_that_leaves_is_logged(daemon, fake, fresh):
    target = fresh("/left")
    with fake.hold("/left") as gate, daemon.connect() as connection:
        connection.ask("GET", target)
        gate.arrived()
        connection.reset()
    assert line_of(daemon, target)


def test_stderr_that_nobody_reads(launch, fake, fresh):
    """Requests are served all the same; lines are dropped, and counted."""
    reader, writer = socket.socketpair()
    daemon = launch({"log.level": "debug"}, begin=False)
    writer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    daemon.clock_file.write_text("0")
    daemon.process = subprocess.Popen(
        [BINARY, "--config", str(daemon.config)], stdin=subprocess.DEVNULL, stdout=writer, stderr=writer, env=daemon.env
    )
    daemon.stderr_file.write_bytes(b"")
    writer.close()
    until(daemon.answers_ready, "ready")
    target = fresh("/issues/1.json?long=" + "x" * 3000)
    with daemon.connect() as connection:

        def dropped():
            assert all(connection.get(target).status == 200 for _ in range(50))
            return daemon.status["log_dropped"] > 0

        until(dropped, "lines are dropped", 4 * LIMIT, pause=0)
    reader.close()
    assert daemon.get(target).hit
    assert daemon.get(fresh()).status == 200
