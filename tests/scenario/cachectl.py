"""redmine-cachectl as a test uses it."""

import json
import select
import subprocess
from pathlib import Path

from daemon import BINARY
from redmine_model import ADMIN_KEY, MANAGER_KEY
from wire import LIMIT

PARTLY = 5  # the exit code of a warm of which not all came
PROGRAM = Path(BINARY).with_name("redmine-cachectl")
ADMIN = [("X-Redmine-API-Key", ADMIN_KEY)]
MANAGER = [("X-Redmine-API-Key", MANAGER_KEY)]


def cachectl(daemon, *arguments, code=0, data=None):
    """What it prints."""
    done = subprocess.run(
        [PROGRAM, "--socket", str(daemon.options["control.socket"]), *map(str, arguments)],
        capture_output=True,
        text=True,
        input=data,
        timeout=LIMIT,
    )
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout if code in (0, PARTLY) else done.stderr


def answers(daemon, *arguments, code=0):
    """The objects that it prints with --json."""
    return [json.loads(line) for line in cachectl(daemon, "--json", *arguments, code=code).splitlines()]


class Tail:
    def __init__(self, daemon, *arguments):
        self.process = subprocess.Popen(
            [PROGRAM, "-s", str(daemon.options["control.socket"]), "--json", *arguments],
            stdout=subprocess.PIPE,
            bufsize=0,  # so that what has come shows to select()
        )

    def next(self):
        ready, _, _ = select.select([self.process.stdout], [], [], LIMIT)
        assert ready, "no further row"
        return json.loads(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
