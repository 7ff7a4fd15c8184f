"""The real daemon under test: started, watched, stopped, and searched for what must not be there."""

import json
import os
import re
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

from client import Connection, http_client
from redmine_model import SECRETS
from wire import LIMIT, PATIENCE, Broken, free_port

BINARY = os.environ.get("REDMINE_CACHED", "")
ENGINES = os.environ.get("REDMINE_CACHED_ENGINES", "sync thread").split()
WORKERS = {"sync": 1}
SANITIZER = re.compile(rb"(ERROR: \w+Sanitizer|WARNING: \w+Sanitizer|runtime error:).*")
STOP_LIMIT = 10 * PATIENCE


def until(condition, what, limit=LIMIT, pause=0.01):
    """Poll until condition() is true; its value comes back."""
    deadline = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not in {limit} s: {what}"
        time.sleep(pause)


def instrumented():
    """Whether the binary is a sanitizer's, whose memory is not the daemon's own."""
    data = Path(BINARY).read_bytes()
    return b"__asan_init" in data or b"__tsan_init" in data


def written_config(options):
    """The text of a configuration file for {"upstream.url": …, "engine.thread.workers": 4, "listen.address": […]}."""
    sections = {}
    for name, value in options.items():
        section, _, option = name.rpartition(".")
        first, _, rest = section.partition(".")
        heading = f'[{first} "{rest}"]' if rest else f"[{first}]"
        for item in value if isinstance(value, (list, tuple)) else [value]:
            sections.setdefault(heading, []).append(f"{option} = {item}")
    return "".join(heading + "\n" + "\n".join(lines) + "\n\n" for heading, lines in sections.items())


class StartFailed(Exception):
    def __init__(self, code, stderr):
        self.code, self.stderr = code, stderr
        super().__init__(f"exit {code}: {stderr}")


class Daemon:
    """One daemon in a directory of its own. `options` change or, with None, remove what it is started with."""

    def __init__(self, upstream, engine, directory, options=None, env=None, preexec=None):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.address = ("127.0.0.1", self.port)
        self.config = self.directory / "redmine-cached.conf"
        self.cache_file = self.directory / "cache" / "cache.db"
        self.cache_file.parent.mkdir(exist_ok=True)
        self.clock_file = self.directory / "clock"
        self.stderr_file = self.directory / "stderr"
        self.options = {
            "upstream.url": upstream,
            "listen.address": f"127.0.0.1:{self.port}",
            "engine.default": engine,
            f"engine.{engine}.workers": WORKERS.get(engine, 4),
            "cache.path": self.cache_file,
        }
        self.env = dict(os.environ, REDMINE_CACHED_TEST_CLOCK=str(self.clock_file), **(env or {}))
        for name in ("NOTIFY_SOCKET", "RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"):
            self.env.pop(name, None)
        self.env.update(env or {})
        self.env.setdefault("ASAN_OPTIONS", "exitcode=99:quarantine_size_mb=4")
        self.env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        self.env.setdefault("TSAN_OPTIONS", "exitcode=66")
        self.preexec = preexec
        self.secrets = set(SECRETS)
        self.offset = 0
        self.process = None
        self.configure(options or {})

    def configure(self, options):
        """Change options and write the file; the daemon learns of it at its start or by reload()."""
        self.options.update(options)
        self.options = {name: value for name, value in self.options.items() if value is not None}
        self.config.write_text(written_config(self.options))

    # Its life.

    def start(self, arguments=None):
        self.clock_file.write_text(str(self.offset))
        with open(self.stderr_file, "ab") as stderr:
            self.process = subprocess.Popen(
                [BINARY, *(arguments or ["--config", str(self.config)])],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                cwd=self.directory,
                env=self.env,
                preexec_fn=self.preexec,
            )
        until(self.answers_ready, "the daemon answers /-/ready with 200")
        return self

    def answers_ready(self):
        if self.process.poll() is not None:
            code, self.process = self.process.returncode, None
            raise StartFailed(code, self.stderr)
        try:
            return self.get("/-/ready").status == 200
        except (OSError, Broken):
            return False

    def stop(self, limit=STOP_LIMIT):
        """SIGTERM; it must exit 0 in time, and leave nothing behind that must not be seen."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.ended(limit)
        self.process = None
        self.examine()
        assert code == 0, f"the daemon ended with {code}:\n{self.stderr[-4000:]}"

    def ended(self, limit=STOP_LIMIT):
        """Its exit code; it is killed, and the test fails, if it does not end."""
        if self.process.poll() is None:  # waited for by its descriptor: wait() with a limit looks every 50 ms
            ending = os.pidfd_open(self.process.pid)
            select.select([ending], [], [], limit)
            os.close(ending)
        try:
            return self.process.wait(0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the daemon did not end in {limit} s:\n{self.stderr[-4000:]}") from None

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def signal(self, number):
        self.process.send_signal(number)

    def examine(self):
        """Fail on a sanitizer's report, and on a secret in stderr or in the cache's files."""
        noise = self.stderr_file.read_bytes()
        report = SANITIZER.search(noise)
        assert not report, f"a sanitizer complains:\n{noise[report.start():][:6000].decode(errors='replace')}"
        places = {"stderr": noise}
        for path in sorted(self.cache_file.parent.glob("**/*")):
            if path.is_file():
                places[path.name] = path.read_bytes()
        for place, data in places.items():
            for secret in self.secrets:
                at = data.find(secret.encode())
                assert at < 0, f"the secret {secret!r} is in {place}: …{data[max(0, at - 200):at + 80]!r}…"

    # What it says.

    @property
    def stderr(self):
        return self.stderr_file.read_text(errors="replace")

    @property
    def log(self):
        """Its lines, without one that is being written."""
        return self.stderr.rpartition("\n")[0].splitlines()

    def logged(self, pattern, limit=LIMIT):
        """Wait for a line of the log that matches; the match comes back."""

        def look():
            return re.search(pattern, self.stderr, re.MULTILINE)

        return until(look, f"a log line like {pattern!r}; the log:\n{self.stderr[-4000:]}", limit)

    def connect(self, **how):
        return Connection(self.address, **how)

    def request(self, method, target, fields=(), body=None, **how):
        with self.connect() as connection:
            return connection.request(method, target, fields, body, **how)

    def get(self, target, fields=(), **how):
        return self.request("GET", target, fields, **how)

    def http(self):
        return http_client(self.address)

    @property
    def ready(self):
        answer = self.get("/-/ready")
        return answer.status, json.loads(answer.text)

    @property
    def status(self):
        answer = self.get("/-/status.json")
        assert answer.status == 200, answer
        return json.loads(answer.text)

    # Time, and what it uses.

    def advance(self, milliseconds):
        """Move its wall clock forward."""
        self.offset += milliseconds
        self.clock_file.write_text(str(self.offset))
        self.signal(signal.SIGUSR2)
        until(lambda: self.status.get("clock_offset_ms") == self.offset, f"clock_offset_ms is {self.offset}")

    def resident(self):
        """Its resident memory in bytes, children included."""
        total, todo = 0, [self.process.pid]
        while todo:
            pid = todo.pop()
            try:
                status = Path(f"/proc/{pid}/status").read_text()
                for task in Path(f"/proc/{pid}/task").iterdir():
                    todo += [int(child) for child in (task / "children").read_text().split()]
            except (FileNotFoundError, ProcessLookupError):
                continue
            found = re.search(r"VmRSS:\s+(\d+) kB", status)
            total += int(found.group(1)) * 1024 if found else 0
        return total

    def unread(self):
        """Bytes that clients have sent to its port and that it has not read."""
        total = 0
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            words = line.split()
            if int(words[1].partition(":")[2], 16) == self.port and words[3] == "01":
                total += int(words[4].partition(":")[2], 16)
        return total

    def catch_up(self):
        """Wait until it has read and begun every request sent so far: nothing unread, and each event thread round once more."""
        until(lambda: self.unread() == 0, "the daemon has read what was sent")
        for _ in range(16):
            self.get("/-/ready")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)


def run(*arguments, limit=LIMIT, env=None):
    """Run the binary to its end: (exit code, stdout, stderr)."""
    done = subprocess.run(
        [BINARY, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=limit,
        env=dict(os.environ, **(env or {})),
    )
    return done.returncode, done.stdout, done.stderr
