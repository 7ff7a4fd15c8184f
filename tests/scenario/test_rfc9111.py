"""RFC 9111 and its companions from outside: cache.policy = origin, where nothing else decides."""

import email.utils
import time

import pytest

from behaviours import in_turn, reply
from daemon import until
from redmine_model import ADMIN_KEY

OPTIONS = {"cache.policy": "origin"}
TEXT = ("Content-Type", "text/plain")


def says(fake, path, *answers):
    """Requests for that path are answered so in turn: (status, body, fields)."""
    fake.on(path, in_turn(*(reply(status, body, [TEXT, *fields]) for status, body, fields in answers)))


def once(fake, path, body=b"one", **fields):
    """The first answer has these fields (underscores for hyphens), any further is plain and not to be stored."""
    given = [(name.replace("_", "-"), value) for name, value in fields.items()]
    says(fake, path, (200, body, given), (200, b"another", [("Cache-Control", "no-store")]))


def date(offset):
    return email.utils.formatdate(time.time() + offset, usegmt=True)


@pytest.fixture
def path(fresh):
    return fresh("/page")


# What is kept, and for how long (3, 4.2).


@pytest.mark.parametrize(
    "fields",
    [
        {"Cache_Control": "max-age=60"},
        {"Cache_Control": "foo, MAX-AGE=60, bar=baz"},
        {"Cache_Control": "max-age=0, s-maxage=60"},
        {"Cache_Control": 'max-age=60, private="x-a"'},
        {"Cache_Control": "no-store, max-age=60, must-understand"},
        {"Cache_Control": "max-age=60", "Set_Cookie": "a=1"},
        {"Cache_Control": "max-age=60", "Pragma": "no-cache"},
        {"Cache_Control": "max-age=60", "Age": "old"},
        {"CDN_Cache_Control": "max-age=60", "Cache_Control": "no-store"},
        {"Expires": "Thu, 18 Aug 2050 02:01:18 gmt"},
    ],
    ids=str,
)
def test_kept(daemon, fake, path, fields):
    once(fake, path, **fields)
    assert daemon.get(path).text == "one"
    answer = daemon.get(path)
    assert answer.hit and answer.text == "one" and answer.get("Age") is not None
    assert answer.get("Set-Cookie") == fields.get("Set_Cookie")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"Cache_Control": "max-age=0"},
        {"Cache_Control": "max-age=60, no-store"},
        {"Cache_Control": "max-age=60, private"},
        {"Cache_Control": "max-age=60", "Age": "61"},
        {"Cache_Control": "max-age=60", "Vary": "*"},
        {"Cache_Control": "max-age=60", "CDN_Cache_Control": "no-store"},
        {"CDN_Cache_Control": "max-age=60, &", "Cache_Control": "no-store"},
        {"Expires": "0"},
        {"Expires": "Thu, 18 Aug 2050 02:01:18 UTC"},
    ],
    ids=str,
)
def test_not_kept(daemon, fake, path, fields):
    once(fake, path, **fields)
    assert [daemon.get(path).text, daemon.get(path).text] == ["one", "another"]


@pytest.mark.parametrize(
    "status, kept", [(200, True), (404, True), (410, True), (302, False), (403, False), (503, False)]
)
def test_heuristic_freshness(daemon, fake, path, status, kept):
    fields = [("Last-Modified", date(-86400)), ("Date", date(0))]
    says(fake, path, (status, b"one", fields), (200, b"another", []))
    assert daemon.get(path).status == status
    assert daemon.get(path).hit == kept


def test_fields_named_by_directives_are_for_the_first_alone(daemon, fake, path):
    once(fake, path, Cache_Control='max-age=60, no-cache="x-a", private="X-B, x-c"', X_A="1", X_B="2", X_D="4")
    first, second = daemon.get(path), daemon.get(path)
    assert (first.get("X-A"), first.get("X-B"), first.get("X-D")) == ("1", "2", "4")
    assert second.hit and (second.get("X-A"), second.get("X-B"), second.get("X-D")) == (None, None, "4")


def test_credentials(daemon, fake, path, fresh):
    """3.5; a Redmine key counts as Authorization, and under any policy a partition is a partition."""
    key = [("X-Redmine-API-Key", "a key")]
    once(fake, path, Cache_Control="max-age=60")
    assert [daemon.get(path, key).text, daemon.get(path, key).text] == ["one", "another"]
    public = fresh("/page")
    once(fake, public, Cache_Control="max-age=60, public")
    assert daemon.get(public, key).text == "one" and daemon.get(public, key).hit
    assert daemon.get(public).text == "another"


def test_a_key_in_a_body_stays_out_of_the_file(launch, fake, fresh):
    """What Redmine tells of its reader holds his key, whoever decides how long it is kept."""
    daemon = launch(OPTIONS)
    target = fresh("/users/current.json")
    once(fake, "/users/current.json", ADMIN_KEY.encode(), Cache_Control="public, max-age=60")
    assert daemon.get(target).text == ADMIN_KEY and daemon.get(target).hit
    daemon.restart()  # which looks for keys
    assert not daemon.get(target).hit


def test_cookies_decide_nothing(daemon, fake, path):
    once(fake, path, Cache_Control="max-age=60")
    daemon.get(path)
    assert daemon.get(path, [("Cookie", "_redmine_session=x")]).hit


def test_age_adds_up(daemon, fake, path):
    once(fake, path, Cache_Control="max-age=100", Age="30", Date=date(0))
    assert daemon.get(path).get("Age") == "30"
    answer = daemon.get(path)
    assert 30 <= int(answer.get("Age")) <= 32 and int(answer.get("Age")) + int(answer.cache["ttl"]) == 100


# Requests (5.2.1).


def test_request_directives(daemon, fake, path):
    says(fake, path, *((200, b"%d" % number, [("Cache-Control", "max-age=60"), ("Age", "20")]) for number in range(9)))
    assert daemon.get(path, [("Cache-Control", "only-if-cached")]).status == 504
    assert daemon.get(path).text == "0"
    for directive, text in [
        ("max-age=40", "0"), ("max-age=10", "1"), ("min-fresh=30", "1"), ("min-fresh=50", "2"), ("no-cache", "3"),
        ("only-if-cached", "3"), ("unknown=1", "3"), ("no-store", "4"), ("max-stale", "3"),
    ]:  # fmt: skip
        assert daemon.get(path, [("Cache-Control", directive)]).text == text, directive
    assert daemon.get(path, [("Pragma", "no-cache")]).text == "5"


# Variants (4.1).


def echo(vary, fields=()):
    """Answers with the request's fields that it varies on."""

    def behave(exchange):
        body = "/".join(exchange.request.get(name.strip()) or "-" for name in vary.split(","))
        exchange.answer(200, body.encode(), [TEXT, ("Cache-Control", "max-age=60"), ("Vary", vary), *fields])

    return behave


def test_variants_live_side_by_side(daemon, fake, path):
    fake.on(path, echo("Foo, Bar"))
    asked = [[("Foo", "1")], [("Foo", "2")], [], [("Foo", "1"), ("Bar", "3")]]
    texts = ["1/-", "2/-", "-/-", "1/3"]
    assert [daemon.get(path, fields).text for fields in asked] == texts
    for fields, text in zip(asked, texts):
        answer = daemon.get(path, [*fields, ("Other", "x")])
        assert answer.hit and answer.text == text
    assert daemon.get(path, [("Bar", "3"), ("Foo", "1")]).hit
    assert len(fake.seen(path)) == 4


@pytest.mark.workers(4)
def test_those_who_wait_get_their_own_variant(daemon, fake, path):
    """Nobody knows what an answer varies on before it is there."""
    fake.on(path, echo("Foo"))
    connections = []
    with fake.hold(path) as gate:
        for number in range(6):
            connection = daemon.connect()
            connection.ask("GET", path, [("Foo", str(number % 3))])
            connections.append(connection)
        gate.arrived()
    answers = [connection.answer() for connection in connections]
    assert [answer.text for answer in answers] == ["0", "1", "2", "0", "1", "2"]
    assert len(fake.seen(path)) <= 6
    for connection in connections:
        connection.close()


def test_vary_that_changes(daemon, fake, path):
    fake.on(path, echo("Foo"))
    assert daemon.get(path, [("Foo", "1")]).text == "1"
    fake.on(path, echo("Bar"))
    assert daemon.get(path, [("Foo", "2"), ("Bar", "3")]).text == "3"
    assert daemon.get(path, [("Foo", "9"), ("Bar", "3")]).hit
    assert daemon.get(path, [("Foo", "1")]).text == "-"


def test_variants_survive_a_restart(launch, fake, path):
    daemon = launch(OPTIONS)
    fake.on(path, echo("Foo"))
    for value in "12":
        daemon.get(path, [("Foo", value)])
    until(lambda: daemon.status["cache"]["store_queue"] == 0, "the store has it all")
    daemon.restart()
    for value in "12":
        answer = daemon.get(path, [("Foo", value)])
        assert answer.hit and answer.text == value


# Validation (4.3) and HEAD (4.3.5).


def test_304_renews_what_is_stored(daemon, fake, path):
    stored = [("Cache-Control", "max-age=0"), ("ETag", '"1"'), ("X-A", "old"), ("X-B", "stays")]
    says(
        fake,
        path,
        (200, b"one", stored),
        (304, b"", [("Cache-Control", "max-age=60"), ("ETag", '"1"'), ("X-A", "new")]),
    )
    daemon.get(path)
    answer = daemon.get(path)
    assert fake.last(path).get("If-None-Match") == '"1"'
    assert (answer.text, answer.get("X-A"), answer.get("X-B")) == ("one", "new", "stays")
    answer = daemon.get(path)
    assert answer.hit and (answer.text, answer.get("X-A")) == ("one", "new")


def test_clients_conditions(daemon, fake, path):
    modified = date(-1000)
    once(fake, path, Cache_Control="max-age=60", ETag='"1"', Last_Modified=modified)
    daemon.get(path)
    for fields, status in [
        ([("If-None-Match", '"1"')], 304), ([("If-None-Match", '"2"')], 200),
        ([("If-Modified-Since", modified)], 304), ([("If-Modified-Since", date(-2000))], 200),
        ([("If-None-Match", '"2"'), ("If-Modified-Since", date(0))], 200),
    ]:  # fmt: skip
        answer = daemon.get(path, fields)
        assert answer.hit and answer.status == status, fields
    assert daemon.get(path, [("If-Match", '"1"')]).cache["fwd"] == "bypass", "that one is for Redmine to judge"


def test_head_says_what_has_changed(daemon, fake, path, fresh):
    stored = [("Cache-Control", "max-age=1"), ("ETag", '"1"'), ("X-A", "old")]
    says(
        fake,
        path,
        (200, b"one", stored),
        (200, b"one", [("Cache-Control", "max-age=99"), ("ETag", '"1"'), ("X-A", "new")]),
    )
    daemon.get(path)
    daemon.advance(5000)
    assert daemon.request("HEAD", path).cache["fwd"] == "stale"
    assert fake.last(path).method == "HEAD"
    answer = daemon.get(path)
    assert answer.hit and (answer.text, answer.get("X-A")) == ("one", "new")
    other = fresh("/page")
    says(fake, other, (200, b"one", stored), (200, b"two", [("Cache-Control", "max-age=99"), ("ETag", '"2"')]))
    daemon.get(other)
    daemon.advance(5000)
    daemon.request("HEAD", other)
    assert daemon.get(other).text == "two", "it is another one now"


# Parts of a whole (RFC 9110 14).


def test_ranges_of_what_is_stored(daemon, fake, path):
    once(fake, path, b"0123456789", Cache_Control="max-age=60", ETag='"1"')
    daemon.get(path)
    for fields, status, body, content_range in [
        ([("Range", "bytes=2-4")], 206, "234", "bytes 2-4/10"),
        ([("Range", "bytes=8-")], 206, "89", "bytes 8-9/10"),
        ([("Range", "bytes=-3")], 206, "789", "bytes 7-9/10"),
        ([("Range", "bytes=10-")], 416, "", "bytes */10"),
        ([("Range", "bytes=1-2,4-5")], 200, "0123456789", None),
        ([("Range", "bytes=2-4"), ("If-Range", '"1"')], 206, "234", "bytes 2-4/10"),
        ([("Range", "bytes=2-4"), ("If-Range", '"2"')], 200, "0123456789", None),
    ]:
        for _ in range(2):  # the second from what is kept ready
            answer = daemon.get(path, fields)
            assert (answer.status, answer.text, answer.get("Content-Range")) == (status, body, content_range), fields
            assert answer.hit


def test_a_part_is_not_stored(daemon, fake, path):
    part = (206, b"23", [("Cache-Control", "max-age=60"), ("Content-Range", "bytes 2-3/10")])
    says(fake, path, part, (200, b"0123456789", []))
    assert daemon.get(path, [("Range", "bytes=2-3")]).status == 206
    assert fake.last(path).get("Range") == "bytes=2-3"
    assert daemon.get(path).text == "0123456789"


# Invalidation (4.4).


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PROPFIND", "M-SEARCH"])
def test_unsafe_methods_make_invalid(daemon, fake, fresh, method):
    own, location, other = fresh("/page"), fresh("/located"), fresh("/other")
    for target in (own, location, other):
        fake.on(target, reply(200, b"x", [TEXT, ("Cache-Control", "max-age=60")]), method="GET")
        daemon.get(target)
    fake.on(own, reply(500, b"no", [("Location", location)]), method=method)
    daemon.request(method, own, body=b"abc")
    assert daemon.get(own).hit, "an error makes nothing invalid"
    fake.on(own, reply(200, b"yes", [("Location", fake.base + location)]), method=method)
    assert daemon.request(method, own, body=b"abc").text == "yes"
    assert [daemon.get(target).hit for target in (own, location, other)] == [False, False, True]


@pytest.mark.workers(2)
def test_a_read_across_a_write_is_not_kept(daemon, fake, path):
    fake.on(path, reply(200, b"x", [TEXT, ("Cache-Control", "max-age=60")]))
    with fake.hold(path, method="GET") as gate, daemon.connect() as reader:
        reader.ask("GET", path)
        gate.arrived()
        daemon.request("PUT", path, body=b"abc")
        gate.open()
        assert reader.answer().text == "x"
    assert not daemon.get(path).hit


def test_what_may_be_served_stale(daemon, fake, fresh):
    """RFC 5861, and 5.2.2.2: must-revalidate forbids it."""
    for directives, status in [
        ("max-age=1", 200),
        ("max-age=1, stale-if-error=5", 503),
        ("max-age=1, must-revalidate", 503),
    ]:
        path = fresh("/page")
        says(fake, path, (200, b"one", [("Cache-Control", directives)]), (503, b"no", []))
        daemon.get(path)
        daemon.advance(10000)
        assert daemon.get(path).status == status, directives
    path = fresh("/page")
    says(
        fake,
        path,
        (200, b"one", [("Cache-Control", "max-age=1, stale-while-revalidate=60")]),
        (200, b"two", [("Cache-Control", "max-age=60")]),
    )
    daemon.get(path)
    daemon.advance(10000)
    assert daemon.get(path).text == "one"
    until(lambda: daemon.get(path).text == "two", "it was fetched anew")
