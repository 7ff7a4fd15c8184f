"""Private instances of Debian's Redmine, through tools/redmine-instance, and what reached them."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools" / "redmine-instance"
LINE_LIMIT = 256 * 1024  # bytes of a line of the log, at most
START_LIMIT = 240  # seconds, with a database to build


class Instance:
    """One Redmine, running. All begin with the same sample, or as a copy `like` another."""

    def __init__(self, directory, *, like=None, prefix="", workers=0):
        self.directory = Path(directory)
        command = [
            TOOL,
            "start",
            "--dir",
            directory,
            "--prefix",
            prefix,
            "--workers",
            str(workers),
            "--timeout",
            str(START_LIMIT),
        ]
        if like:
            command += ["--like", like.directory]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=START_LIMIT + 30)
        sys.stderr.write(done.stderr)
        assert done.returncode == 0, f"Redmine did not start:\n{done.stderr}"
        self.description = json.loads(done.stdout)
        self.url = self.description["url"]
        self.sample = self.description["sample"]
        self.keys = self.sample["keys"]
        self.log = Path(self.description["requests"])
        # Stopped when this pipe closes: by stop(), or because the tests were killed.
        self.keeper = subprocess.Popen(
            ["sh", "-c", 'read -r _; exec "$0" stop --dir "$1"', TOOL, directory],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def secrets(self):
        """What must show nowhere."""
        return {*self.keys.values(), *self.sample["feed_keys"].values(), *self.sample["passwords"].values()}

    def mark(self):
        """A place in the log, for reached(): behind the last whole line."""
        with self.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            start = log.seek(max(0, size - LINE_LIMIT))
            return start + log.read().rfind(b"\n") + 1

    def reached(self, mark=0):
        """The requests that reached this Redmine since the mark, in order of their answers. What is being written is not there yet."""
        with self.log.open("rb") as log:
            log.seek(mark)
            return [json.loads(line) for line in log.read().split(b"\n")[:-1]]

    def stop(self):
        self.keeper.stdin.close()
        assert self.keeper.wait(60) == 0


def start_together(*makers):
    """Start several at once; each maker is a function that makes one."""
    with ThreadPoolExecutor(len(makers)) as pool:
        return list(pool.map(lambda maker: maker(), makers))


def writes(requests):
    """Of logged requests, those that may change something, as far as two instances must have got the same.
    Not the session's cookie: the daemon gives API clients none, so that they do not send it."""

    def credentials(request):
        return {name: digest for name, digest in request["credentials"].items() if name != "Cookie"}

    return [
        (r["method"], r["path"], r["query"], r["status"], credentials(r), r["body"])
        for r in requests
        if r["method"] not in ("GET", "HEAD", "OPTIONS")
    ]
