"""What is kept, for how long, under which name, and how an answer says so."""

import json

import pytest

from behaviours import json_reply, reply
from client import ttl
from daemon import until
from redmine_model import ADMIN_KEY

OPTIONS = {
    "lifetime.issues": "100s",
    "lifetime.issue": "200s",
    "lifetime.projects": "0s",
    "cache.object_limit": "256K",
}
ADMIN = [("X-Redmine-API-Key", ADMIN_KEY)]


def test_miss_then_hit(daemon, fake, fresh):
    target = fresh()
    miss, hit = daemon.get(target), daemon.get(target)
    assert miss.cache_status == "redmine-cached; fwd=uri-miss; stored"
    assert not miss.has("Age")
    assert hit.cache_status == f"redmine-cached; hit; ttl={ttl(hit)}"
    assert 0 < ttl(hit) <= 100 and 0 <= int(hit.get("Age")) <= 100
    assert (hit.status, hit.reason, hit.body) == (miss.status, miss.reason, miss.body)
    names = {"Content-Type", "ETag", "Cache-Control", "X-Request-Id", "X-Runtime", "X-Frame-Options", "Via"}
    assert {name: hit.all(name) for name in names} == {name: miss.all(name) for name in names}
    assert hit.get("Content-Length") == str(hit.content.size)
    assert len(fake.requests) == 1


def test_age_and_lifetime(daemon, fake, fresh):
    target = fresh()
    daemon.get(target)
    daemon.advance(40_000)
    hit = daemon.get(target)
    assert 40 <= int(hit.get("Age")) < 60 and 40 < ttl(hit) <= 60
    assert int(hit.get("Age")) + ttl(hit) in (99, 100), "both are whole seconds, cut"
    daemon.advance(65_000)
    stale = daemon.get(target)
    assert not stale.hit and stale.cache["fwd"] == "stale" and stale.status == 200
    assert daemon.get(target).hit
    assert len(fake.requests) == 2


def test_stale_entry_is_replaced(daemon, fake, fresh):
    target = fresh("/issues/5.json")
    daemon.get(target)
    fake.model.issues[5]["subject"] = "changed elsewhere"
    assert "changed elsewhere" not in daemon.get(target).text
    daemon.advance(210_000)
    assert "changed elsewhere" in daemon.get(target).text
    assert "changed elsewhere" in daemon.get(target).text


def test_stale_entry_that_did_not_change(daemon, fake, fresh):
    """However the daemon asks again, conditionally or not, the client sees a whole 200."""
    target = fresh("/issues/5.json")
    first = daemon.get(target)
    daemon.advance(210_000)
    again = daemon.get(target)
    assert (again.status, again.body, again.get("ETag")) == (200, first.body, first.get("ETag"))
    assert (again.get("Content-Type"), daemon.get(target).body) == (first.get("Content-Type"), first.body)
    assert daemon.get(target).hit


def test_lifetime_zero_keeps_nothing(daemon, fake, fresh):
    target = fresh("/projects.json")
    for count in (1, 2):
        answer = daemon.get(target)
        assert not answer.hit and not answer.cache.get("stored")
        assert len(fake.requests) == count


def test_clock_that_goes_back_serves_nothing_for_ever(daemon, fake, fresh):
    daemon.advance(3_600_000)
    target = fresh()
    daemon.get(target)
    daemon.advance(-3_600_000)
    answer = daemon.get(target)
    assert not answer.hit or ttl(answer) <= 100
    assert int(answer.get("Age", "0")) >= 0
    fake.wait_seen(count=2)  # it is asked for anew, if behind the client's back


# The name of an answer.


EQUAL = [
    ("?a=1&b=2", "?b=2&a=1"),
    ("?limit=5&limit=10", "?limit=10"),
    ("?%61=1", "?a=1"),
    ("?a=%41", "?a=A"),
    ("?a=x+y", "?a=x%20y"),
    ("?a=1&", "?a=1"),
    ("?v[a][]=1&v[a][]=2&b=1", "?b=1&v[a][]=1&v[a][]=2"),
    ("?v%5Ba%5D%5B%5D=1", "?v[a][]=1"),
]
DIFFERENT = [
    ("?v[a][]=1&v[a][]=2", "?v[a][]=2&v[a][]=1"),
    ("?limit=5&limit=10", "?limit=10&limit=5"),
    ("?a=1", "?a=2"),
    ("?a=1", "?a=1&b="),
    ("?a=1%26b=2", "?a=1&b=2"),
    ("?a=1%3Db", "?a=1&b"),
    ("?a=b%2Bc", "?a=b+c"),
    ("?a=1;b=2", "?a=1&b=2"),
    ("?A=1", "?a=1"),
    ("?a[]=1", "?a=1"),
    ("?a=A", "?a=a"),
    ("?f[]=x&f[]=y", "?f[]=y&f[]=x"),
    ("?a=%00", "?a="),
    ("?a=1&callback=f", "?a=1"),
]


@pytest.mark.parametrize("one, two", EQUAL)
def test_equal_questions_share_an_answer(daemon, fake, fresh, one, two):
    path = fresh("/issues.json" + one)
    mark = path.rpartition("&nonce=")[2]
    daemon.get(path)
    assert daemon.get(f"/issues.json{two}&nonce={mark}").hit
    assert len(fake.requests) == 1


@pytest.mark.parametrize("one, two", DIFFERENT)
def test_different_questions_share_none(daemon, fake, fresh, one, two):
    fake.on(
        "/issues.json",
        lambda exchange: exchange.answer(200, exchange.request.target.encode(), {"Content-Type": "application/json"}),
    )
    mark = fresh("/x").rpartition("nonce=")[2]
    for _ in range(2):
        for query in (one, two):
            target = f"/issues.json{query}&nonce={mark}"
            assert daemon.get(target).text == target
    assert len(fake.requests) == 2


@pytest.mark.parametrize(
    "one, two",
    [
        ("/issues.json", "/issues.xml"),
        ("/issues/1.json", "/issues/2.json"),
        ("/issues.json", "/projects/1/issues.json"),
        ("/issues/1.json", "/issues/1"),
        ("/issues.json", "/ISSUES.json"),
    ],
)
def test_different_paths_share_none(daemon, fake, fresh, one, two):
    fake.on(
        lambda request: True,
        lambda exchange: exchange.answer(
            200, exchange.request.path.encode(), {"Content-Type": "application/json", "Cache-Control": "max-age=60"}
        ),
    )
    mark = fresh("/x").rpartition("/x")[2]
    for path in (one, two, one, two):
        assert daemon.get(path + mark).text == path


def test_query_reaches_redmine_as_it_came(daemon, fake, fresh):
    target = fresh("/issues.json?b=2&a=%31&limit=5&limit=10")
    daemon.get(target)
    assert fake.last().target == target


# What is kept.


@pytest.mark.parametrize(
    "status", [201, 202, 203, 204, 206, 300, 302, 400, 401, 403, 404, 406, 410, 412, 422, 429, 500, 502, 503, 504]
)
def test_only_200_is_kept(daemon, fake, fresh, status):
    fake.on("/issues.json", reply(status, b"" if status == 204 else b"{}", {"Content-Type": "application/json"}))
    target = fresh()
    for count in (1, 2):
        answer = daemon.get(target)
        assert (answer.status, answer.hit, bool(answer.cache.get("stored"))) == (status, False, False)
        assert len(fake.seen(target)) == count


def test_no_store_of_the_origin_is_obeyed(daemon, fake, fresh):
    fake.on("/issues.json", json_reply(b"{}", fields={"Cache-Control": "no-store"}.items()))
    target = fresh()
    assert not daemon.get(target).cache.get("stored")
    assert not daemon.get(target).hit


@pytest.mark.parametrize(
    "fields, kept",
    [
        ({"Cache-Control": "max-age=60"}, True),
        ({"Cache-Control": "public, max-age=60"}, True),
        ({"Cache-Control": "s-maxage=60, max-age=0"}, True),
        ({"Cache-Control": 'max-age="60"'}, None),
        ({"Cache-Control": "max-age=0"}, False),
        ({"Cache-Control": "max-age=60, no-store"}, False),
        ({"Cache-Control": "max-age=60, no-cache"}, False),
        ({"Cache-Control": "no-store"}, False),
        ({}, False),
        ({"Vary": "*", "Cache-Control": "max-age=60"}, False),
        ({"Cache-Control": "max-age=60", "Age": "61"}, False),
        ({"Expires": "0"}, False),
        ({"Expires": "Thu, 01 Jan 1970 00:00:00 GMT", "Cache-Control": "max-age=60"}, True),
        ({"Date": "Wed, 21 Oct 2015 07:28:00 GMT", "Expires": "Wed, 21 Oct 2015 07:28:00 GMT"}, False),
    ],
    ids=str,
)
def test_unknown_paths_follow_the_standard(daemon, fake, fresh, fields, kept):
    """RFC 9111 sections 3 and 4.2; None where either is right."""
    fake.on("/some/plugin.json", json_reply(b"{}", fields=fields.items()))
    target = fresh("/some/plugin.json")
    assert not daemon.get(target).hit
    answer = daemon.get(target)
    assert kept is None or answer.hit == kept
    assert len(fake.seen(target)) == (1 if answer.hit else 2)


def test_unknown_paths_age_by_the_standard(daemon, fake, fresh):
    fake.on("/some/plugin.json", json_reply(b"{}", fields=[("Cache-Control", "max-age=600"), ("Age", "500")]))
    target = fresh("/some/plugin.json")
    daemon.get(target)
    hit = daemon.get(target)
    assert hit.hit and 500 <= int(hit.get("Age")) <= 520 and ttl(hit) <= 100
    assert len(hit.all("Age")) == 1
    daemon.advance(110_000)
    assert daemon.get(target).cache["fwd"] == "stale"


def test_unknown_paths_vary(daemon, fake, fresh):
    def behave(exchange):
        exchange.answer(
            200,
            exchange.request.get("X-Flavour", "plain").encode(),
            {"Cache-Control": "max-age=60", "Vary": "X-Flavour"},
        )

    fake.on("/some/plugin.json", behave)
    target = fresh("/some/plugin.json")
    for flavour in ("sweet", "salty", "sweet", "salty"):
        assert daemon.get(target, {"X-Flavour": flavour}).text == flavour
    assert daemon.get(target).text == "plain"


def test_object_over_the_limit_is_passed_on_and_not_kept(daemon, fake, fresh):
    fake.on("/issues.json", json_reply(b"x" * 300_000))
    target = fresh()
    for _ in range(2):
        answer = daemon.get(target)
        assert answer.content.size == 300_000 and not answer.hit and not answer.cache.get("stored")


def test_policy_origin_asks_every_time(launch, fake, fresh):
    """Redmine says max-age=0, private, must-revalidate; under this policy it means what it says."""
    daemon = launch({"cache.policy": "origin"})
    target = fresh("/issues/5.json")
    first = daemon.get(target)
    for count in (2, 3):
        answer = daemon.get(target)
        assert not answer.hit and (answer.status, answer.body) == (200, first.body)
        assert len(fake.requests) == count
    fake.model.issues[5]["subject"] = "changed elsewhere"
    assert "changed elsewhere" in daemon.get(target).text


# Budgets and restarts.


def body_of(target, size=20000):
    return (json.dumps({"target": target}).encode() + b" " * size)[:size]


def read_and_stored(daemon, targets):
    """Reads all of them, no faster than the store takes them in: it may drop what is too much for its queue."""
    for number, target in enumerate(targets):
        assert daemon.get(target).body == body_of(target)
        if number % 50 == 49:
            until(lambda: daemon.status["cache"]["store_queue"] == 0, "the store has taken in what was read")


def test_what_leaves_memory_is_found_in_the_store(launch, fake, fresh):
    daemon = launch({"cache.memory": "1M"})
    fake.on(
        "/issues.json",
        lambda exchange: exchange.answer(200, body_of(exchange.request.target), {"Content-Type": "application/json"}),
    )
    targets = [fresh() for _ in range(200)]
    read_and_stored(daemon, targets)
    hits = [daemon.get(target) for target in targets]
    assert all(answer.body == body_of(target) for answer, target in zip(hits, targets))
    assert all(answer.hit for answer in hits), f"{sum(answer.hit for answer in hits)} of 200 were still known"
    assert len(fake.requests) == 200


def test_store_stays_in_its_budget(launch, fake, fresh):
    daemon = launch({"cache.memory": "1M", "cache.size": "4M"})
    fake.on(
        "/issues.json",
        lambda exchange: exchange.answer(200, body_of(exchange.request.target), {"Content-Type": "application/json"}),
    )
    targets = [fresh() for _ in range(600)]
    read_and_stored(daemon, targets)

    def size():
        return sum(path.stat().st_size for path in daemon.cache_file.parent.glob(daemon.cache_file.name + "*"))

    until(lambda: size() < 6 << 20, f"12 MB of answers fit the 4 MB given, now {size()}")
    assert sum(daemon.get(target).hit for target in targets[-20:]) >= 18, "what came last is kept"


def test_memory_alone(launch, fake, fresh):
    daemon = launch({"cache.path": ""})
    target = fresh()
    daemon.get(target)
    assert daemon.get(target).hit
    assert daemon.ready == (200, daemon.ready[1])
    daemon.restart()
    assert not daemon.get(target).hit


def test_restart_answers_at_once_and_alone(launch, fake, fresh):
    daemon = launch()
    answers = {}
    for number in range(1, 40):
        target = fresh(f"/issues/{number}.json")
        answer = daemon.get(target, ADMIN)
        if answer.status == 200:
            answers[target] = answer
    daemon.stop()
    fake.stop()
    try:
        daemon.start()
        for target, answer in answers.items():
            again = daemon.get(target, ADMIN)
            assert again.hit and (again.body, again.get("ETag")) == (answer.body, answer.get("ETag"))
    finally:
        fake.start()


def test_lifetime_goes_on_across_a_restart(launch, fake, fresh):
    daemon = launch({"lifetime.issues": "100s"})
    target = fresh()
    daemon.get(target)
    daemon.stop()
    daemon.offset += 70_000
    daemon.start()
    hit = daemon.get(target)
    assert hit.hit and int(hit.get("Age")) >= 70 and ttl(hit) <= 30
    daemon.stop()
    daemon.offset += 70_000
    daemon.start()
    assert not daemon.get(target).hit


def test_answers_of_another_origin_are_not_served(launch, fake, fresh):
    """The file outlives a change of upstream.url; what it holds of the old one must not answer for the new."""
    daemon = launch()
    target = fresh("/trackers.json")
    daemon.get(target)
    daemon.stop()
    daemon.configure({"upstream.url": fake.base + "/other"})
    fake.on("/other/trackers.json", json_reply(b'{"trackers":["other"]}'))
    daemon.start()
    assert daemon.get(target).text == '{"trackers":["other"]}'
