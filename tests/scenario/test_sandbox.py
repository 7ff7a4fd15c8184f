"""The daemon with the system calls that its unit leaves it, applied as systemd applies them, over each engine."""

import ctypes
import os
import platform
import re
import shutil
import signal
import struct
import subprocess
from pathlib import Path

import pytest

from daemon import until
from redmine_model import ADMIN_KEY

UNIT = Path(__file__).resolve().parents[2] / "systemd" / "redmine-cached.service"
NUMBERS = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
KEY = {"X-Redmine-API-Key": ADMIN_KEY}

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
AUDIT_ARCH_X86_64 = 0xC000003E
ALLOW, REFUSE = 0x7FFF0000, 0x00050001  # SECCOMP_RET_ERRNO | EPERM
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06  # linux/bpf_common.h: a word by its offset, a constant, a constant
SYSCALL_NUMBER, ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
EXECVE = 59

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64" or not shutil.which("systemd-analyze") or not NUMBERS.exists(),
    reason="the numbers of system calls are known here for x86-64 with systemd-analyze and Linux' headers",
)


def calls_of(name):
    """The system calls of a set of systemd's, the sets within it resolved."""
    if not name.startswith("@"):
        return {name}
    said = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", name], check=True, capture_output=True, text=True)
    found = set()
    for line in said.stdout.splitlines()[1:]:
        word = line.split("#")[0].strip()
        if word:
            found |= calls_of(word)
    return found


def allowed_calls():
    """What SystemCallFilter= of the unit leaves: an allow-list, with systemd's @default, and what is taken off it."""
    allowed = calls_of("@default")
    for line in re.findall(r"^SystemCallFilter=(.*)$", UNIT.read_text(), re.MULTILINE):
        for word in line.removeprefix("~").split():
            calls = calls_of(word)
            allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed


@pytest.fixture(scope="module")
def program():
    """The filter as the kernel wants it: struct sock_filter, one after the other."""
    numbers = dict(re.findall(r"^#define __NR_(\w+) (\d+)$", NUMBERS.read_text(), re.MULTILINE))
    known = sorted({int(numbers[call]) for call in allowed_calls() if call in numbers})
    assert 200 < len(known) < len(numbers) and EXECVE in known
    steps = [(LOAD, 0, 0, ARCHITECTURE), (JUMP_EQUAL, 1, 0, AUDIT_ARCH_X86_64), (RETURN, 0, 0, REFUSE), (LOAD, 0, 0, SYSCALL_NUMBER)]
    for number in known:
        steps += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    steps.append((RETURN, 0, 0, REFUSE))
    return b"".join(struct.pack("HBBI", *step) for step in steps)


@pytest.fixture
def confine(program):
    """For subprocess: puts the filter in force between fork and exec."""
    library = ctypes.CDLL(None, use_errno=True)
    steps = ctypes.create_string_buffer(program, len(program))

    def apply():
        header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(steps)))
        zero = ctypes.c_ulong(0)
        if library.prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero) < 0:
            raise OSError(ctypes.get_errno(), "no new privileges")
        if library.prctl(PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), header, zero, zero) < 0:
            raise OSError(ctypes.get_errno(), "the filter")

    return apply


def policies_of(pid):
    """How the kernel schedules a process's threads, by their names."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        name, rest = re.fullmatch(r"\d+ \((.*)\) (.*)", (task / "stat").read_text().strip(), re.DOTALL).groups()
        found.setdefault(name, set()).add(int(rest.split()[38]))
    return found


def test_the_filter_refuses(confine):
    """What the unit takes off is really refused: this file would else prove nothing."""
    script = "import os; os.setpriority(os.PRIO_PROCESS, 0, 5)"
    free = subprocess.run(["/usr/bin/python3", "-c", script], capture_output=True, text=True)
    done = subprocess.run(["/usr/bin/python3", "-c", script], capture_output=True, text=True, preexec_fn=confine)
    assert free.returncode == 0 and done.returncode != 0 and "PermissionError" in done.stderr


def test_every_engine_works_within_the_units_filter(launch, fake, engine, confine):
    no_leaks = {"ASAN_OPTIONS": "exitcode=99:detect_leaks=0"}  # which would need ptrace

    def as_usual_and_confined():
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))  # however the tests are scheduled
        confine()

    daemon = launch({"listen.max_connections": "2000"}, preexec=as_usual_and_confined, env=no_leaks)
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    assert re.search(r"^Seccomp:\s+2$", status, re.MULTILINE)
    for _ in range(2):
        assert daemon.get("/issues.json", KEY).status == 200
    assert daemon.get("/issues.json", KEY).hit
    body = b'{"issue":{"project_id":1,"subject":"within the filter"}}'
    made = daemon.request("POST", "/issues.json", KEY | {"Content-Type": "application/json"}, body)
    assert made.status == 201 and not daemon.get("/issues.json", KEY).hit
    assert daemon.get("/issues.json?limit=all", KEY).status == 200
    until(lambda: policies_of(daemon.process.pid)["event"] == {os.SCHED_OTHER}, "only event threads take a core when woken")
    policies = policies_of(daemon.process.pid)
    assert policies["log"] == {os.SCHED_BATCH} and os.SCHED_BATCH in policies["redmine-cached"]
    limits = Path(f"/proc/{daemon.process.pid}/limits").read_text()
    soft, hard = re.search(r"^Max open files\s+(\d+)\s+(\d+)", limits, re.MULTILINE).groups()
    assert soft == hard, "it may raise its own limit of descriptors"
    daemon.signal(signal.SIGHUP)
    daemon.logged("reload: the new settings are in force")
    until(lambda: daemon.cache_file.stat().st_size > 0, "answers are in the file")
    daemon.restart()
    assert daemon.get("/projects.json", KEY).status == 200
