"""The machine: which cores, what must be installed, what else is running."""

import os
import shutil
import subprocess
import sys
import time

# command -> Debian package that has it
PACKAGES = {
    "wrk": "wrk",
    "nginx": "nginx-light",
    "varnishd": "varnish",
    "haproxy": "haproxy",
    "cc": "gcc libc6-dev",
    "make": "make",
    "curl": "curl",
}
HEADERS = {"/usr/include/microhttpd.h": "libmicrohttpd-dev"}


def note(text):
    """One line of progress, on standard error: the report alone goes to standard output."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def find(command):
    """The path of a command, also of those that only root has in the path; None if it is not installed."""
    return shutil.which(command, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def install(commands, allowed):
    """Install what these commands lack, by apt. Returns the commands that are still missing."""
    lacking = [c for c in commands if not find(c)]
    packages = [p for c in lacking for p in PACKAGES[c].split()]
    packages += [p for path, p in HEADERS.items() if not os.path.exists(path)]
    if packages and allowed and find("apt-get"):
        note("installing " + " ".join(packages))
        root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        for command in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *packages]):
            subprocess.run([*root, "apt-get", *command], env=environment, timeout=600, check=False,
                           stdin=subprocess.DEVNULL, stdout=sys.stderr)
    return [c for c in commands if not find(c)]


def cores():
    """(the load's core, the server's core): the first and the last that we may use; the same one if there is one."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def busy(core):
    """CPU seconds that a core has been busy since boot, for whomever."""
    with open("/proc/stat", encoding="ascii") as lines:
        for line in lines:
            fields = line.split()
            if fields[0] == f"cpu{core}":
                ticks = [int(f) for f in fields[1:9]]
                return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
    return 0.0


def busy_part(core, seconds=0.3):
    """How much of a core is in use now: 0 to 1."""
    before, begun = busy(core), time.monotonic()
    time.sleep(seconds)
    return (busy(core) - before) / (time.monotonic() - begun)


class Patience:
    """Seconds, for a whole run, that may be spent on waiting until nobody else uses the cores."""

    QUIET = 0.1

    def __init__(self, seconds, *which):
        self.left, self.cores = seconds, which

    def wait(self):
        """Until each core is quiet, or patience is at its end."""
        begun = time.monotonic()
        while self.left > time.monotonic() - begun and any(busy_part(c) > self.QUIET for c in self.cores):
            time.sleep(0.2)
        self.left -= time.monotonic() - begun


def description():
    """What a reader must know of the machine."""
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"cpu": model, "cores": len(os.sched_getaffinity(0)), "kernel": os.uname().release}
