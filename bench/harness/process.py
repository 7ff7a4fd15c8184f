"""A server under measurement: started on its core, watched through /proc, ended by its own id."""

import ctypes
import glob
import http.client
import os
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """A server or a tool did not do what it should; the text says which and how."""


def free_port():
    """A loopback port that nobody listens on now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(condition, seconds, what):
    """Poll a condition; Failed when it does not come true in time."""
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise Failed(f"{what}: not within {seconds:g} s")
        time.sleep(0.02)


def get(port, path, headers=None, limit=10.0):
    """One GET on loopback: (status, headers in lower case, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=limit)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, body
    finally:
        connection.close()


def _on_core(core):
    def prepare():
        os.setsid()
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        os.sched_setaffinity(0, {core})

    return prepare


class Process:
    """A program, its children and their threads, all on one core."""

    def __init__(self, name, arguments, core, log):
        self.name = name
        self.log = log
        # Appending, so that the file may be cut between measurements.
        with open(log, "ab") as output:
            self.popen = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                          preexec_fn=_on_core(core))

    def wait_ready(self, port, path, seconds=20.0):
        """Until a GET of path is answered with 200."""

        def ready():
            if self.popen.poll() is not None:
                raise Failed(f"{self.name} ended with {self.popen.returncode}: {self.tail()}")
            try:
                return get(port, path, limit=2.0)[0] == 200
            except (OSError, http.client.HTTPException):
                return False

        wait_until(ready, seconds, f"{self.name} ready")

    def tail(self):
        """The last lines it printed."""
        with open(self.log, "rb") as lines:
            lines.seek(max(0, os.path.getsize(self.log) - 600))
            return lines.read().decode("utf-8", "replace").strip()

    def cut_log(self):
        """Forget what it printed: a line a request adds up."""
        os.truncate(self.log, 0)

    def pids(self):
        """Itself and its descendants."""
        children = {}
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(path, encoding="utf-8", errors="replace") as stat:
                    text = stat.read()
            except OSError:
                continue
            pid, parent = int(text.split(" ", 1)[0]), int(text.rsplit(")", 1)[1].split()[1])
            children.setdefault(parent, []).append(pid)
        found, todo = [], [self.popen.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            todo += children.get(pid, [])
        return found

    def usage(self):
        """(CPU seconds, context switches) of all its threads, since they began."""
        cpu, switches = 0.0, 0
        for pid in self.pids():
            for task in glob.glob(f"/proc/{pid}/task/[0-9]*"):
                try:
                    with open(task + "/schedstat", encoding="ascii") as f:
                        cpu += int(f.read().split()[0]) / 1e9
                    with open(task + "/status", encoding="utf-8") as f:
                        switches += sum(int(line.split()[1]) for line in f if "ctxt_switches" in line)
                except (OSError, IndexError, ValueError):
                    continue
        return cpu, switches

    def memory(self):
        """Resident bytes of all its processes; shared pages count in each."""
        total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/statm", encoding="ascii") as f:
                    total += int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            except (OSError, IndexError, ValueError):
                continue
        return total

    def settle(self, seconds=5.0):
        """Wait until it has nothing left to do, so that work put off is counted, but not for ever."""
        limit = time.monotonic() + seconds
        before = self.usage()[0]
        while time.monotonic() < limit:
            time.sleep(0.1)
            after = self.usage()[0]
            if after - before < 0.003:
                return
            before = after

    def stop(self):
        """End it: politely, then at once. Its children are its own business, as they are for systemd."""
        children = self.pids()[1:] if self.popen.poll() is None else []
        for ask in (self.popen.terminate, self.popen.kill):
            if self.popen.poll() is not None:
                break
            ask()
            try:
                self.popen.wait(10)
            except subprocess.TimeoutExpired:
                continue
        for pid in children:
            if self._is_orphan(pid):
                os.kill(pid, signal.SIGKILL)

    def _is_orphan(self, pid):
        """Whether a child outlived it. Looked up by session, as a process id may have been given again."""
        try:
            return os.getsid(pid) == self.popen.pid
        except OSError:
            return False
