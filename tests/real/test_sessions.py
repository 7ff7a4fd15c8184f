"""Sessions that the daemon holds: who uses one is shown what its credential is shown, and nobody else is."""

import json
import os

import pytest
from redminelib import Redmine
from redminelib.exceptions import AuthError, BaseRedmineError

from client import Connection
from http_layer import ask
from people import Person, basic, shown

TOKEN = "t0ken-of-the-partner"
TARGETS = ("/users/current.json", "/issues/2.json", "/issues/9.json", "/issues.json?limit=2", "/issues/4.json?include=journals")


def named(name, *more):
    return Person(name, (("Redmine-Cached-Session", name), *more))


@pytest.fixture
def holding(launch, behind, tmp_path):
    """A daemon with a session for each form of credential, and for each way to say who may use it."""
    keys, passwords = behind.keys, behind.sample["passwords"]
    secrets = {
        "admin": keys["admin"],
        "mona": keys["mona"],
        "olga": keys["olga"],
        "dora": passwords["dora"],
        "wrong": "0" * 40,
        "password": "wrong",
        "token": TOKEN,
    }
    for name, text in secrets.items():
        (tmp_path / name).write_text(text + "\n")
        (tmp_path / name).chmod(0o600)
    daemon = launch(behind, begin=False)
    daemon.socket = str(tmp_path / "socket")
    daemon.secrets.add(TOKEN)
    door = f"127.0.0.1:{daemon.port}"
    sessions = {
        "key": {"key_file": "mona", "listeners": door},
        "password": {"username": "dora", "password_file": "dora", "listeners": door},
        "as-rita": {"key_file": "admin", "impersonate": "rita", "token_file": "token"},
        "as-nobody": {"key_file": "admin", "impersonate": "nobody", "listeners": door},
        "wrong-key": {"key_file": "wrong", "listeners": door},
        "wrong-password": {"username": "dora", "password_file": "password", "listeners": door},
        "mine": {"key_file": "olga", "uids": os.getuid()},
        "others": {"key_file": "admin", "uids": os.getuid() + 4242},
        "on-socket": {"key_file": "admin", "listeners": f"unix:{daemon.socket}"},
    }
    options = {
        f"session.{session}.{option}": tmp_path / value if option.endswith("_file") else value
        for session, rows in sessions.items()
        for option, value in rows.items()
    }
    daemon.configure({"listen.address": [door, f"unix:{daemon.socket}"], **options})
    return daemon.start()


def on_socket(daemon, target, name):
    with Connection(daemon.socket) as connection:
        return connection.get(target, named(name).headers)


def test_each_form_of_credential(behind, holding):
    """Each session is shown what Redmine shows to its credential, cold and warm, whoever came before."""
    keys, passwords = behind.keys, behind.sample["passwords"]

    def key(login):
        return ("X-Redmine-API-Key", keys[login])

    pairs = [
        (named("key"), Person("mona", (key("mona"),))),
        (named("password"), Person("dora", (basic("dora", passwords["dora"]),))),
        (
            named("as-rita", ("Redmine-Cached-Token", TOKEN)),
            Person("admin as rita", (key("admin"), ("X-Redmine-Switch-User", "rita"))),
        ),
        (
            named("as-nobody"),
            Person("admin as nobody known", (key("admin"), ("X-Redmine-Switch-User", "nobody"))),
        ),
        (named("wrong-key"), Person("a wrong key", (("X-Redmine-API-Key", "0" * 40),))),
        (named("wrong-password"), Person("a wrong password", (basic("dora", "wrong"),))),
    ]
    expected = {
        (target, session.name): shown(behind.url, target, alike, behind) for target in TARGETS for session, alike in pairs
    }
    assert len({expected["/users/current.json", session.name] for session, _ in pairs[:3]}) == 3
    assert expected["/users/current.json", "as-nobody"][0] == 412
    assert {expected["/users/current.json", name][0] for name in ("wrong-key", "wrong-password")} == {401}
    # An admin's own reads come first, and after them each session's, in both directions.
    for target in TARGETS:
        assert ask(holding.url, "GET", target, [key("admin")]).status == 200
    for order in (pairs, pairs[::-1]):
        for target in TARGETS:
            for session, _ in order:
                found = shown(holding.url, target, session, behind)
                assert found == expected[target, session.name], f"{session.name} asking {target}"
    # What a session has read is there for who sends the same credential, and for nobody else.
    mark = behind.mark()
    for session, alike in pairs[:3]:
        assert shown(holding.url, TARGETS[0], alike, behind) == expected[TARGETS[0], session.name]
    assert behind.reached(mark) == []


def test_a_refused_impersonation_leaves_nothing(behind, holding):
    mark = behind.mark()
    for count in (1, 2):
        assert ask(holding.url, "GET", "/issues/1.json", named("as-nobody").headers).status == 412
        assert len(behind.reached(mark)) == count


def test_who_may(behind, holding):
    mark = behind.mark()
    for person in (
        named("as-rita"),
        named("as-rita", ("Redmine-Cached-Token", TOKEN[:-1])),
        named("mine"),
        named("others"),
        named("on-socket"),
        named("none-of-this-name"),
    ):
        answer = ask(holding.url, "GET", "/users/current.json", person.headers)
        assert answer.status == 400 and b"Redmine-Cached-Session" in answer.body, person.name
    assert on_socket(holding, "/users/current.json", "others").status == 400
    assert on_socket(holding, "/users/current.json", "key").status == 400, "of another door"
    assert behind.reached(mark) == []
    for name, login in (("mine", "olga"), ("on-socket", "admin")):
        answer = on_socket(holding, "/users/current.json", name)
        assert answer.status == 200 and json.loads(answer.text)["user"]["login"] == login
    page = [("Origin", "https://elsewhere.example")]
    assert ask(holding.url, "GET", "/users/current.json", [*named("key").headers, *page]).status == 403


def test_a_client_that_knows_no_key(behind, holding):
    """python-redmine, with nothing but the name of a session; what it writes is its session's doing."""

    def client(name, **more):
        return Redmine(holding.url, requests={"headers": {"Redmine-Cached-Session": name, **more}})

    assert client("key").auth().login == "mona"
    assert client("password").auth().login == "dora"
    rita = client("as-rita", **{"Redmine-Cached-Token": TOKEN})
    assert rita.auth().login == "rita"
    with pytest.raises(AuthError):
        client("wrong-key").auth()
    with pytest.raises(BaseRedmineError):
        client("as-nobody").auth()

    def watchers():
        return [user.id for user in client("key").issue.get(5, include=["watchers"]).watchers]

    mona = client("key").auth().id
    before = watchers()
    assert mona not in before
    mark = behind.mark()
    client("key").issue.get(5).watcher.add(mona)
    try:
        assert mona in watchers()
    finally:
        client("key").issue.get(5).watcher.remove(mona)
    assert watchers() == before
    assert [r["method"] for r in behind.reached(mark) if r["method"] != "GET"] == ["POST", "DELETE"]
