"""The cache is only a cache: whatever happens to its file, the daemon serves on, says so, and recovers by itself."""

import contextlib
import json
import os
import resource
import shutil
import signal
import sqlite3
import tempfile
import threading
import time
from pathlib import Path

import pytest

import wire
from daemon import until
from redmine_model import ADMIN_KEY

JSON = ("Content-Type", "application/json")


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
    daemon.cache_file.parent.mkdir(exist_ok=True)


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
        assert time.monotonic() - started < wire.LIMIT, "clients wait for a file that another holds"
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
    daemon.logged("cache file: .*; going on from memory")  # for a moment: an empty file has room again
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
