"""Engines as shared objects: how they are named, refused and chosen; recording, and replaying without a Redmine."""

import contextlib
import re

import pytest

from behaviours import READ, RESET, head, reply, script
from daemon import run, until
from plugins import built
from redmine_model import ADMIN_KEY, MANAGER_KEY, SECRETS
from wire import Broken, free_port

KEY = ("X-Redmine-API-Key", ADMIN_KEY)
JSON = ("Content-Type", "application/json")
BASIC = ("Authorization", "Basic anNtaXRoOg==")


@pytest.fixture(scope="module")
def engine():
    """These have their own."""
    return "thread"


def of(daemon, name):
    """What the status page says of an engine."""
    [found] = [one for one in daemon.status["engines"] if one["name"] == name]
    return found


def counted(daemon, **done):
    """Wait until these engines have done so many jobs; a client may have its answer before that."""
    until(lambda: {name: of(daemon, name)["done"] for name in done} == done, f"the engines have done {done}")


# Which can be used.


@pytest.fixture
def check(tmp_path):
    """A function: exit code and errors of --check-config, and of a start, for the lines of an [engine "mine"]."""

    def of_lines(*lines):
        path = tmp_path / "a.conf"
        text = ["[upstream]", "url = http://127.0.0.1:9", "[listen]", f"address = 127.0.0.1:{free_port()}"]
        path.write_text("\n".join([*text, "[cache]", "path =", '[engine "mine"]', *lines]) + "\n")
        checked = run("--config", path, "--check-config")
        started = run("--config", path) if checked[0] != 0 else checked
        assert started == checked, "what is wrong is said before anything is listened on"
        return checked[0], checked[2].replace(str(path), "a.conf")

    return of_lines


def test_one_that_can_be_used(check):
    assert check(f"path = {built('minimal')}") == (0, "")


def test_errors_name_the_line(check, tmp_path):
    replay = built("record-replay")
    text = tmp_path / "text.so"
    text.write_text("no object\n")
    assert check("path = /nonexistent/x.so") == (6, "a.conf:8: path: /nonexistent/x.so: No such file or directory\n")
    assert check(f"path = {text}") == (6, f"a.conf:8: path: {text}: not a shared object (no ELF file)\n")
    code, said = check("path = none-of-this-name.so")
    assert code == 6 and re.fullmatch(r"a\.conf:8: path: /.*/none-of-this-name\.so: No such file or directory\n", said)
    code, said = check("path = folder/x.so")
    assert code == 6 and 'a.conf:8: path: "folder/x.so" is neither an absolute path nor the name of a file' in said
    code, said = check(f"path = {replay}", "workers = 2", "options = mode=play")
    assert (code, said) == (6, 'a.conf:10: options: engine "mine" does not begin: mode is to be record or replay\n')
    code, said = check(f"path = {replay}")
    assert (code, said) == (6, 'a.conf:8: path: engine "mine" does not begin: mode is to be record or replay\n')
    assert check("options = a=b")[1].endswith("a.conf:8: options: only an engine with a path takes options\n")


@pytest.mark.parametrize(
    "options, said",
    [
        ("mode=replay folder=relative", "folder is to be an absolute path"),
        ("mode=replay", "folder is to be an absolute path"),
        ("mode=record folder=/nonexistent", "folder /nonexistent: No such file or directory"),
        ("mode=replay folder=/proc", "folder /proc holds no recordings: key: No such file or directory"),
        ("mode=record folder=/tmp who=me", "who is to be each or any"),
        ("mode=record folder=/tmp colour=red", '"colour=red" is no option; allowed are, as NAME=VALUE: mode folder who'),
    ],
)
def test_options_of_the_recorder(check, options, said):
    code, text = check(f"path = {built('record-replay')}", f"options = {options}")
    assert (code, text) == (6, f'a.conf:9: options: engine "mine" does not begin: {said}\n')


# Which one serves.


def test_a_request_chooses_it(launch, fake, fresh):
    daemon = launch({"engine.mine.path": built("minimal"), "engine.mine.workers": 2})
    assert of(daemon, "mine")["workers"] == 2
    assert daemon.get(fresh()).status == 200
    counted(daemon, mine=0, thread=1)
    target = fresh()
    answer = daemon.get(target, [("Redmine-Cached-Engine", "mine")])
    assert answer.status == 200
    counted(daemon, mine=1, thread=1)
    assert daemon.get(target).hit, "what it brought is kept as any answer is"


def test_several_beside_those_that_are_built_in(launch, fake, fresh):
    """Two of one object, and workers that are forked after it was loaded."""
    options = {"engine.process.workers": 2, "engine.async.workers": 4, "engine.rogue.path": built("rogue")}
    options |= {f"engine.{name}.path": built("minimal") for name in ("one", "two")}
    daemon = launch({**options, "engine.two.workers": 3})
    for name in ("thread", "process", "async", "one", "two"):
        assert daemon.get(fresh(), [("Redmine-Cached-Engine", name)]).status == 200
        counted(daemon, **{name: 1})
    assert daemon.get("/echo", [("Redmine-Cached-Engine", "rogue")]).text.startswith("GET 0 1 ")


def test_one_that_keeps_no_promise(launch, fake, fresh):
    """It costs its own jobs, not the daemon."""
    daemon = launch({"engine.rogue.path": built("rogue"), "upstream.timeout": "300ms"})
    rogue = ("Redmine-Cached-Engine", "rogue")
    assert daemon.get("/never", [rogue]).status == 504
    assert daemon.get("/lost", [rogue]).status == 504
    # On a machine that is slow the limit may come first.
    until(lambda: daemon.get("/headless", [rogue]).status == 502, "an end without a head")
    until(lambda: daemon.get("/twice", [rogue]).text == "hello", "the first of two ends")
    until(lambda: of(daemon, "rogue")["repeated"] >= 1, "the second end is counted")
    until(lambda: of(daemon, "rogue")["abandoned"] >= 2, "those that it never ended are counted")
    until(lambda: daemon.get(fresh()).status == 200, "the others' requests are answered")


# Recording and replaying.


def demo(launch, folder, mode, more="", **how):
    options = {
        "cache.object_limit": "64K",
        "engine.default": "demo",
        "engine.demo.path": built("record-replay"),
        "engine.demo.options": f"mode={mode} folder={folder}{more}",
    }
    return launch(options, **how)


def ask_all(daemon):
    """A client's day: [(what was asked, what came)]."""
    questions = [
        ("GET", "/issues.json?limit=2", [KEY], None),
        ("GET", "/issues.json?limit=2", [("X-Redmine-API-Key", MANAGER_KEY)], None),
        ("GET", "/issues/1.json", [KEY], None),
        ("GET", f"/projects.xml?key={ADMIN_KEY}", [], None),
        ("GET", "/issue_statuses.json", [KEY], None),
        ("GET", "/issues/99999.json", [KEY], None),
        ("GET", "/issues.json", [], None),
        ("GET", "/attachments/download/1/notes.txt", [KEY], None),
        ("POST", "/issues.json", [KEY, JSON], b'{"issue":{"project_id":1,"subject":"new"}}'),
        ("DELETE", "/issues/2.json", [KEY], None),
    ]
    return [((question[0], question[1]), daemon.request(*question)) for question in questions]


def test_record_and_replay(launch, fake, tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir()
    recorder = demo(launch, folder, "record")
    recorded = ask_all(recorder)
    mine = recorder.get("/users/current.json", [KEY])
    assert ADMIN_KEY in mine.text
    assert fake.requests
    recorder.stop()

    files = sorted(path for path in folder.glob("*/*"))
    assert len(files) == len(recorded) + 1
    assert not list(folder.glob(".new-*"))
    for path in files:
        data = path.read_bytes()
        assert not [secret for secret in SECRETS if secret.encode() in data + str(path).encode()], path
        assert re.match(rb"[A-Z]+ /\S*\nHTTP/1.1 \d{3} ", data), path
    assert {path.parent.name for path in files} > {"anonymous"} and len({path.parent for path in files}) == 4
    assert folder.joinpath("key").stat().st_mode & 0o777 == 0o600

    nowhere = f"http://127.0.0.1:{free_port()}"
    replayer = demo(launch, folder, "replay", upstream=nowhere)
    for (question, old), (_, new) in zip(recorded, ask_all(replayer)):
        old_link = old.text.replace(str(recorder.port), "PORT")
        assert new.status == old.status and new.reason == old.reason, question
        assert new.text.replace(str(replayer.port), "PORT") == old_link, question
        assert new.get("Content-Type") == old.get("Content-Type"), question
    answer = replayer.get("/users/current.json", [KEY])
    assert answer.text == mine.text.replace(ADMIN_KEY, "0" * 40)


def test_what_was_not_recorded(launch, fake, tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir()
    recorder = demo(launch, folder, "record")
    assert recorder.get("/issues/1.json", [KEY]).status == 200
    recorder.stop()
    replayer = demo(launch, folder, "replay", upstream=f"http://127.0.0.1:{free_port()}")
    for target, fields in [("/issues/2.json?x=1", [KEY]), ("/issues/1.json", []), ("/issues/1.json", [BASIC])]:
        answer = replayer.get(target, fields)
        assert answer.status == 504
        named = re.fullmatch(
            rf"No recording answers GET {re.escape(target)}: ({re.escape(str(folder))}/\S+\.http): "
            r"No such file or directory\n",
            answer.text,
        )
        assert named, answer.text
    # A file that is put there, by hand, answers from now on.
    path = named.group(1)
    source = next(folder.glob("*/GET_issues_1.json-*"))
    folder.joinpath(path).parent.mkdir()
    folder.joinpath(path).write_bytes(source.read_bytes().replace(b"\n", b"\r\n", 1))
    assert replayer.get("/issues/1.json", [BASIC]).status == 200


def test_what_cannot_be_read(launch, fake, tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir()
    recorder = demo(launch, folder, "record", " who=any")
    assert recorder.get("/issues/1.json", [KEY]).status == 200
    recorder.stop()
    [path] = folder.glob("anyone/*")
    replayer = demo(launch, folder, "replay", " who=any", upstream=f"http://127.0.0.1:{free_port()}")
    assert replayer.get(f"/issues/1.json?key={MANAGER_KEY}").status == 504, "another target"
    good = path.read_text()
    start = "GET /\nHTTP/1.1 200 OK\n"
    for wrong, line in [("", 1), ("GET /\nHTTP/1.0 200 OK\n\n", 2), (start + "no field\n\n", 3), (start + "A: 1\n", 4)]:
        path.write_text(wrong)
        answer = replayer.get("/issues/1.json", [("Cache-Control", "no-cache")])
        assert (answer.status, answer.text) == (502, f"A recording cannot be read: {path}:{line}\n")
    path.write_text(good)
    assert replayer.get("/issues/1.json").status == 200, "who asks does not matter with who=any"


def test_a_large_answer_is_recorded_and_replayed(launch, fake, tmp_path):
    body = bytes(range(256)) * 4000  # more than a pipe holds, and than is kept
    fake.on("/attachments/download/7/large.bin", reply(200, body, [("Content-Type", "application/octet-stream")]))
    folder = tmp_path / "recordings"
    folder.mkdir()
    recorder = demo(launch, folder, "record")
    assert recorder.get("/attachments/download/7/large.bin", [KEY]).body == body
    recorder.stop()
    replayer = demo(launch, folder, "replay", upstream=f"http://127.0.0.1:{free_port()}")
    answer = replayer.get("/attachments/download/7/large.bin", [KEY])
    assert answer.body == body and answer.get("Content-Length") == str(len(body))


def test_a_validation_does_not_replace_a_recording(launch, fake, tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir()
    recorder = demo(launch, folder, "record")
    first = recorder.get("/issues/1.json", [KEY])
    [path] = folder.glob("*/GET_*")
    recorded = path.read_bytes()
    recorder.advance(3600 * 1000)
    assert recorder.get("/issues/1.json", [KEY]).text == first.text
    assert fake.requests[-1].get("If-None-Match"), "Redmine was asked whether it is still the same"
    assert path.read_bytes() == recorded


def test_an_answer_that_was_cut_is_not_recorded(launch, fake, tmp_path):
    fake.on("/issues/1.json", script(READ, head(200, {"Content-Length": 10}), b"half ", RESET))
    folder = tmp_path / "recordings"
    folder.mkdir()
    recorder = demo(launch, folder, "record")
    answer = None
    with contextlib.suppress(Broken):  # cut, if its head was told already
        answer = recorder.get("/issues/1.json", [KEY])
    assert answer is None or answer.status == 502
    recorder.stop()
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["key"]
