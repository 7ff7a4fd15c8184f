"""What is measured, compiled: the programs of bench/ and the daemon."""

import os
import subprocess

from harness import machine
from harness.process import Failed

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(BENCH)
PROGRAMS = {
    "bare": ["bare.c", "-lmicrohttpd", "-pthread"],
    "origin": ["origin.c", "answer.c"],
    "burst": ["burst.c"],
    "revalidate": ["revalidate.c"],
    "splice": ["-D_GNU_SOURCE", "-I../src", "splice.c", "../src/redmine/splice.c", "../src/redmine/splice_json.c",
               "../src/redmine/splice_xml.c", "../src/base/buf.c"],
}


def _run(command, folder, limit, what):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=limit, check=False,
                          stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Failed(f"{what}: {(done.stderr or done.stdout).strip()[-800:]}")


def programs(folder):
    """Compile the programs of bench/ into a folder."""
    for name, arguments in PROGRAMS.items():
        _run(["cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-o", os.path.join(folder, name), *arguments], BENCH, 120,
             f"compiling {name}")


def daemon(folder, jobs):
    """The daemon's binary: $REDMINE_CACHED, or the one at the top of the tree, or the tree built in a folder."""
    named = os.environ.get("REDMINE_CACHED")
    if named:
        if not (os.path.isfile(named) and os.access(named, os.X_OK)):
            raise Failed(f"REDMINE_CACHED names {named}, which is no program")
        return os.path.abspath(named)
    at_top = os.path.join(TOP, "redmine-cached")
    if os.path.isfile(at_top) and os.access(at_top, os.X_OK):
        return at_top
    os.makedirs(folder, exist_ok=True)
    steps = [] if os.path.exists(os.path.join(TOP, "configure")) else [(["autoreconf", "-fi"], TOP)]
    if not os.path.exists(os.path.join(folder, "Makefile")):
        steps.append(([os.path.join(TOP, "configure"), "--quiet"], folder))
    steps.append((["make", "-s", f"-j{jobs}", "redmine-cached"], folder))
    for command, where in steps:
        machine.note(f"building the daemon: {' '.join(command)}")
        _run(command, where, 900, "building the daemon")
    return os.path.join(folder, "redmine-cached")
