"""Start, readiness, drain and end; what systemd is told."""

import json
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

import wire
from behaviours import head, huge_reply, json_reply, READ, script
from daemon import BINARY, run, until
from redmine_model import ADMIN_KEY
from wire import PATIENCE

ADMIN = [("X-Redmine-API-Key", ADMIN_KEY)]


class Manager:
    """systemd's side of NOTIFY_SOCKET."""

    def __init__(self, path):
        self.path = str(path)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.path)
        self.sock.settimeout(0.05)
        self.lines = []

    def expect(self, line):
        def look():
            try:
                self.lines += self.sock.recv(4096).decode().splitlines()
            except TimeoutError:
                pass
            return line in self.lines

        until(look, f"systemd is told {line!r}")

    def close(self):
        self.sock.close()


@pytest.fixture
def manager(tmp_path):
    manager = Manager(tmp_path / "notify")
    yield manager
    manager.close()


def ends(daemon, code=0, limit=10 * PATIENCE):
    assert daemon.ended(limit) == code, daemon.stderr[-3000:]


def listening(daemon):
    try:
        daemon.connect().close()
        return True
    except OSError:
        return False


# Pages.


def test_healthy_and_ready(daemon, fake):
    for _ in range(2):
        assert daemon.get("/-/healthy").status == 200
        status, page = daemon.ready
        assert status == 200 and isinstance(page, dict)
    assert not fake.requests, "its own pages ask Redmine nothing"


@pytest.mark.parametrize("target", ["/-/nothing", "/-/", "/-/ready/x"])
def test_own_paths_never_reach_redmine(daemon, fake, target):
    assert daemon.get(target).status == 404
    assert daemon.request("POST", target, body=b"x").status in (404, 405)
    assert not fake.requests


def test_own_pages_take_only_their_methods(daemon, fake):
    assert daemon.request("HEAD", "/-/ready").status == 200
    for method in ("POST", "DELETE", "PUT"):
        answer = daemon.request(method, "/-/ready", body=b"x")
        assert answer.status == 405 and "GET" in answer.get("Allow")
    assert not fake.requests


def test_own_pages_are_not_cached(daemon):
    assert "no-store" in daemon.get("/-/ready").get("Cache-Control", "")
    assert "no-store" in daemon.get("/-/status.json").get("Cache-Control", "")


def test_ready_while_redmine_is_down(launch, fake):
    """The daemon is ready when it can answer; that Redmine cannot is no reason to restart it."""
    fake.stop()
    try:
        daemon = launch()
        assert daemon.ready[0] == 200
    finally:
        fake.start()


# The end.


def test_sigterm_ends_at_once_when_idle(launch, fake, fresh):
    daemon = launch()
    kept = [daemon.connect() for _ in range(20)]
    for connection in kept[:10]:
        connection.get(fresh())
    started = time.monotonic()
    daemon.signal(signal.SIGTERM)
    ends(daemon)
    assert time.monotonic() - started < 9 * PATIENCE, "idle connections must not delay the end"
    for connection in kept:
        connection.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_answers_under_way_are_completed(launch, fake, fresh, number):
    daemon = launch()
    with fake.hold("/issues.json") as gate:
        target = fresh()
        connections = [daemon.connect().ask("GET", target) for _ in range(10)]
        gate.arrived()
        daemon.catch_up()
        daemon.signal(number)
        until(lambda: not listening(daemon), "no new connections are taken")
        assert daemon.process.poll() is None
    for connection in connections:
        answer = connection.answer()
        assert answer.status == 200 and answer.whole
        connection.close()
    ends(daemon)


def test_write_under_way_is_completed(launch, fake):
    daemon = launch()
    with fake.hold("/issues/1.json", "PUT") as gate, daemon.connect() as connection:
        connection.ask(
            "PUT", "/issues/1.json", ADMIN + [("Content-Type", "application/json")], b'{"issue":{"subject":"x"}}'
        )
        gate.arrived()
        daemon.signal(signal.SIGTERM)
        until(lambda: not listening(daemon), "no new connections are taken")
        gate.open()
        assert connection.answer().status == 204
    ends(daemon)


def test_download_under_way_is_completed(launch, fake, fresh):
    daemon = launch()
    fake.on("/some/file", huge_reply(50_000_000))
    with daemon.connect(receive_buffer=65536) as connection:
        answer = connection.ask("GET", fresh("/some/file")).head()
        daemon.signal(signal.SIGTERM)
        until(lambda: not listening(daemon), "no new connections are taken")
        assert sum(map(len, connection.parts(answer))) == 50_000_000
    ends(daemon)


def test_upload_under_way_is_completed(launch, fake):
    daemon = launch()
    fake.on("/uploads.json", json_reply(b"{}", 201))
    with daemon.connect() as connection:
        connection.ask("POST", "/uploads.json", ADMIN + [("Content-Length", "2000000")]).send(bytes(1_000_000))
        fake.wait_seen("/uploads.json")
        daemon.signal(signal.SIGTERM)
        until(lambda: not listening(daemon), "no new connections are taken")
        connection.send(bytes(1_000_000))
        assert connection.answer().status == 201
    ends(daemon)
    assert fake.last().body.size == 2_000_000


def test_drain_has_a_time_limit(launch, fake, fresh):
    daemon = launch({"listen.drain_timeout": "1s"})
    with fake.hold("/issues.json") as gate, daemon.connect() as connection:
        connection.ask("GET", fresh())
        gate.arrived()
        started = time.monotonic()
        daemon.signal(signal.SIGTERM)
        assert daemon.ended() == 0
        assert time.monotonic() - started < 9 * PATIENCE
        try:
            answer = connection.answer()
            assert answer.status in (502, 503, 504)
        except wire.Broken:
            pass


def test_client_that_reads_nothing_does_not_stop_the_end(launch, fake, fresh):
    daemon = launch({"listen.drain_timeout": "1s"})
    fake.on("/some/file", huge_reply(300_000_000))
    with daemon.connect(receive_buffer=65536) as connection:
        connection.ask("GET", fresh("/some/file")).head()
        daemon.signal(signal.SIGTERM)
        ends(daemon)


def test_new_connections_during_the_drain_are_not_left_hanging(launch, fake, fresh):
    daemon = launch()
    with fake.hold("/issues.json") as gate, daemon.connect() as connection:
        connection.ask("GET", fresh())
        gate.arrived()
        daemon.signal(signal.SIGTERM)
        until(lambda: not listening(daemon), "connections are refused")
        gate.open()
        assert connection.answer().status == 200
        assert connection.closed()
    ends(daemon)


def test_stored_before_the_end(launch, fake, fresh):
    """What was read in the last moment is in the file after an orderly end."""
    daemon = launch()
    targets = [fresh(f"/issues/{number}.json") for number in range(1, 60) if number % 10]
    with daemon.connect() as connection:
        for target in targets:
            connection.get(target)
    daemon.restart()
    assert all(daemon.get(target).hit for target in targets)


def test_end_under_load_loses_no_answer(launch, fake, fresh):
    """Whoever's request was taken gets a whole answer; the others are refused or closed before one."""
    daemon = launch()
    wrong, done = [], []

    def ask():
        while True:
            try:
                connection = daemon.connect()
            except OSError:
                return
            with connection:
                try:
                    for _ in range(50):
                        target = fresh()
                        connection.ask("GET", target)
                        try:
                            answer = connection.answer()
                        except wire.Broken as error:
                            if connection.stream.buffer:
                                wrong.append(f"half a head: {error}")
                            return
                        if answer.status != 200 or answer.broken:
                            wrong.append(answer)
                            return
                        done.append(target)
                except OSError:
                    return

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: len(done) > 100, "requests flow")
    daemon.signal(signal.SIGTERM)
    ends(daemon)
    for thread in threads:
        thread.join(wire.LIMIT)
    assert not wrong
    fake.wait_idle()
    served = {request.target for request in fake.requests if request.finished.is_set() and request.sent}
    assert set(done) <= served


def test_connections_of_a_dying_daemon_close(launch, fake, fresh):
    daemon = launch()
    connection = daemon.connect()
    connection.get(fresh())
    daemon.signal(signal.SIGTERM)
    assert connection.closed()
    ends(daemon)


@pytest.mark.parametrize("number", [signal.SIGPIPE, signal.SIGUSR2])
def test_signals_that_must_not_end_it(launch, fake, fresh, number):
    daemon = launch()
    for _ in range(10):
        daemon.signal(number)
        assert daemon.get(fresh()).status == 200
    assert daemon.process.poll() is None


def test_it_can_be_started_again_at_once(launch, fake, fresh):
    daemon = launch()
    kept = daemon.connect()
    kept.get(fresh())
    daemon.restart()
    assert daemon.get(fresh()).status == 200
    daemon.kill()
    daemon.start()
    assert daemon.get(fresh()).status == 200
    kept.close()


# systemd.


def test_systemd_is_told(launch, manager, fake, fresh):
    daemon = launch(env={"NOTIFY_SOCKET": manager.path})
    manager.expect("READY=1")
    manager.lines.clear()
    daemon.signal(signal.SIGHUP)
    manager.expect("RELOADING=1")
    manager.expect("READY=1")
    daemon.signal(signal.SIGTERM)
    manager.expect("STOPPING=1")
    ends(daemon)


def test_reloading_carries_a_time(launch, manager, fake):
    """sd_notify(3): Type=notify-reload wants MONOTONIC_USEC beside RELOADING."""
    daemon = launch(env={"NOTIFY_SOCKET": manager.path})
    manager.expect("READY=1")
    daemon.signal(signal.SIGHUP)
    manager.expect("RELOADING=1")
    manager.expect("READY=1")
    assert any(line.startswith("MONOTONIC_USEC=") and line.partition("=")[2].isdigit() for line in manager.lines)


def test_ready_is_said_when_it_listens(launch, manager, fake, fresh):
    daemon = launch(env={"NOTIFY_SOCKET": manager.path}, begin=False)
    result = []

    def watch():
        manager.expect("READY=1")
        result.append(daemon.get("/-/ready").status)

    thread = threading.Thread(target=watch)
    thread.start()
    daemon.start()
    thread.join(wire.LIMIT)
    assert result == [200]


def test_start_that_fails_says_nothing_of_ready(manager, fake):
    code, _, err = run("-o", "upstream.url=nonsense", env={"NOTIFY_SOCKET": manager.path})
    assert code > 0 and err
    manager.sock.settimeout(0.1)
    with pytest.raises(TimeoutError):
        assert b"READY" not in manager.sock.recv(4096)


def test_memory_does_not_grow_with_requests(launch, fake, fresh):
    daemon = launch({"cache.memory": "1M"})
    fake.on("/issues.json", json_reply(b"x" * 10_000))
    with daemon.connect() as connection:
        for _ in range(2000):  # until what is waiting to be written, and SQLite's pages, are as many as they become
            connection.get(fresh())
        before = daemon.resident()
        for _ in range(2000):
            connection.get(fresh())
        grown = daemon.resident() - before
    # A sanitizer keeps freed memory and notes on all of it: there only what grows without an end shows.
    code = Path(BINARY).read_bytes()
    instrumented = b"__asan_init" in code or b"__tsan_init" in code
    assert grown < (256 << 20 if instrumented else 16 << 20), f"grew by {grown} bytes"


def test_status_page_is_json(daemon, fake, fresh):
    daemon.get(fresh())
    assert isinstance(json.loads(daemon.get("/-/status.json").text), dict)
    assert "key=" not in daemon.get("/-/status.json").text


def test_upstream_head_then_sigterm(launch, fake, fresh):
    gate = fake.gate()
    daemon = launch()
    fake.on("/some/file", script(READ, head(200, {"Content-Length": 20}), b"0123456789", gate, b"0123456789"))
    with daemon.connect() as connection:
        connection.ask("GET", fresh("/some/file"))
        gate.arrived()
        daemon.signal(signal.SIGTERM)
        until(lambda: not listening(daemon), "connections are refused")
        gate.open()
        answer = connection.answer()
        assert answer.whole and answer.body == b"0123456789" * 2
    ends(daemon)
