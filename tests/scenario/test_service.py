"""What a service manager gives and is told: sockets held over a restart, the state in a line, the watchdog."""

import ctypes
import os
import queue
import re
import socket
import subprocess
import threading
from pathlib import Path

import pytest

import wire
from behaviours import RESET
from client import Connection
from daemon import BINARY, Daemon, StartFailed, until
from redmine_model import ADMIN_KEY

ADMIN = [("X-Redmine-API-Key", ADMIN_KEY)]
TICK = 0.05


class Manager:
    """systemd's side: it holds sockets, gives them to each start, and hears what is said to NOTIFY_SOCKET."""

    def __init__(self, folder):
        self.tcp = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(str(folder / "held.sock"))
        self.unix.listen(1000)
        self.port = self.tcp.getsockname()[1]
        self.path = str(folder / "held.sock")
        self.ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ear.bind(str(folder / "notify"))
        self.heard = queue.Queue()
        self.listener = threading.Thread(target=self.listen)
        self.listener.start()
        self.env = {"NOTIFY_SOCKET": str(folder / "notify")}

    def listen(self):
        """Read at once whatever is said: who tells a manager that does not listen waits."""
        while message := self.ear.recv(4096):
            self.heard.put(message.decode())

    def hear(self):
        """The next message, or "" when there is none for a moment."""
        try:
            return self.heard.get(timeout=TICK)
        except queue.Empty:
            return ""

    def expect(self, pattern):
        """Wait for a message that matches."""
        return until(lambda: re.search(pattern, self.hear(), re.MULTILINE), f"systemd is told {pattern!r}")

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.env["NOTIFY_SOCKET"])
        self.listener.join()
        for sock in (self.tcp, self.unix, self.ear):
            sock.close()


class Activated(Daemon):
    """A daemon that is given sockets; its configured address must stay unused."""

    def start(self, sockets, names=None):
        numbers = [sock.fileno() for sock in sockets]
        moves = " ".join(f"{3 + i}<&{number}" for i, number in enumerate(numbers))
        shell = f'exec {moves}; LISTEN_PID=$$ LISTEN_FDS={len(numbers)} LISTEN_FDNAMES={names or ":".join(["http"] * len(sockets))} exec "$@"'
        self.clock_file.write_text(str(self.offset))
        with open(self.stderr_file, "ab") as stderr:
            self.process = subprocess.Popen(
                ["/bin/bash", "-c", shell, "sh", BINARY, "--config", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                env=self.env,
                pass_fds=numbers,
            )
        until(self.answers_ready, "the daemon answers /-/ready with 200")
        return self


@pytest.fixture
def manager(tmp_path):
    manager = Manager(tmp_path)
    yield manager
    manager.close()


@pytest.fixture
def activated(engine, fake, tmp_path, manager):
    """A daemon that listens on the manager's two sockets."""
    daemon = Activated(fake.base, engine, tmp_path / "daemon", {"listen.threads": "2"}, env=manager.env)
    daemon.address = ("127.0.0.1", manager.port)
    daemon.start([manager.tcp, manager.unix])
    yield daemon
    daemon.stop()


# Sockets.


def test_given_sockets_take_the_place_of_addresses(activated, manager):
    assert activated.get("/issues.json", ADMIN).status == 200
    with Connection(manager.path) as connection:
        assert connection.get("/issues.json", ADMIN).hit
    with pytest.raises(OSError):
        Connection(("127.0.0.1", activated.port))
    assert activated.logged(rf"listening on 127\.0\.0\.1:{manager.port}, unix:{manager.path} \(the service manager's\)")


def test_held_sockets_outlive_the_daemon(activated, manager):
    activated.stop()
    assert os.path.exists(manager.path)
    waiting = [Connection(activated.address), Connection(manager.path)]
    for connection in waiting:
        connection.ask("GET", "/issues.json", ADMIN)
    activated.start([manager.tcp, manager.unix])
    for connection in waiting:
        assert connection.answer().status == 200
        connection.close()


class Load(threading.Thread):
    """A client that asks without a pause; on a kept connection as long as the daemon keeps it."""

    def __init__(self, address, kept, ended):
        super().__init__()
        self.address, self.kept, self.ended = address, kept, ended
        self.answered, self.problems = 0, []

    def visit(self):
        with Connection(self.address) as connection:
            while not self.ended.is_set():
                answer = connection.get("/issues.json", ADMIN if self.kept else ADMIN + [("Connection", "close")])
                assert answer.status == 200 and answer.whole, answer
                self.answered += 1
                if (answer.get("Connection") or "").lower() == "close":
                    return

    def run(self):
        while not self.ended.is_set():
            try:
                self.visit()
            except (OSError, wire.Broken, AssertionError) as problem:
                self.problems.append(repr(problem))
                return


def test_not_one_request_is_lost_over_restarts_under_load(activated, manager):
    ended = threading.Event()
    clients = [
        Load(address, kept, ended) for address in (activated.address, manager.path) for kept in (True, False) * 3
    ]
    for client in clients:
        client.start()
    try:
        for _ in range(3):
            before = [client.answered for client in clients]
            until(
                lambda: all(client.problems or client.answered > count + 20 for client, count in zip(clients, before)),
                "each client is served",
            )
            activated.stop()
            activated.start([manager.tcp, manager.unix])
    finally:
        ended.set()
        for client in clients:
            client.join()
    assert [client.problems for client in clients] == [[]] * len(clients)
    assert all(client.answered > 60 for client in clients)


def refused(daemon, sockets, text, names=None):
    with pytest.raises(StartFailed) as failure:
        daemon.start(sockets, names)
    assert failure.value.code == 1 and text in failure.value.stderr


def test_a_given_socket_must_be_listening(engine, fake, tmp_path):
    with socket.socket() as idle, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        for sock in (idle, datagrams):
            daemon = Activated(fake.base, engine, tmp_path / str(sock.type))
            refused(daemon, [sock], 'socket "http": not a listening stream socket')


def test_names_that_do_not_match_are_an_error(engine, fake, tmp_path, manager):
    daemon = Activated(fake.base, engine, tmp_path / "daemon")
    refused(daemon, [manager.tcp], "LISTEN_FDS: Invalid argument", "http:https")


def test_a_given_socket_for_all_needs_leave(engine, fake, tmp_path):
    with socket.create_server(("0.0.0.0", 0)) as everywhere:
        port = everywhere.getsockname()[1]
        daemon = Activated(fake.base, engine, tmp_path / "daemon")
        refused(daemon, [everywhere], f"other machines could reach 0.0.0.0:{port}, which needs TLS with listen.token_file")
        daemon.configure({"listen.allow_remote": "yes"})
        daemon.address = ("127.0.0.1", port)
        daemon.start([everywhere])
        daemon.stop()


# The state in a line.


def test_status_tells_hits_and_how_redmine_is(launch, fake, manager):
    daemon = launch(env=dict(manager.env, WATCHDOG_USEC="200000"))
    manager.expect(r"^STATUS=Redmine was not asked yet; nothing was read yet$")
    for _ in range(4):
        daemon.get("/issues.json", ADMIN)
    manager.expect(r"^STATUS=Redmine answers; 75\.0% of 4 reads were hits, 0 errors$")
    fake.on("/projects.json", RESET)
    daemon.get("/projects.json", ADMIN)
    manager.expect(r"^STATUS=Redmine does not answer since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d; 60\.0% of 5 reads were hits")
    daemon.process.terminate()
    manager.expect(r"^STOPPING=1\nSTATUS=Finishing")


# The watchdog.

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207


class Held:
    """One thread of a process, stopped: ptrace stops it alone, where a signal would stop all of them."""

    def __init__(self, thread):
        self.thread = thread
        self.call(PTRACE_SEIZE)
        self.call(PTRACE_INTERRUPT)
        os.waitpid(thread, 0x40000000)  # __WALL

    def call(self, what):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.ptrace(what, self.thread, None, None) < 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    def release(self):
        self.call(PTRACE_DETACH)


def event_threads(pid):
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(task.name) for task in tasks if (task / "comm").read_text().strip() == "event"]


def test_a_stuck_event_thread_starves_the_watchdog(launch, manager):
    daemon = launch({"listen.threads": "3"}, env=dict(manager.env, WATCHDOG_USEC="200000"))
    until(lambda: len(event_threads(daemon.process.pid)) == 3, "each event thread has begun")
    threads = event_threads(daemon.process.pid)
    manager.expect("^WATCHDOG=1$")
    for thread in threads:
        held = Held(thread)
        try:
            silent = [""] * 8  # twice the time after which systemd would end it
            until(lambda: [manager.hear() for _ in silent] == silent, "the watchdog is not fed any more")
        finally:
            held.release()
        manager.expect("^WATCHDOG=1$")


def test_nobody_is_told_without_a_watchdog(launch, manager):
    daemon = launch(env=manager.env)
    manager.expect(r"^STATUS=")
    daemon.get("/issues.json", ADMIN)
    daemon.process.terminate()
    heard = []
    until(lambda: heard.append(manager.hear()) or "STOPPING=1" in heard[-1], "it stops")
    assert not any("WATCHDOG" in message for message in heard)
