"""Redmine misbehaves, the disk misbehaves: clients get the truth, and the daemon goes on."""

import contextlib
import gzip
import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import tempfile
import threading
import time
from pathlib import Path

import pytest

import wire
from daemon import until
from fake_redmine import CLOSE, READ, RESET, head, in_turn, json_reply, reply, script
from redmine_model import ADMIN_KEY

JSON = ("Content-Type", "application/json")
BIG = b"[" + b"1," * 100_000 + b"1]"

# Ways to fail before anything of the answer can be passed on.
NO_ANSWER = {
    "reset before reading": [RESET],
    "reset after the request": [READ, RESET],
    "close after the request": [READ, CLOSE],
    "reset in the status line": [READ, b"HTTP/1.1 20", RESET],
    "close in the head": [READ, b"HTTP/1.1 200 OK\r\nContent-Type: app", CLOSE],
    "reset in the head": [READ, b"HTTP/1.1 200 OK\r\nContent-Type: app", RESET],
    "only interim": [READ, head(103, (), "Early"), CLOSE],
    "not http": [READ, b"SSH-2.0-OpenSSH_9.2\r\n", CLOSE],
    "http/0.9": [READ, b"<html>hello</html>", CLOSE],
    "no status": [READ, b"HTTP/1.1 OK\r\n\r\n", CLOSE],
    "status of four digits": [READ, b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", CLOSE],
    "negative length": [READ, b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", CLOSE],
    "length no number": [READ, b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello", CLOSE],
    "two lengths": [READ, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 3\r\n\r\nhello", CLOSE],
}

# Ways to fail with the answer begun.
CUT = {
    "short of its length": [READ, head(200, [JSON, ("Content-Length", len(BIG) + 1)]), BIG, CLOSE],
    "reset in the body": [READ, head(200, [JSON, ("Content-Length", len(BIG))]), BIG[:1000], RESET],
    "no body at all": [READ, head(200, [JSON, ("Content-Length", len(BIG))]), CLOSE],
    "chunks without end": [READ, head(200, [JSON, ("Transfer-Encoding", "chunked")]), wire.chunk(BIG), CLOSE],
    "in a chunk": [READ, head(200, [JSON, ("Transfer-Encoding", "chunked")]), b"ffff\r\nabc", CLOSE],
    "in the last chunk's end": [
        READ,
        head(200, [JSON, ("Transfer-Encoding", "chunked")]),
        wire.chunk(BIG) + b"0\r\n",
        CLOSE,
    ],
    "bad chunk size": [READ, head(200, [JSON, ("Transfer-Encoding", "chunked")]), wire.chunk(BIG) + b"xyz\r\n", CLOSE],
}


@pytest.mark.parametrize("name", NO_ANSWER)
def test_no_answer_is_502(daemon, fake, fresh, name):
    fake.drop_connections()
    fake.on("/issues.json", script(*NO_ANSWER[name]))
    target = fresh()
    answer = daemon.get(target)
    assert answer.status == 502 and answer.whole and answer.body
    assert not answer.cache.get("stored")
    assert len(fake.seen()) <= 2
    fake.on("/issues.json", json_reply(b"{}"))
    again = daemon.get(target)
    assert (again.status, again.hit, again.text) == (200, False, "{}")


@pytest.mark.parametrize("name", CUT)
@pytest.mark.parametrize("limit", ["kept", "streamed"])
def test_cut_answer_is_never_whole_and_never_kept(launch, daemon, fake, fresh, name, limit):
    under_test = daemon if limit == "kept" else launch({"cache.object_limit": "4K"})
    fake.on("/issues.json", script(*CUT[name]))
    target = fresh()
    try:
        answer = under_test.get(target)
        assert answer.status == 502 or answer.broken, answer
        assert not answer.cache.get("stored")
    except wire.Broken:
        pass
    fake.on("/issues.json", json_reply(b"{}"))
    again = under_test.get(target)
    assert (again.status, again.hit, again.text) == (200, False, "{}")


@pytest.mark.parametrize("limit", ["8M", "4K"])
@pytest.mark.parametrize(
    "data",
    [b"not gzip!", gzip.compress(BIG)[:-9], gzip.compress(os.urandom(20_000))[:15_000]],
    ids=["none", "no end", "half"],
)
def test_broken_compression_is_neither_whole_nor_kept(launch, fake, fresh, limit, data):
    daemon = launch({"upstream.compression": "yes", "cache.object_limit": limit})
    fake.on("/issues.json", reply(200, data, [JSON, ("Content-Encoding", "gzip")]))
    target = fresh()
    try:
        answer = daemon.get(target)
        assert answer.status == 502 or answer.broken, answer
    except wire.Broken:
        pass
    fake.on("/issues.json", json_reply(b"{}"))
    again = daemon.get(target)
    assert (again.status, again.hit, again.text) == (200, False, "{}")


def test_cut_answer_of_unknown_length_to_an_old_client(daemon, fake, fresh):
    """HTTP/1.0 has only the close to tell the end by: a cut answer must end in an error, not in order."""
    fake.on("/issues.json", script(*CUT["chunks without end"]))
    with daemon.connect() as connection:
        connection.ask("GET", fresh(), version="HTTP/1.0")
        data, in_order = connection.stream.rest()
    assert (
        data.startswith(b"HTTP/1.1 502 ")
        or data.startswith(b"HTTP/1.0 502 ")
        or not in_order
        or not data.endswith(b"1]")
    )


def test_bytes_after_an_answer_poison_nothing(daemon, fake, fresh):
    smuggled = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 6\r\n\r\npoison"
    fake.on("/issues.json", script(READ, head(200, [JSON, ("Content-Length", 2)]), b"{}" + smuggled), times=1)
    first = daemon.get(fresh())
    assert first.status in (200, 502) and (first.body == b"{}" or first.status == 502)
    for _ in range(5):
        assert b"poison" not in daemon.get(fresh("/issues/1.json")).body
        assert b"poison" not in daemon.request("PUT", "/some/thing", body=b"x").body


def test_body_on_answers_that_have_none_poisons_nothing(daemon, fake, fresh):
    fake.on("/some/thing", script(READ, head(204), b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"), times=1)
    assert daemon.request("PUT", "/some/thing", body=b"x").status in (204, 502)
    for _ in range(5):
        assert b"poison" not in daemon.get(fresh("/issues/1.json")).body


def test_unasked_bytes_on_an_idle_connection(daemon, fake, fresh):
    """A 408 that puma sends when it closes an idle connection answers no later request."""
    sockets = []
    fake.on("/trackers.json", lambda exchange: (exchange.answer(200, b"{}"), sockets.append(exchange)))
    daemon.get(fresh("/trackers.json"))
    sockets[0].send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 6\r\n\r\npoison")
    for _ in range(3):
        answer = daemon.get(fresh("/issues/1.json"))
        assert answer.status == 200 and b"poison" not in answer.body


@pytest.mark.parametrize(
    "line", ["X-Odd: a\0b", "X-Odd: a\rb", "X-Odd: a\r\n folded", "no colon here", "X Odd: a", ": a", "X-Odd : a"]
)
def test_odd_fields_of_an_answer_do_no_harm(daemon, fake, fresh, line):
    head_ = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + line.encode() + b"\r\nContent-Length: 2\r\n\r\n{}"
    )
    fake.on("/issues.json", script(READ, head_))
    target = fresh()
    with daemon.connect() as connection:
        for _ in range(2):
            answer = connection.get(target)
            assert answer.status in (200, 502)
            assert answer.status == 502 or answer.text == "{}"
            assert not set(answer.raw.replace(b"\r\n", b"")) & set(b"\0\r\n"), answer.raw
        assert connection.get("/trackers.json").status == 200


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_errors_of_redmine_are_its_own(daemon, fake, fresh, status):
    page = b'{"status":%d,"error":"Internal Server Error"}' % status
    fake.on("/issues.json", reply(status, page, [JSON, ("Retry-After", "7")]))
    answer = daemon.get(fresh())
    assert (answer.status, answer.body, answer.get("Retry-After")) == (status, page, "7")


def test_redmine_that_is_down_and_comes_back(daemon, fake, fresh):
    kept = fresh("/issues/1.json")
    daemon.get(kept)
    fake.stop()
    try:
        for _ in range(3):
            answer = daemon.get(fresh())
            assert answer.status == 502 and answer.body
        assert daemon.get(kept).hit
    finally:
        fake.start()
    assert daemon.get(fresh()).status == 200


def test_restart_of_redmine_between_two_reads(daemon, fake, fresh):
    for _ in range(5):
        assert daemon.get(fresh()).status == 200
        fake.drop_connections()
    for _ in range(5):
        assert daemon.get(fresh()).status == 200
        fake.stop()
        fake.start()


def test_broken_interim_answers_in_plenty(daemon, fake, fresh):
    fake.on(
        "/issues.json",
        script(READ, *[head(103, {"Link": "x" * 500}, "Early")] * 2000, head(200, {"Content-Length": 0})),
    )
    assert daemon.get(fresh()).status in (200, 502)
    assert daemon.get("/trackers.json").status == 200


# The cache's file.


def degraded(daemon):
    status, page = daemon.ready
    assert status == 200
    return "degraded" in json.dumps(page)


def serves(daemon, fake, fresh):
    """It serves, caches in memory, and writes."""
    target = fresh()
    assert daemon.get(target).status == 200
    assert daemon.get(target).hit
    fields = [("X-Redmine-API-Key", ADMIN_KEY), JSON]
    assert daemon.request("PUT", "/issues/3.json", fields, b'{"issue":{"subject":"w"}}').status == 204
    assert not daemon.get(target).hit
    return target


def stored_again(daemon, fake, fresh):
    """Once recovered, what is read now survives a restart."""
    until(lambda: not degraded(daemon), "the daemon has recovered by itself", 60 * wire.PATIENCE)
    target = fresh("/issues/1.json")
    daemon.get(target)
    daemon.restart()
    assert daemon.get(target).hit
    assert not degraded(daemon)


def integrity(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        return database.execute("PRAGMA integrity_check").fetchone()[0]


def nobody():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


@pytest.fixture
def unprivileged(launch):
    """Starts daemons without root's rights, in a directory that such a one can reach."""
    places = []

    def start(options=None, prepare=None, **how):
        place = Path(tempfile.mkdtemp(prefix="redmine-cached-scenario-"))
        places.append(place)
        place.chmod(0o755)
        cache = place / "cache"
        cache.mkdir()
        daemon = launch(
            {"cache.path": cache / "cache.db", **(options or {})},
            begin=False,
            preexec=nobody if os.getuid() == 0 else None,
            **how,
        )
        daemon.cache_file = cache / "cache.db"
        for path in (daemon.directory, *daemon.directory.parents[:4]):
            if path.stat().st_uid == os.getuid() and path != Path("/tmp"):
                path.chmod(path.stat().st_mode | 0o055)
        if os.getuid() == 0:
            for path in (daemon.directory, cache):
                os.chown(path, 65534, 65534)
        if prepare:
            prepare(cache)
        return daemon.start()

    yield start
    for place in places:
        for path in (place, *place.rglob("*")):
            with contextlib.suppress(OSError):
                path.chmod(0o755)
        shutil.rmtree(place, ignore_errors=True)


def test_healthy_is_not_degraded(daemon, fake):
    assert not degraded(daemon)


def test_directory_that_is_missing(unprivileged, fake, fresh):
    """Made if it can be; and if it goes while the daemon runs, the daemon says so and goes on."""
    daemon = unprivileged(prepare=lambda cache: cache.rmdir())
    serves(daemon, fake, fresh)
    assert degraded(daemon)
    daemon.logged(r"cache")
    daemon.cache_file.parent.mkdir()
    if os.getuid() == 0:
        os.chown(daemon.cache_file.parent, 65534, 65534)
    stored_again(daemon, fake, fresh)


def test_directory_that_goes_away(launch, fake, fresh):
    daemon = launch()
    serves(daemon, fake, fresh)
    shutil.rmtree(daemon.cache_file.parent)
    for _ in range(20):
        serves(daemon, fake, fresh)
    daemon.cache_file.parent.mkdir()


@pytest.mark.parametrize(
    "content",
    [b"", b"not a database, but long enough to be one " * 400, b"SQLite format 3\0" + b"\xff" * 8192],
    ids=["empty", "text", "torn header"],
)
def test_corrupt_file(launch, fake, fresh, content):
    daemon = launch(begin=False)
    daemon.cache_file.write_bytes(content)
    daemon.start()
    serves(daemon, fake, fresh)
    stored_again(daemon, fake, fresh)
    daemon.stop()
    assert integrity(daemon.cache_file) == "ok"


@pytest.mark.parametrize("where", [0.1, 0.5, 0.9])
def test_file_damaged_in_the_middle(launch, fake, fresh, where):
    daemon = launch()
    targets = [fresh(f"/issues/{number}.json") for number in range(1, 100) if number % 10]
    bodies = {target: daemon.get(target).body for target in targets}
    daemon.stop()
    size = daemon.cache_file.stat().st_size
    with open(daemon.cache_file, "r+b") as file:
        file.seek(int(size * where) // 4096 * 4096)
        file.write(os.urandom(16384))
    daemon.start()
    for target in targets:
        answer = daemon.get(target)
        assert (answer.status, answer.body) == (200, bodies[target])
    serves(daemon, fake, fresh)
    stored_again(daemon, fake, fresh)


def test_file_damaged_while_it_is_used(launch, fake, fresh):
    daemon = launch({"cache.memory": "1M"})
    targets = [fresh(f"/issues.json?limit=100&offset={number}") for number in range(60)]
    bodies = {target: daemon.get(target).body for target in targets}
    for path in daemon.cache_file.parent.glob(daemon.cache_file.name + "*"):
        if path.suffix not in (".db", ".db-wal", ".db-shm"):
            continue
        with open(path, "r+b") as file:
            for at in range(0, path.stat().st_size, 8192):
                file.seek(at)
                file.write(os.urandom(512))
    for target in targets:
        answer = daemon.get(target)
        assert (answer.status, answer.body) == (200, bodies[target])
    serves(daemon, fake, fresh)
    stored_again(daemon, fake, fresh)


@pytest.mark.parametrize("when", ["start", "running"])
def test_file_locked_by_another(launch, fake, fresh, when):
    daemon = launch(begin=False)
    if when == "running":
        daemon.start()
        serves(daemon, fake, fresh)
    with contextlib.closing(sqlite3.connect(daemon.cache_file, isolation_level=None, timeout=wire.LIMIT)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("PRAGMA locking_mode=EXCLUSIVE" if when == "start" else "PRAGMA busy_timeout=15000")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("CREATE TABLE IF NOT EXISTS somebody_elses (x)")
        if when == "start":
            daemon.start()
        started = time.monotonic()
        for _ in range(20):
            serves(daemon, fake, fresh)
        assert time.monotonic() - started < 8 * wire.PATIENCE, "clients wait for a file that another holds"
        if when == "start":
            until(lambda: degraded(daemon), "the daemon says that its file is locked")
        other.execute("DROP TABLE somebody_elses")
        other.execute("COMMIT")
    stored_again(daemon, fake, fresh)


@pytest.mark.parametrize("what", ["file without rights", "directory read-only", "file read-only"])
def test_file_without_permission(unprivileged, fake, fresh, what):
    def prepare(cache):
        file = cache / "cache.db"
        if what == "directory read-only":
            cache.chmod(0o555)
            return
        file.write_bytes(b"")
        if os.getuid() == 0:
            os.chown(file, 65534, 65534)
        file.chmod(0 if what == "file without rights" else 0o444)

    daemon = unprivileged(prepare=prepare)
    serves(daemon, fake, fresh)
    assert degraded(daemon)
    for path in (daemon.cache_file.parent, *daemon.cache_file.parent.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o600)
    stored_again(daemon, fake, fresh)


def test_rights_lost_while_running(unprivileged, fake, fresh):
    daemon = unprivileged()
    serves(daemon, fake, fresh)
    daemon.cache_file.chmod(0)
    daemon.cache_file.parent.chmod(0)
    for _ in range(5):
        serves(daemon, fake, fresh)
    daemon.cache_file.parent.chmod(0o755)
    daemon.cache_file.chmod(0o600)
    stored_again(daemon, fake, fresh)


def test_no_space_left(launch, fake, fresh):
    """A limit on file sizes stands for a full disk: writes fail in the midst, then succeed again."""
    daemon = launch()
    serves(daemon, fake, fresh)
    size = 256 << 10
    _, hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (size, hard))
    fake.on(
        "/projects.json", lambda exchange: exchange.answer(200, b"x" * 60_000 + exchange.request.query.encode(), [JSON])
    )
    for _ in range(30):
        target = fresh("/projects.json")
        body = b"x" * 60_000 + target.partition("?")[2].encode()
        assert daemon.get(target).body == body
        assert daemon.get(target).hit
    until(lambda: degraded(daemon), "the daemon says that its file cannot grow")
    serves(daemon, fake, fresh)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    stored_again(daemon, fake, fresh)
    daemon.stop()
    assert integrity(daemon.cache_file) == "ok"


def test_no_space_from_the_start(launch, fake, fresh):
    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))

    daemon = launch(begin=False, preexec=limited)
    daemon.start()
    serves(daemon, fake, fresh)
    assert degraded(daemon)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    daemon.preexec = None
    stored_again(daemon, fake, fresh)


def test_file_of_a_later_version(launch, fake, fresh):
    daemon = launch()
    daemon.get(fresh())
    daemon.stop()
    with contextlib.closing(sqlite3.connect(daemon.cache_file)) as database:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        assert version > 0
        database.execute(f"PRAGMA user_version = {version + 1000}")
        database.commit()
    daemon.start()
    serves(daemon, fake, fresh)
    stored_again(daemon, fake, fresh)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 1000])
def test_secret_of_the_store_damaged(launch, fake, fresh, content):
    """What was stored under it is lost; what is stored from now on is not."""
    daemon = launch()
    daemon.get(fresh())
    daemon.stop()
    others = [path for path in daemon.cache_file.parent.iterdir() if "secret" in path.name]
    assert len(others) == 1
    others[0].write_bytes(content)
    daemon.start()
    serves(daemon, fake, fresh)
    stored_again(daemon, fake, fresh)


@pytest.mark.parametrize("round_", range(4))
def test_kill_in_the_midst_of_stores(launch, fake, fresh, round_):
    daemon = launch({"cache.memory": "4M"})
    fake.on(
        "/projects.json",
        lambda exchange: exchange.answer(200, b"x" * (5000 + 997 * round_) + exchange.request.query.encode(), [JSON]),
    )
    early = [fresh("/projects.json") for _ in range(10)]
    for target in early:
        daemon.get(target)
    until(lambda: daemon.status["cache"]["store_queue"] == 0, "what was read first is stored")
    stop = threading.Event()

    def read_on():
        with contextlib.suppress(OSError, wire.Broken):
            with daemon.connect() as connection:
                while not stop.is_set():
                    connection.get(fresh("/projects.json"))

    threads = [threading.Thread(target=read_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    fake.wait_seen("/projects.json", 60 + 50 * round_)
    daemon.kill()
    stop.set()
    for thread in threads:
        thread.join()
    copy = daemon.directory / "copy"
    shutil.copytree(daemon.cache_file.parent, copy)
    assert integrity(copy / daemon.cache_file.name) == "ok"
    daemon.start()
    fake.wait_idle()
    asked = len(fake.requests)
    for target in early:
        answer = daemon.get(target)
        assert answer.hit and answer.body.endswith(target.partition("?")[2].encode())
    assert len(fake.requests) == asked


def test_two_daemons_on_one_file(launch, fake, fresh):
    """A second daemon by mistake: neither serves wrongly, neither dies."""
    one = launch()
    two = launch({"cache.path": one.cache_file})
    for daemon in (one, two, one, two):
        serves(daemon, fake, fresh)


def test_notice_to_nobody(launch, fake, fresh):
    """Nobody reads its stderr: requests are served all the same."""
    reader, writer = socket.socketpair()
    daemon = launch({"log.level": "debug"}, begin=False)
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    import subprocess

    from daemon import BINARY

    daemon.clock_file.write_text("0")
    daemon.process = subprocess.Popen(
        [BINARY, "--config", str(daemon.config)], stdin=subprocess.DEVNULL, stdout=writer, stderr=writer, env=daemon.env
    )
    daemon.stderr_file.write_bytes(b"")
    writer.close()
    until(daemon.answers_ready, "ready")
    target = fresh("/issues/1.json")
    with daemon.connect() as connection:
        for _ in range(3000):
            assert connection.get(target).status == 200
    reader.close()
    serves(daemon, fake, fresh)


def test_reads_alternate_with_failures(daemon, fake, fresh):
    fake.on("/issues.json", in_turn(*[script(READ, RESET), json_reply(b"{}")] * 10))
    for _ in range(10):
        target = fresh()
        statuses = [daemon.get(target).status for _ in range(3)]
        assert set(statuses) <= {200, 502} and statuses[-1] == 200
