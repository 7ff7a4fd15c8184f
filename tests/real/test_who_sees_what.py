"""Nobody is shown, from the cache, what Redmine would not show them."""

import pytest
from http_layer import ask
from people import USERS, everybody, shown_all, told_apart

# Everybody asks for these, however they say who they are,
PRIVATE = (
    "/issues/2.json",  # the admin's
    "/issues/9.json",  # rita's
    "/users/current.json",
    "/issues.json?limit=2",
)
# and for these those who use their key plainly, or none.
SHARED = (
    "/issues/1.json",  # with a field that only managers see
    "/issues/3.json",  # of a private project
    "/issues/4.json?include=journals",  # with a private note
    "/issues.json?assigned_to_id=me&limit=2",
    "/projects.json",
    "/search.json?q=private&limit=3",
    "/attachments/6.json",
    "/attachments/download/6/private.txt",
)


def rows_of(sample, private=PRIVATE, shared=SHARED):
    """Who asks for what, the mightiest first."""
    people = everybody(sample)
    return [(target, person) for target in private for person in people] + [
        (target, person) for target in shared for person in people[: len(USERS) + 1]
    ]


def wrongs(through, instance, expected):
    """Who is shown something wrong through a cache, empty as it is at first: asked by the mightiest first, then by all
    the other way round, so that everybody comes after everybody else."""
    first = shown_all(through, list(expected), instance)
    second = shown_all(through, list(expected)[::-1], instance)
    return "\n".join(filter(None, (told_apart(expected, first), told_apart(expected, second))))


@pytest.mark.long
def test_everybody_is_shown_their_own(behind, daemon, seen):
    assert wrongs(daemon.url, behind, seen(rows_of(behind.sample))) == ""


def test_the_sample_tells_them_apart(behind, seen):
    """The test above sees nothing where all are shown the same: not so here."""
    expected = seen(rows_of(behind.sample))
    for target in (*PRIVATE, *SHARED):
        assert len({found for (asked, _), found in expected.items() if asked == target}) > 1, target


@pytest.mark.parametrize("target", ["/issues/2.json", "/attachments/6.json", "/issues/2.xml", "/issues/2.json?include=journals"])
def test_what_the_admin_has_read_stays_the_admins(behind, daemon, target):
    for _ in range(2):
        assert ask(daemon.url, "GET", target, [("X-Redmine-API-Key", behind.keys["admin"])]).status == 200
    for login in ("dora", "rita", "olga", "lenny", None):
        who = [("X-Redmine-API-Key", behind.keys[login])] if login else []
        answer = ask(daemon.url, "GET", target, who)
        assert answer.status == (403 if login not in ("lenny", None) else 401)
        assert answer.body == b""


def test_a_tag_opens_no_door(behind, daemon):
    """Redmine's tag is the same for all who may read: it says nothing of who may."""
    target = "/issues/2.json"
    tag = ask(daemon.url, "GET", target, [("X-Redmine-API-Key", behind.keys["admin"])]).get("ETag")
    answer = ask(daemon.url, "GET", target, [("X-Redmine-API-Key", behind.keys["dora"]), ("If-None-Match", tag)])
    assert answer.status == 403


def test_a_session_is_nobody_to_the_api(behind, daemon):
    """A cookie of a session that is logged in neither opens anything nor comes out of the cache."""
    form = ask(daemon.url, "GET", "/login")
    cookie = form.get("Set-Cookie").split(";")[0]
    token = form.body.decode().split('name="authenticity_token" value="')[1].split('"')[0]
    sent = f"authenticity_token={token}&username=admin&password={behind.sample['passwords']['admin']}".replace("+", "%2B")
    fields = [("Content-Type", "application/x-www-form-urlencoded"), ("Cookie", cookie)]
    answer = ask(daemon.url, "POST", "/login", fields, sent.encode())
    assert answer.status == 302, answer.body[:500]
    session = [("Cookie", answer.get("Set-Cookie").split(";")[0])]
    assert b"Logged in as" in ask(daemon.url, "GET", "/", session).body
    assert ask(daemon.url, "GET", "/issues/2.json", session).status == 401
    assert ask(daemon.url, "GET", "/attachments/download/6/private.txt", session).status == 200
    assert ask(daemon.url, "GET", "/attachments/download/6/private.txt").status != 200
    assert b"Logged in as" not in ask(daemon.url, "GET", "/").body
