"""A stored answer is given only to those whose credential Redmine still honours."""

import json

from behaviours import reply
from daemon import until
from redmine_model import ADMIN_KEY, MANAGER_KEY

OPTIONS = {"lifetime.projects": "1h", "lifetime.issues": "1h"}
ADMIN = [("X-Redmine-API-Key", ADMIN_KEY)]
MANAGER = [("X-Redmine-API-Key", MANAGER_KEY)]
MINUTE = 60_000
WHO = "/users/current.json"


def user(fake, login):
    return next(user for user in fake.model.users if user.login == login)


def names(answer):
    return [project["name"] for project in json.loads(answer.text)["projects"]]


def test_revoked_key_is_noticed(launch, fake):
    """Redmine answers anybody with 200; what only the key's owner may see must go all the same."""
    daemon = launch(OPTIONS)
    assert "Private child" in names(daemon.get("/projects.json", MANAGER))
    daemon.advance(MINUTE + 1000)
    assert daemon.get("/projects.json", MANAGER).hit
    assert len(fake.seen(WHO)) == 1
    user(fake, "jsmith").key = "another"
    daemon.advance(MINUTE + 1000)
    answer = daemon.get("/projects.json", MANAGER)
    assert not answer.hit and "Private child" not in names(answer)
    assert names(daemon.get("/projects.json", ADMIN))[-1] == "Private child"


def test_revoked_key_is_noticed_under_the_origin_policy(launch, fake):
    """Also what Redmine lets a shared cache keep is kept for the key that it was asked with."""
    daemon = launch({"cache.policy": "origin"})
    kept = [("Content-Type", "application/json"), ("Cache-Control", "public, max-age=3600")]
    for target in ("/projects.json", "/page"):
        fake.on(target, reply(200, b"theirs", kept))
        daemon.get(target, MANAGER)
        daemon.get(target)
    daemon.advance(MINUTE + 1000)
    assert daemon.get("/page", MANAGER).hit and not fake.seen(WHO)
    assert daemon.get("/projects.json", MANAGER).hit and len(fake.seen(WHO)) == 1
    user(fake, "jsmith").key = "another"
    daemon.advance(MINUTE + 1000)
    fake.on("/projects.json", reply(200, b"anybody's", kept))
    assert daemon.get("/projects.json", MANAGER).text == "anybody's"
    assert not daemon.get("/page", MANAGER).hit
    assert daemon.get("/page").hit and daemon.get("/projects.json").text == "theirs"


def test_locked_user_is_noticed_after_a_restart(launch, fake):
    daemon = launch(OPTIONS)
    daemon.get("/projects.json", MANAGER)
    daemon.stop()
    user(fake, "jsmith").locked = True
    daemon.offset += MINUTE + 1000
    daemon.start()
    answer = daemon.get("/projects.json", MANAGER)
    assert not answer.hit and "Private child" not in names(answer)


def test_refusal_is_a_hint(launch, fake):
    """A 401 to one question is followed by a look at the key, before the minute is over."""
    daemon = launch(OPTIONS)
    daemon.get("/projects.json", MANAGER)
    user(fake, "jsmith").locked = True
    assert daemon.get("/issues/10.json", MANAGER).status == 401
    until(lambda: not daemon.get("/projects.json", MANAGER).hit, "the locked user's answers are dropped")


def test_answers_stand_while_redmine_is_away(launch, fake):
    daemon = launch(OPTIONS)
    body = daemon.get("/projects.json", MANAGER).body
    daemon.advance(MINUTE + 1000)
    fake.stop()
    try:
        answer = daemon.get("/projects.json", MANAGER)
    finally:
        fake.start()
    assert answer.hit and answer.body == body


def test_nobody_is_asked_about_without_need(launch, fake):
    daemon = launch({**OPTIONS, "cache.credential_check": "0"})
    for fields in ([], MANAGER):
        daemon.get("/projects.json", fields)
        daemon.advance(10 * MINUTE)
        assert daemon.get("/projects.json", fields).hit
    assert not fake.seen(WHO)


def test_many_answers_cost_one_question(launch, fake, fresh):
    daemon = launch(OPTIONS)
    targets = [fresh("/projects.json") for _ in range(20)]
    for target in targets:
        daemon.get(target, MANAGER)
    daemon.advance(MINUTE + 1000)
    assert all(daemon.get(target, MANAGER).hit for target in targets)
    assert len(fake.seen(WHO)) == 1
