"""Every command in doc/ is run: the blocks of shell, Python and JavaScript of a document, one after the other.

They run before a fake Redmine, with the addresses, keys and folders of this test in place of the written ones.
systemctl, journalctl and sudo are stand-ins: systemctl knows the units of this tree, and a reload is a real one.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import node_clients
from daemon import BINARY, Daemon
from fake_redmine import FakeRedmine
from redmine_model import ADMIN_KEY, PASSWORD
from wire import LIMIT

TOP = Path(__file__).resolve().parents[2]
DOCUMENTS = ["clients", "dashboards", "security", "operations", "comparison", "sessions", "collections"]
FRAGMENTS = {  # of programs; scenarios have the whole
    ("sessions", "python"),
    ("sessions", "js"),
    ("collections", "python"),
    ("collections", "javascript"),
    ("security", "python"),  # tests/scenario/test_tls.py
}
RUN_BY = {"sh": ["/bin/bash", "-eu"], "python": ["/usr/bin/python3"], "js": ["node"]}
NOT_COMMANDS = {"java", "csharp", "nginx", "ini", "json", "yaml", ""}

SYSTEMCTL = """#!/bin/bash
set -euo pipefail
verb=$1
shift
for word; do
	[[ $word == -* ]] && continue
	[[ $word == *.* ]] || word+=.service
	[[ -e {top}/systemd/$word ]] || {{ echo "no such unit: $word" >&2; exit 5; }}
done
case $verb in
enable | start | stop | restart | status) ;;
reload)
	before=$(grep -c 'new settings are in force' {log} || true)
	kill -HUP {pid}
	for _ in {{1..200}}; do
		(($(grep -c 'new settings are in force' {log} || true) == before)) || exit 0
		sleep 0.05
	done
	exit 1
	;;
*) exit 2 ;;
esac
"""
JOURNALCTL = "#!/bin/bash\n[[ $1 == -u && $2 == redmine-cached ]] && cat {log}\n"
SUDO = '#!/bin/bash\nexec "$@"\n'


def blocks(document):
    """(language, text) of each fenced block."""
    text = (TOP / "doc" / f"{document}.md").read_text()
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="session")
def node_modules():
    return node_clients.node_modules()


class Machine:
    """A folder in place of /, a daemon that is set up there, and a fake Redmine."""

    def __init__(self):
        self.root = Path(tempfile.mkdtemp(prefix="rc", dir="/tmp"))
        self.fake = FakeRedmine()
        for folder in ("etc/credstore", "etc/redmine-cached/conf.d", "var/cache/redmine-cached", "var/backups", "run", "bin"):
            (self.root / folder).mkdir(parents=True)
        self.daemon = Daemon(self.fake.base, "thread", self.root / "etc/redmine-cached")
        (self.root / "run/redmine-cached").mkdir()
        sockets = [f"unix:{self.root}/run/{name}" for name in ("redmine-cached.sock", "redmine-cached/http.sock")]
        self.daemon.configure(
            {
                "listen.address": [self.daemon.options["listen.address"], *sockets],
                "engine.async.workers": "2",
                "control.socket": self.root / "run/redmine-cached/control.sock",
                "cache.path": self.root / "var/cache/redmine-cached/cache.db",
            }
        )
        self.daemon.start()
        self.put("systemctl", SYSTEMCTL)
        self.put("journalctl", JOURNALCTL)
        self.put("sudo", SUDO)
        (self.root / "bin/redmine-cached").symlink_to(BINARY)
        (self.root / "bin/redmine-cachectl").symlink_to(Path(BINARY).with_name("redmine-cachectl"))

    def put(self, name, text):
        path = self.root / "bin" / name
        path.write_text(text.format(top=TOP, log=self.daemon.stderr_file, pid=self.daemon.process.pid))
        path.chmod(0o755)

    def translated(self, text):
        """The text with what is of this machine."""
        text = re.sub(r"(?<![\w/])/(etc/redmine-cached|etc/credstore|var/cache/redmine-cached|var/backups|run/)", rf"{self.root}/\1", text)
        for written, true in (
            ("127.0.0.1:7336", f"127.0.0.1:{self.daemon.port}"),
            ("https://redmine.example.org", self.fake.base),
            ("YOUR_KEY", ADMIN_KEY),
            ("ADMINS_KEY", ADMIN_KEY),
            ("Key: KEY'", f"Key: {ADMIN_KEY}'"),
            ("PASSWORD", PASSWORD),
        ):
            text = text.replace(written, true)
        return text

    def run(self, language, text, env=None):
        env = dict(os.environ, PATH=f"{self.root}/bin:{os.environ['PATH']}", KEY=ADMIN_KEY, **(env or {}))
        env["REDMINE_CACHED_SOCKET"] = str(self.daemon.options["control.socket"])
        done = subprocess.run(
            RUN_BY[language],
            input=self.translated(text),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=TOP,
            env=env,
            timeout=LIMIT,
        )
        assert done.returncode == 0, f"ended with {done.returncode}:\n{text}\nsaid:\n{done.stdout}"
        return done.stdout

    def end(self):
        try:
            self.daemon.stop()
        finally:
            self.fake.stop()
            shutil.rmtree(self.root)


@pytest.fixture
def machine():
    machine = Machine()
    yield machine
    machine.end()


SPEAKS = re.compile(r"^curl|print\(|console\.log|--print-config|--help", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands(document, machine, request):
    ran = 0
    for language, text in blocks(document):
        if language in NOT_COMMANDS or (document, language) in FRAGMENTS:
            continue
        env = {}
        if "require(" in text:
            env = {"NODE_PATH": str(request.getfixturevalue("node_modules"))}
        said = machine.run(language, text, env)
        assert said.strip() or not SPEAKS.search(text), f"this said nothing:\n{text}"
        ran += 1
    assert ran > 0


TRIED_ELSEWHERE = {"custom-engine": "tests/install/test_custom_engine.py"}


def test_no_document_is_forgotten():
    """A page with commands is tried here, or by the test that is named for it."""
    for path in (TOP / "doc").glob("*.md"):
        commands = [language for language, _ in blocks(path.stem) if language not in NOT_COMMANDS]
        assert not commands or path.stem in DOCUMENTS or (TOP / TRIED_ELSEWHERE[path.stem]).exists(), path
