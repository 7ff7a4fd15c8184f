"""Nobody is served what was made for another."""

import base64
import json
import threading

import pytest

from behaviours import json_reply, reply
from client import Connection
from redmine_model import ADMIN_KEY, FRESH_SESSION, LOCKED_KEY, MANAGER_KEY, PASSWORD, REPORTER_KEY, SESSION, WRONG_KEY


def basic(user, password):
    return ("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())


def header(key):
    return ("X-Redmine-API-Key", key)


# name → (fields, query): each is somebody else to a cache that cannot know better.
IDENTITIES = {
    "anonymous": ([], ""),
    "admin": ([header(ADMIN_KEY)], ""),
    "admin by query": ([], f"key={ADMIN_KEY}"),
    "admin by basic key": ([basic(ADMIN_KEY, "x")], ""),
    "admin as jsmith": ([header(ADMIN_KEY), ("X-Redmine-Switch-User", "jsmith")], ""),
    "admin as dlopper": ([header(ADMIN_KEY), ("X-Redmine-Switch-User", "dlopper")], ""),
    "manager": ([header(MANAGER_KEY)], ""),
    "manager by query": ([], f"key={MANAGER_KEY}"),
    "manager by escaped query": ([], f"%6bey={MANAGER_KEY}"),
    "manager by password": ([basic("jsmith", PASSWORD)], ""),
    "manager by wrong password": ([basic("jsmith", "wrong")], ""),
    "reporter": ([header(REPORTER_KEY)], ""),
    "reporter's key in the query, manager's in the header": ([header(MANAGER_KEY)], f"key={REPORTER_KEY}"),
    "manager's key in the query, reporter's in the header": ([header(REPORTER_KEY)], f"key={MANAGER_KEY}"),
    "two keys, manager last": ([], f"key={REPORTER_KEY}&key={MANAGER_KEY}"),
    "two keys, reporter last": ([], f"key={MANAGER_KEY}&key={REPORTER_KEY}"),
    "wrong key": ([header(WRONG_KEY)], ""),
    "wrong key in the query, admin's in the header": ([header(ADMIN_KEY)], f"key={WRONG_KEY}"),
    "locked": ([header(LOCKED_KEY)], ""),
    "bearer one": ([("Authorization", "Bearer one")], ""),
    "bearer two": ([("Authorization", "Bearer two")], ""),
    "access token one": ([], "access_token=one"),
    "access token two": ([], "access_token=two"),
    "bearer token one": ([], "bearer_token=one"),
    "bearer token two": ([], "bearer_token=two"),
    "key in upper case": ([header(MANAGER_KEY.upper())], ""),
    "two key fields": ([header(MANAGER_KEY), header(WRONG_KEY)], ""),
    "two key fields, the other way round": ([header(WRONG_KEY), header(MANAGER_KEY)], ""),
    "empty key, manager by password": ([header(""), basic("jsmith", PASSWORD)], ""),
    "empty key in the query, reporter's in the header": ([header(REPORTER_KEY)], "key="),
    "admin as nobody in particular": ([header(ADMIN_KEY), ("X-Redmine-Switch-User", "")], ""),
    "reporter as admin": ([header(REPORTER_KEY), ("X-Redmine-Switch-User", "admin")], ""),
    "key with a space behind": ([], f"key={MANAGER_KEY}%20"),
}

# Who writes the same credential otherwise may be served what was made for it.
SAME = {
    "manager by escaped query",
    "two keys, manager last",
    "empty key, manager by password",
    "admin as nobody in particular",
}
SAME |= {"empty key in the query, reporter's in the header"}


def ask(daemon, name, path):
    fields, query = IDENTITIES[name]
    return daemon.get(path + ("&" if "?" in path else "?") * bool(query) + query, fields)


@pytest.mark.parametrize(
    "path", ["/issues/10.json", "/issues.json?limit=1", "/projects.xml", "/users/current.json", "/trackers.json"]
)
def test_everybody_gets_exactly_what_redmine_says_to_him(daemon, fake, fresh, path):
    path = fresh(path)
    straight = type("Straight", (), {"get": lambda _, target, fields: Connection(fake.address).get(target, fields)})()
    truth = {name: ask(straight, name, path) for name in IDENTITIES}
    fake.requests.clear()
    for names in (list(IDENTITIES), list(reversed(IDENTITIES))):
        for name in names:
            answer = ask(daemon, name, path)
            assert (answer.status, answer.body) == (truth[name].status, truth[name].body), name
            if names[0] == "anonymous":
                assert not answer.hit or name in SAME, f"{name} was served what was made for another"
            else:
                assert answer.hit == (answer.status == 200), name


def test_private_things_stay_private(daemon, fake, fresh):
    path = fresh("/issues/10.json")
    assert ask(daemon, "manager", path).status == 200
    assert ask(daemon, "manager", path).hit
    expected = {
        "anonymous": 401,
        "reporter": 403,
        "wrong key": 401,
        "locked": 401,
        "admin as dlopper": 403,
        "admin": 200,
        "manager": 200,
    }
    for name, status in expected.items():
        assert ask(daemon, name, path).status == status, name


@pytest.mark.parametrize("form", ["{}", "*"])
def test_validators_of_others_tell_nothing(daemon, fake, fresh, form):
    """Knowing (or guessing) the tag of what another may read must not confirm it."""
    path = fresh("/issues/10.json")
    tag = ask(daemon, "manager", path).get("ETag")
    for name, status in {"anonymous": 401, "reporter": 403, "wrong key": 401}.items():
        fields, _ = IDENTITIES[name]
        assert daemon.get(path, [*fields, ("If-None-Match", form.format(tag))]).status == status


def test_wrong_key_sees_what_anonymous_sees(daemon, fake, fresh):
    path = fresh("/issues.json?limit=1")
    totals = {
        name: json.loads(ask(daemon, name, path).text)["total_count"]
        for name in ("admin", "wrong key", "anonymous", "locked")
    }
    assert totals == {"admin": 240, "wrong key": 216, "anonymous": 216, "locked": 216}


def test_refused_impersonation(daemon, fake, fresh):
    path = fresh("/issues/10.json")
    as_nobody = [header(ADMIN_KEY), ("X-Redmine-Switch-User", "nobody")]
    for count in (1, 2):
        answer = daemon.get(path, as_nobody)
        assert (answer.status, answer.body) == (412, b"")
        assert len(fake.seen("/issues/10.json")) == count
    assert daemon.get(path, [header(ADMIN_KEY)]).status == 200


@pytest.mark.parametrize("name", ["key", "k%65y", "access_token", "bearer_token", "key[]", "key[x]"])
def test_credential_parameters_reach_redmine_and_part_the_cache(daemon, fake, fresh, name):
    fake.on(
        "/issues.json",
        lambda exchange: exchange.answer(200, exchange.request.query.encode(), {"Content-Type": "application/json"}),
    )
    path = fresh("/issues.json")
    for value in ("one", "two"):
        answer = daemon.get(f"{path}&{name}={value}")
        assert answer.text == f"{path.partition('?')[2]}&{name}={value}"
    assert not daemon.get(path).hit


# Cookies.


@pytest.mark.parametrize("path", ["/issues.json", "/attachments/download/1/notes.txt", "/some/page"])
def test_requests_with_cookies_pass_by_the_cache(daemon, fake, fresh, path):
    fake.on("/some/page", reply(200, b"page", {"Cache-Control": "max-age=60"}))
    cookie = [("Cookie", f"Redmine={SESSION}; theme=dark")]
    target = fresh(path)
    for count in (1, 2):
        answer = daemon.get(target, cookie)
        assert answer.status == 200 and not answer.hit and not answer.cache.get("stored")
        assert answer.cache.get("fwd") == "bypass"
        assert len(fake.seen(target)) == count
        sent = [] if path.endswith(".json") else [cookie[0][1]]  # no identity there, only failure on an expired session
        assert fake.last(target).all("Cookie") == sent
    assert not daemon.get(target).hit
    assert daemon.get(target).hit
    assert not daemon.get(target, cookie).hit


def test_answer_to_a_session_is_not_given_to_others(daemon, fake, fresh):
    file = fake.model.add_file("private.txt", "text/plain", b"for jsmith", issue=10)
    target = fresh(f"/attachments/download/{file['id']}/private.txt")
    assert daemon.get(target, [("Cookie", f"Redmine={SESSION}")]).body == b"for jsmith"
    assert daemon.get(target).status == 302
    assert daemon.get(target, [header(MANAGER_KEY)]).body == b"for jsmith"
    assert daemon.get(target, [("Cookie", "Redmine=other"), header(REPORTER_KEY)]).status == 302


@pytest.mark.parametrize("suffix", ["json", "xml"])
def test_set_cookie_is_dropped_from_api_answers(daemon, fake, fresh, suffix):
    target = fresh(f"/issues.{suffix}")
    for _ in range(2):
        assert not daemon.get(target).has("Set-Cookie")
    answer = daemon.request(
        "PUT", f"/issues/1.{suffix}", [header(ADMIN_KEY), ("Content-Type", "application/json")], b"{}"
    )
    assert answer.status == 204 and not answer.has("Set-Cookie")


def test_who_has_a_key_is_given_no_cookie(daemon, fake, fresh):
    """A client that keeps it would send it everywhere, and pass by the cache for good."""
    fake.on("/some/file", reply(200, b"file", [("Content-Type", "text/csv"), ("Set-Cookie", "a=1")]))
    fake.on("/some/page", reply(200, b"page", [("Content-Type", "text/html"), ("Set-Cookie", "a=1")]))
    assert daemon.get(fresh("/some/page"), [header(MANAGER_KEY)]).get("Set-Cookie") == "a=1"
    target = fresh("/some/file")
    assert not daemon.get(target, [header(MANAGER_KEY)]).has("Set-Cookie")
    assert daemon.get(target, [header(MANAGER_KEY), ("Cookie", "b=1")]).get("Set-Cookie") == "a=1"
    assert daemon.get(target).get("Set-Cookie") == "a=1"


def test_set_cookie_reaches_the_one_whom_it_was_made_for_only(daemon, fake, fresh):
    target = fresh("/issues.atom")
    assert FRESH_SESSION in daemon.get(target).get("Set-Cookie")
    assert not daemon.get(target).has("Set-Cookie")
    fake.on("/some/page", reply(200, b"page", [("Cache-Control", "max-age=60"), ("Set-Cookie", "a=1")]))
    target = fresh("/some/page")
    assert daemon.get(target).get("Set-Cookie") == "a=1"
    second = daemon.get(target)
    assert second.get("Set-Cookie") == (None if second.hit else "a=1")


# What else an answer depends on.


@pytest.mark.parametrize("name, one, two", [("Accept-Language", "de", "en"), ("X-Redmine-Nometa", "1", None)])
def test_other_fields_that_matter(daemon, fake, fresh, name, one, two):
    def behave(exchange):
        exchange.answer(200, repr(exchange.request.get(name)).encode(), {"Content-Type": "application/json"})

    fake.on("/issues.json", behave)
    target = fresh()
    for _ in range(2):
        for value in (one, two, None):
            assert daemon.get(target, {name: value} if value else {}).text == repr(value)


def test_accept_matters_without_extension(daemon, fake, fresh):
    def behave(exchange):
        accept = exchange.request.get("Accept", "-")
        exchange.answer(200, accept.encode(), {"Vary": "Accept", "Cache-Control": "max-age=60"})

    fake.on("/issues/1", behave)
    target = fresh("/issues/1")
    for accept in ("text/html", "text/csv", "text/html"):
        assert daemon.get(target, {"Accept": accept}).text == accept


@pytest.mark.parametrize(
    "path", ["/users/current.json", "/users/current.xml", "/my/account.json", "/users/1.json", "/issues.atom"]
)
def test_bodies_with_secrets_are_kept_in_memory_only(launch, fake, fresh, path):
    """That the file holds none is looked at by every daemon's end; here, that they would have been kept."""
    daemon = launch()
    body = (
        b"<x>%s</x>" % ADMIN_KEY.encode()
        if path.endswith(("xml", "atom"))
        else b'{"user":{"api_key":"%s"}}' % ADMIN_KEY.encode()
    )
    kind = {
        "json": "application/json; charset=utf-8",
        "xml": "application/xml; charset=utf-8",
        "atom": "application/atom+xml",
    }
    fake.on(path, reply(200, body, {"Content-Type": kind[path.rpartition(".")[2]]}))
    target = fresh(path) + ("&key=" + ADMIN_KEY if "atom" in path else "")
    for _ in range(2):
        assert daemon.get(target, [header(ADMIN_KEY)]).body == body
    ordinary = fresh("/issues.json")
    daemon.get(ordinary)
    daemon.restart()
    assert daemon.get(ordinary).hit
    assert not daemon.get(target, [header(ADMIN_KEY)]).hit


def test_secret_of_the_store_is_private_and_lasts(launch, fake, fresh):
    """Keys in the file are keyed hashes; the secret is made once, for the daemon's user only."""
    daemon = launch()
    target = fresh()
    daemon.get(target, [header(ADMIN_KEY)])
    daemon.restart()
    assert daemon.get(target, [header(ADMIN_KEY)]).hit
    for path in daemon.cache_file.parent.iterdir():
        assert path.stat().st_mode & 0o077 == 0, f"{path.name} can be read by others: {path.stat().st_mode:o}"


def test_error_pages_do_not_repeat_secrets(daemon, fake, fresh):
    fake.stop()
    try:
        answer = daemon.get(f"/issues.json?key={ADMIN_KEY}&q=<script>", [header(MANAGER_KEY)])
    finally:
        fake.start()
    assert answer.status == 502
    for secret in (ADMIN_KEY, MANAGER_KEY, "<script>"):
        assert secret not in answer.raw.decode("latin-1") + answer.text


@pytest.mark.workers(2)
def test_equal_reads_of_different_people_are_not_merged(daemon, fake, fresh):
    target, answers = fresh("/issues.json?limit=1"), {}
    with fake.hold("/issues.json") as gate:
        threads = []
        for name in ("admin", "anonymous"):
            threads.append(threading.Thread(target=lambda name=name: answers.update({name: ask(daemon, name, target)})))
            threads[-1].start()
        gate.arrived(2)
    for thread in threads:
        thread.join()
    totals = {name: json.loads(answer.text)["total_count"] for name, answer in answers.items()}
    assert totals == {"admin": 240, "anonymous": 216}


def test_cached_json_type_is_not_mixed_up(daemon, fake, fresh):
    fake.on("/projects.json", json_reply(b"{}"))
    fake.on("/projects.xml", reply(200, b"<x/>", {"Content-Type": "application/xml"}))
    for path in ("/projects.json", "/projects.xml", "/projects.json", "/projects.xml"):
        assert daemon.get(path + "?same=1").body == (b"{}" if "json" in path else b"<x/>")
