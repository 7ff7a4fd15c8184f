"""Sessions that the daemon holds for requests which name them."""

import json
import os
import re
import signal
from pathlib import Path

import pytest

from behaviours import json_reply, reply
from client import Connection
from daemon import StartFailed, run, until
from redmine_model import ADMIN_KEY, MANAGER_KEY, PASSWORD, REPORTER_KEY, WRONG_KEY

TOKEN = "t0ken-of-the-dashboard"


def secret(directory, name, text, mode=0o600):
    path = directory / name
    path.write_text(text + "\n")
    path.chmod(mode)
    return path


def named(name, *more):
    return [("Redmine-Cached-Session", name), *more]


@pytest.fixture
def secrets(tmp_path):
    directory = tmp_path / "secrets"
    directory.mkdir()
    secret(directory, "key", MANAGER_KEY)
    secret(directory, "admin", ADMIN_KEY)
    secret(directory, "password", PASSWORD)
    secret(directory, "token", TOKEN)
    return directory


@pytest.fixture
def configure(launch, secrets):
    """A function: a daemon, started, with a Unix socket beside its port, and these options of sessions."""

    def start(options, begin=True):
        daemon = launch(begin=False)
        daemon.socket = str(daemon.directory / "socket")
        daemon.door = f"127.0.0.1:{daemon.port}"
        daemon.secrets |= {TOKEN}
        options = {
            f"session.{name}": str(value)
            .replace("@", str(secrets))
            .replace("DOOR", daemon.door)
            .replace("SOCKET", f"unix:{daemon.socket}")
            for name, value in options.items()
        }
        daemon.configure({"listen.address": [daemon.door, f"unix:{daemon.socket}"], **options})
        return daemon.start() if begin else daemon

    return start


def on_socket(daemon, target, fields=()):
    with Connection(daemon.socket) as connection:
        return connection.get(target, fields)


def test_the_key_is_the_daemons(configure, fake, fresh):
    daemon = configure({"a.key_file": "@/key", "a.listeners": "DOOR"})
    target = fresh("/issues/10.json")
    answer = daemon.get(target, named("a"))
    assert answer.status == 200, "a private issue that the manager sees"
    sent = fake.last()
    assert sent.get("X-Redmine-API-Key") == MANAGER_KEY
    assert not [name for name, _ in sent.fields if name.lower().startswith("redmine-cached")]
    assert daemon.get(target).status != 200, "and nobody else"
    assert daemon.get(target, named("a")).hit


def test_it_shares_with_whoever_sends_the_same_key(configure, fake, fresh):
    daemon = configure({"a.key_file": "@/key", "a.listeners": "DOOR"})
    target = fresh("/issues/10.json")
    assert daemon.get(target, [("X-Redmine-API-Key", MANAGER_KEY)]).status == 200
    assert daemon.get(target, named("a")).hit
    assert not daemon.get(target, [("X-Redmine-API-Key", REPORTER_KEY)]).hit


def test_user_and_password(configure, fake, fresh):
    daemon = configure({"a.username": "jsmith", "a.password_file": "@/password", "a.listeners": "DOOR"})
    assert daemon.get(fresh("/issues/10.json"), named("a")).status == 200
    assert fake.last().get("Authorization").startswith("Basic ")


def test_impersonation(configure, fake, fresh):
    daemon = configure({"a.key_file": "@/admin", "a.impersonate": "jsmith", "a.listeners": "DOOR"})
    assert '"login":"jsmith"' in daemon.get(fresh("/users/current.json"), named("a")).text
    assert fake.last().get("X-Redmine-Switch-User") == "jsmith"


def test_an_impersonation_that_redmine_refuses(configure, fake, fresh):
    daemon = configure({"a.key_file": "@/admin", "a.impersonate": "nobody", "a.listeners": "DOOR"})
    target = fresh()
    for count in (1, 2):
        answer = daemon.get(target, named("a"))
        assert answer.status == 412 and not answer.hit, answer
        assert len(fake.seen(target)) == count, "nothing of it is kept"


@pytest.mark.parametrize(
    "fields",
    [
        [("X-Redmine-API-Key", REPORTER_KEY)],
        [("Authorization", "Bearer x")],
        [("X-Redmine-Switch-User", "admin")],
        [("Cookie", "_redmine_session=x")],
    ],
)
def test_a_credential_beside_it_is_refused(configure, fake, fresh, fields):
    daemon = configure({"a.key_file": "@/key", "a.listeners": "DOOR"})
    answer = daemon.get(fresh(), named("a", *fields))
    assert answer.status == 400 and "Redmine-Cached-Session" in answer.text
    answer = daemon.get(fresh() + f"&key={REPORTER_KEY}", named("a"))
    assert answer.status == 400
    assert not fake.requests


def test_a_session_without_a_credential_goes_with_the_clients(configure, fake, fresh):
    daemon = configure({"a.timeout": "7s", "a.listeners": "DOOR"})
    assert daemon.get(fresh("/issues/10.json"), named("a", ("X-Redmine-API-Key", MANAGER_KEY))).status == 200
    assert daemon.get(fresh("/issues/10.json"), named("a")).status != 200


@pytest.mark.parametrize("name", ["b", "", "a ", "A", "../a", "a" * 100])
def test_an_unknown_name(configure, fake, fresh, name):
    daemon = configure({"a.key_file": "@/key", "a.gids": "4242424"})
    unknown = daemon.get(fresh(), named(name))
    assert unknown.status == 400 and "Redmine-Cached-Session" in unknown.text
    known = daemon.get(fresh(), named("a"))
    assert known.status == 400 and known.text == unknown.text, "which names there are is not told"
    assert not fake.requests


def test_two_names(configure, fake, fresh):
    daemon = configure({"a.key_file": "@/key", "a.listeners": "DOOR"})
    assert daemon.get(fresh(), named("a") + named("a")).status == 400


def test_who_may_by_listener(configure, fake, fresh):
    daemon = configure({"a.key_file": "@/key", "a.listeners": "SOCKET"})
    target = fresh("/issues/10.json")
    assert on_socket(daemon, target, named("a")).status == 200
    assert on_socket(daemon, target, named("a")).hit
    assert on_socket(daemon, target, named("a")).hit, "prepared"
    assert daemon.get(target, named("a")).status == 400


def test_who_may_by_user_and_group(configure, fake, fresh):
    mine, other = os.getuid(), os.getuid() + 4242
    daemon = configure(
        {
            "mine.key_file": "@/key",
            "mine.uids": f"{other} {mine}",
            "group.key_file": "@/key",
            "group.uids": other,
            "group.gids": os.getgid(),
            "other.key_file": "@/key",
            "other.uids": other,
            "other.gids": os.getgid() + 4242,
        }
    )
    target = fresh("/issues/10.json")
    assert on_socket(daemon, target, named("mine")).status == 200
    assert on_socket(daemon, target, named("group")).status == 200
    assert on_socket(daemon, target, named("other")).status == 400
    assert daemon.get(target, named("mine")).status == 400, "a port does not tell who connects"


def test_who_may_by_token(configure, fake, fresh):
    daemon = configure({"a.key_file": "@/key", "a.token_file": "@/token"})
    token = ("Redmine-Cached-Token", TOKEN)
    target = fresh("/issues/10.json")
    assert daemon.get(target, named("a")).status == 400
    for wrong in (TOKEN[:-1], TOKEN + "x", TOKEN.upper(), ""):
        assert daemon.get(target, named("a", ("Redmine-Cached-Token", wrong))).status == 400
    assert not fake.requests
    for _ in range(3):
        assert daemon.get(target, named("a", token)).status == 200
    assert fake.last().get("Redmine-Cached-Token") is None
    assert daemon.get(target, named("a")).status == 400, "also when it is prepared for who has it"


def test_all_that_is_demanded_must_hold(configure, fake, fresh):
    daemon = configure({"a.key_file": "@/key", "a.listeners": "SOCKET", "a.token_file": "@/token"})
    token = ("Redmine-Cached-Token", TOKEN)
    assert daemon.get(fresh(), named("a", token)).status == 400
    assert on_socket(daemon, fresh(), named("a")).status == 400
    assert on_socket(daemon, fresh(), named("a", token)).status == 200


def test_no_web_page_of_another_origin(configure, fake, fresh):
    daemon = configure({"a.key_file": "@/key", "a.listeners": "DOOR", "b.timeout": "9s", "b.listeners": "DOOR"})
    own = f"http://{daemon.door}"
    for field in [
        ("Origin", "http://evil.example"),
        ("Origin", "null"),
        ("Origin", own + ".evil.example"),
        ("Origin", own.replace("http:", "https:")),
        ("Origin", f"http://localhost:{daemon.port}"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Site", "whatever"),
    ]:
        for name in ("a", "b"):
            answer = daemon.get(fresh(), named(name, field))
            assert answer.status == 403 and "Redmine-Cached-Session" in answer.text, field
    assert not fake.requests
    for field in [("Origin", own), ("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "none")]:
        assert daemon.get(fresh("/issues/10.json"), named("a", field)).status == 200


def test_a_reload_reads_the_secrets_anew(configure, secrets, fake, fresh):
    daemon = configure({"a.key_file": "@/key", "a.listeners": "DOOR"})
    target = fresh("/issues/10.json")
    assert daemon.get(target, named("a")).status == 200
    secret(secrets, "key", REPORTER_KEY)
    daemon.signal(signal.SIGHUP)
    daemon.logged("the new settings are in force")
    assert daemon.get(target, named("a")).status == 403
    assert fake.last().get("X-Redmine-API-Key") == REPORTER_KEY
    secret(secrets, "key", MANAGER_KEY, mode=0o644)
    daemon.signal(signal.SIGHUP)
    daemon.logged(r"the settings stay as they were: .*key_file: .*/secrets/key: others than its owner can read")
    assert daemon.get(fresh("/issues.json"), named("a")).status == 200
    assert fake.last().get("X-Redmine-API-Key") == REPORTER_KEY


def test_a_session_ends_with_its_section(configure, fake, fresh):
    daemon = configure({"a.key_file": "@/key", "a.listeners": "DOOR"})
    target = fresh("/issues/10.json")
    assert daemon.get(target, named("a")).status == 200
    assert daemon.get(target, named("a")).hit
    daemon.configure({name: None for name in daemon.options if name.startswith("session.")})
    daemon.signal(signal.SIGHUP)
    daemon.logged("the new settings are in force")
    assert daemon.get(target, named("a")).status == 400


@pytest.mark.parametrize(
    "options, problem",
    [
        ({"a.key_file": "@/none", "a.listeners": "DOOR"}, "key_file: .*/secrets/none: No such file"),
        ({"a.key_file": "@/key"}, 'session "a" does not say who may use it'),
        ({"a.key_file": "@/key", "a.listeners": "127.0.0.1:1"}, "listeners: 127.0.0.1:1 is not one of listen.address"),
    ],
)
def test_settings_that_do_not_work(configure, options, problem):
    daemon = configure(options, begin=False)
    with pytest.raises(StartFailed) as failed:
        daemon.start()
    assert failed.value.code == 6
    daemon.logged(rf"redmine-cached\.conf:\d+: {problem}")


def test_what_is_printed_has_no_secret(configure):
    daemon = configure({"a.key_file": "@/key", "a.listeners": "DOOR", "a.token_file": "@/token"}, begin=False)
    code, out, _ = run("--config", daemon.config, "--print-config")
    assert code == 0 and '[session "a"]' in out
    assert MANAGER_KEY not in out and TOKEN not in out


def test_the_example_of_the_documentation(launch, tmp_path, fake, fresh):
    """doc/sessions.md, with its files elsewhere and this user for www-data."""
    text = (Path(__file__).parents[2] / "doc" / "sessions.md").read_text()
    example = re.search(r"```ini\n(.*?)```", text, re.DOTALL).group(1)
    for name, content in {"dashboard-key": MANAGER_KEY, "partner.password": PASSWORD, "partner.token": TOKEN}.items():
        secret(tmp_path, name, content)
    for name in ("partner-ca.pem", "partner.pem"):
        secret(tmp_path, name, "")
    daemon = launch(begin=False, env={"CREDENTIALS_DIRECTORY": str(tmp_path)})
    daemon.secrets.add(TOKEN)
    daemon.configure({"listen.address": None})
    example = example.replace("/etc/redmine-cached", str(tmp_path)).replace("/run/redmine-cached", str(tmp_path))
    example = example.replace("www-data", str(os.getuid())).replace(":7336", f":{daemon.port}")
    with open(daemon.config, "a") as config:
        config.write(example)
    daemon.start()
    with Connection(f"{tmp_path}/http.sock") as connection:
        assert connection.get(fresh("/issues/10.json"), named("dashboard")).status == 200
    assert daemon.get(fresh(), named("dashboard")).status == 400
    assert daemon.get(fresh(), named("partner")).status == 400
    assert (
        daemon.get(fresh(), named("partner", ("Redmine-Cached-Token", TOKEN))).status == 502
    ), "there is no such proxy"


def test_a_write_by_a_session(configure, fake, fresh):
    daemon = configure({"a.key_file": "@/key", "a.listeners": "DOOR"})
    fields = named("a", ("Content-Type", "application/json"))
    assert daemon.request("PUT", "/issues/1.json", fields, b'{"issue":{"subject":"by a session"}}').status == 204
    assert "by a session" in daemon.get("/issues/1.json", named("a")).text
    assert fake.last(method="PUT").get("X-Redmine-API-Key") == MANAGER_KEY


def test_an_answer_for_another_way_is_not_shared(configure, fake, fresh):
    """What comes through a proxy, or unverified, is not served to those who come by the usual way."""
    daemon = configure(
        {
            "usual.key_file": "@/key",
            "usual.listeners": "DOOR",
            "unverified.key_file": "@/key",
            "unverified.listeners": "DOOR",
            "unverified.verify": "no",
            "slow.key_file": "@/key",
            "slow.listeners": "DOOR",
            "slow.timeout": "50s",
        }
    )
    target = fresh("/issues/10.json")
    assert daemon.get(target, named("unverified")).status == 200
    assert not daemon.get(target, named("usual")).hit
    assert daemon.get(target, named("slow")).hit
    assert daemon.get(target, named("unverified")).hit


def test_through_a_proxy_of_its_own(configure, fake, fresh):
    """The proxy is a fake Redmine, too: it sees the absolute form of what it is asked for."""
    daemon = configure({"a.key_file": "@/key", "a.listeners": "DOOR", "a.proxy": fake.base})
    fake.on(lambda request: request.target.startswith("http://"), json_reply(b'{"by":"proxy"}'))
    fake.on("/proxied.json", json_reply(b'{"by":"proxy"}'))
    answer = daemon.get("/proxied.json", named("a"))
    assert answer.status == 200
    assert fake.last().get("X-Redmine-API-Key") == MANAGER_KEY
    daemon.configure({"session.a.proxy": "http://127.0.0.1:9"})
    daemon.signal(signal.SIGHUP)
    daemon.logged("the new settings are in force")
    assert daemon.get(fresh(), named("a")).status == 502, "a proxy where nobody listens"
    assert daemon.get(fresh()).status == 200


def test_a_time_limit_of_its_own(configure, fake, fresh):
    daemon = configure({"a.timeout": "300ms", "a.listeners": "DOOR"})
    with fake.hold("/slow.json"):
        assert daemon.get("/slow.json", named("a")).status == 504


def test_a_wrong_key_is_anonymous_and_apart(configure, secrets, fake, fresh):
    secret(secrets, "wrong", WRONG_KEY)
    daemon = configure({"a.key_file": "@/wrong", "a.listeners": "DOOR"})
    target = fresh("/projects.json")
    fake.on("/projects.json", reply(200, b'{"projects":[]}', [("Content-Type", "application/json")]))
    assert daemon.get(target, named("a")).status == 200
    assert not daemon.get(target).hit


@pytest.mark.parametrize("name, more", [("key", []), ("plain", [("X-Redmine-API-Key", MANAGER_KEY)])])
def test_whole_lists(configure, fake, name, more):
    daemon = configure(
        {"key.key_file": "@/key", "key.listeners": "DOOR", "plain.timeout": "9s", "plain.listeners": "DOOR"}
    )
    answer = daemon.get("/issues.json?limit=all", named(name, *more))
    assert answer.status == 200
    assert len(json.loads(answer.text)["issues"]) == 240, "with those that only the manager sees"
    pages = [request for request in fake.requests if request.path == "/issues.json"]
    assert pages and all(request.get("X-Redmine-API-Key") == MANAGER_KEY for request in pages)


def test_an_engine_of_its_own(configure, engine, fake, fresh):
    other = "sync" if engine == "async" else "async"
    daemon = configure({"a.engine": other, "a.listeners": "DOOR"}, begin=False)
    daemon.configure({f"engine.{other}.queue": 100})
    daemon.start()

    def done():
        return {row["name"]: row["done"] for row in daemon.status["engines"]}

    def counted(expected):
        """A client may have its answer before the engine counts it."""
        until(lambda: done() == expected, f"the engines have done {expected}")

    assert daemon.get(fresh(), named("a")).status == 200
    counted({engine: 0, other: 1})
    assert daemon.get(fresh()).status == 200
    counted({engine: 1, other: 1})
    assert daemon.get(fresh(), named("a", ("Redmine-Cached-Engine", engine))).status == 200
    counted({engine: 2, other: 1})  # what the request says goes before
    daemon.configure({"session.a.engine": "process" if "process" not in (engine, other) else "thread"})
    daemon.signal(signal.SIGHUP)
    daemon.logged(r'engine: no engine "\w+" runs')
