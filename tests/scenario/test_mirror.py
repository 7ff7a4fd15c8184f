"""What a client sends reaches Redmine as it was, and what Redmine says comes back as it was."""

import contextlib
import json

import pytest

from behaviours import chunked_reply, GONE, head, READ, reply, script
from client import Connection, masked
from redmine_model import ADMIN_KEY

ANY = lambda request: True  # noqa: E731
KEY = ("X-Redmine-API-Key", ADMIN_KEY)

TARGETS = [
    "/",
    "/?",
    "/x?",
    "/x?a=1?b=2",
    "//issues.json",
    "/issues.json/",
    "/./issues.json",
    "/a/../b",
    "/a/./b//c/",
    "/../../etc/passwd",
    "/%70ub",
    "/%2e%2e/x",
    "/issues%2ejson",
    "/issues/1%2Ejson",
    "/a%2Fb",
    "/a%00b",
    "/x?q=%zz",
    "/x?q=%E2%82%AC&r=\xc3\xbc",
    "/\xc3\xbc",
    "/x;y=1/z?a=1;b=2",
    "/x?v[a][]=2&v[a][]=1&f[]=",
    "/x?a=>=2024-01-01|<\"'{}^`\\",
    "/x?q=a+b&q=a%20b",
    "/x~!$&'()*,=:@-._",
    "/issues.json?q=" + "x" * 10240,
    "/-x/y",
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: ascii(target[:40]))
def test_target_arrives_byte_for_byte(daemon, fake, target):
    fake.on(ANY, reply(200, b"here"))
    answer = daemon.get(target, {"Cache-Control": "no-cache"})
    assert (answer.status, answer.body) == (200, b"here")
    (seen,) = fake.seen()
    assert seen.line == f"GET {target} HTTP/1.1"


@pytest.mark.parametrize(
    "method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "REPORT", "LOCK", "BREW", "x-own"]
)
def test_every_method_is_forwarded(daemon, fake, fresh, method):
    fake.on(ANY, reply(200, b"done"))
    body = b"text" if method != "GET" else None
    answer = daemon.request(method, fresh("/some/path"), body=body)
    assert (answer.status, answer.body) == (200, b"done")
    (seen,) = fake.seen()
    assert (seen.method, bytes(seen.body.kept)) == (method, body or b"")


def test_options_asterisk(daemon, fake):
    fake.on(ANY, reply(200, b"all"))
    assert daemon.request("OPTIONS", "*").body == b"all"
    assert fake.last().target == "*"


# Requests.


def test_end_to_end_fields_arrive_and_others_do_not(daemon, fake, fresh):
    fake.on(ANY, reply(200, b"x"))
    sent = [
        KEY,
        ("Authorization", "Basic Zm9vOmJhcg=="),
        ("X-Redmine-Switch-User", "jsmith"),
        ("Accept", "text/x; q=0.5, */*;q=0.1"),
        ("User-Agent", "scenario/1  (two spaces)"),
        ("X-Twice", "b"),
        ("X-Between", "-"),
        ("X-Twice", "a"),
        ("X-Empty", ""),
        ("X-Bytes", "gr\xfc\xdf"),
        ("Accept-Language", "de-CH, de;q=0.9"),
        ("X-Request-Id", "mine"),
        ("Referer", "http://elsewhere.example/"),
        ("If-Match", '"x"'),
    ]
    hop = [
        ("Connection", "keep-alive, X-Hop"),
        ("X-Hop", "1"),
        ("Keep-Alive", "timeout=9"),
        ("Proxy-Connection", "keep-alive"),
        ("TE", "trailers"),
        ("Upgrade", "h2c"),
        ("Trailer", "X-T"),
        ("X-Forwarded-Host", "evil.example"),
        ("Forwarded", "host=evil.example"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Ssl", "on"),
        ("X-Forwarded-Scheme", "https"),
        ("X-Forwarded-Port", "443"),
        ("Client-IP", "192.0.2.1"),
        ("X-Sendfile-Type", "X-Accel-Redirect"),
        ("X-Accel-Mapping", "/=/"),
        ("X-Accel-Buffering", "no"),
        ("Redmine-Cached-Anything", "1"),
    ]
    assert daemon.get(fresh("/some/path"), sent + hop).status == 200
    seen = fake.last()
    for name in {name for name, _ in sent}:
        assert seen.all(name) == [value for known, value in sent if known == name], name
    for name in {name for name, _ in hop} - {"Connection"}:
        assert not seen.has(name), f"{name} reached Redmine"
    assert "x-hop" not in seen.get("Connection", "").lower()
    assert seen.all("Host") == [fake.host]
    assert seen.all("Via") == ["1.1 redmine-cached"]


def test_nothing_is_added_to_a_bare_request(daemon, fake, fresh):
    fake.on(ANY, reply(200, b"x"))
    daemon.get(fresh("/some/path"))
    assert {name.lower() for name, _ in fake.last().fields} <= {"host", "via", "accept-encoding", "connection"}
    daemon.request("POST", fresh("/some/path"), body=b"a=1")
    names = {name.lower() for name, _ in fake.last().fields}
    assert names - {"accept-encoding", "connection"} == {"host", "via", "content-length"}


def test_via_of_others_is_kept(daemon, fake, fresh):
    fake.on(ANY, reply(200, b"x", [("Via", "1.0 origin-side")]))
    answer = daemon.get(fresh("/some/path"), {"Via": "1.0 fred, 1.1 p.example"})
    assert fake.last().get("Via") == "1.0 fred, 1.1 p.example, 1.1 redmine-cached"
    assert answer.get("Via") == "1.0 origin-side, 1.1 redmine-cached"


@pytest.mark.parametrize("framing", ["length", "chunked", "empty", "none"])
def test_request_bodies(daemon, fake, fresh, framing):
    fake.on(ANY, reply(200, b"x"))
    data = bytes(range(256)) * 300
    body = {"length": data, "chunked": iter([data[:1], data[1:]]), "empty": b"", "none": None}[framing]
    assert daemon.request("POST", fresh("/x"), [("Content-Type", "application/octet-stream")], body).status == 200
    seen = fake.last()
    assert bytes(seen.body.kept) == (data if framing in ("length", "chunked") else b"")
    assert seen.all("Content-Type") == ["application/octet-stream"]
    assert not (seen.has("Content-Length") and seen.has("Transfer-Encoding"))


def test_expect_continue(daemon, fake, fresh):
    fake.on(ANY, reply(200, b"x"))
    with daemon.connect() as connection:
        connection.ask("POST", fresh("/x"), [("Expect", "100-continue"), ("Content-Length", "5")])
        assert connection.stream.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        connection.send(b"hello")
        assert connection.answer().status == 200
    assert bytes(fake.last().body.kept) == b"hello"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("body", [b"limit=3", "chunked"], ids=["length", "chunked"])
def test_reads_with_a_body_are_refused(daemon, fake, fresh, method, body):
    answer = daemon.request(method, fresh(), body=iter([b"limit=3"]) if body == "chunked" else body)
    assert answer.status == 400
    assert not fake.seen()


def test_read_with_content_length_zero_is_a_read(daemon, fake, fresh):
    assert daemon.get(fresh(), {"Content-Length": "0"}).status == 200
    assert fake.last().method == "GET"


# Answers.


def direct(fake, target, fields=(), method="GET"):
    """What the fake says when asked without the daemon."""
    with Connection(fake.address) as connection:
        return connection.request(method, target, fields)


READS = [
    "/issues.json",
    "/issues.xml?limit=3",
    "/issues.atom",
    "/issues.csv",
    "/issues/1",
    "/issues/1.json",
    "/issues/10.json",
    "/issues/9999.json",
    "/projects.json",
    "/users/current.json",
    "/issues.json?updated_on=garbage",
    "/issues.JSON",
    "/no/such/route",
    "/attachments/download/1/notes.txt",
    "/trackers.json",
]


@pytest.mark.parametrize("identity", ["anonymous", "admin"])
@pytest.mark.parametrize("target", READS)
def test_answer_is_what_redmine_says(daemon, fake, target, identity):
    own = {"no-transform": ("Cache-Control", "no-transform"), "id": ("X-Request-Id", "same")}
    fields = list(own.values()) + ([KEY] if identity == "admin" else [])
    host = fake.host
    expected = direct(fake, target, fields)
    answer = daemon.get(target, [*fields, ("X-Nothing", host)])
    assert (answer.status, answer.reason) == (expected.status, expected.reason)
    assert answer.body == expected.body
    ours, theirs = masked(answer.fields), masked(expected.fields)
    page = "html" in (expected.get("Content-Type") or "")
    if target.split("?")[0].endswith((".json", ".xml")) or (identity == "admin" and not page):
        theirs = [field for field in theirs if field[0] != "set-cookie"]
    extra = {"connection", "keep-alive"}
    assert sorted(field for field in ours if field[0] not in extra) == sorted(theirs)


@pytest.mark.parametrize(
    "status, reason",
    [(200, "Fine by me"), (201, "Created"), (202, "Later"), (299, "Own"), (418, "I'm a teapot")]
    + [
        (418, "Short and stout"),
        (422, "Unprocessable Content"),
        (451, "No"),
        (500, "Oh no"),
        (503, "Maintenance"),
        (599, "Strange"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_status_and_reason(daemon, fake, fresh, status, reason, method):
    fake.on(ANY, reply(status, b"text", [("Content-Type", "text/plain")], reason))
    answer = daemon.request(method, fresh("/x"), body=b"y" if method == "PUT" else None)
    assert (answer.status, answer.reason, answer.body) == (status, reason, b"text")


def test_answer_fields(daemon, fake, fresh):
    fields = [
        ("X-Twice", "2"),
        ("Content-Type", "text/plain"),
        ("X-Twice", "1"),
        ("WWW-Authenticate", 'Basic realm="a"'),
        ("WWW-Authenticate", 'Bearer realm="b"'),
        ("Set-Cookie", "a=1; path=/"),
        ("Set-Cookie", "b=2; path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT"),
        ("X-Empty", ""),
        ("X-Bytes", "gr\xfc\xdf"),
        ("Date", "Tue, 15 Nov 1994 08:12:31 GMT"),
        ("Server", "puma"),
        ("Link", "</a>; rel=next"),
        ("Link", "</b>; rel=prev"),
        ("X-Lower-case", "kept"),
    ]
    hop = [
        ("Connection", "X-Hop"),
        ("X-Hop", "1"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "close"),
        ("Upgrade", "h2c"),
    ]
    fake.on(ANY, reply(200, b"x", fields + hop))
    answer = daemon.get(fresh("/some/page"))
    for name in {name for name, _ in fields}:
        assert answer.all(name) == [value for known, value in fields if known == name], name
    for name in ("X-Hop", "Proxy-Connection", "Upgrade"):
        assert not answer.has(name), name
    assert answer.get("Keep-Alive") != "timeout=5"
    assert ("X-Lower-case", "kept") in answer.fields
    assert answer.all("Via") == ["1.1 redmine-cached"]
    allowed = {"via", "cache-status", "server-timing", "connection", "keep-alive", "content-length"}
    assert {name.lower() for name, _ in answer.fields} - {name.lower() for name, _ in fields} <= allowed


def test_chunked_and_unframed_answers(daemon, fake, fresh):
    fake.on("/chunked", chunked_reply([b"ab", b"cd" * 40000]))
    assert daemon.get("/chunked").body == b"ab" + b"cd" * 40000
    fake.on(
        "/close",
        script(READ, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end", lambda exchange: exchange.close()),
    )
    assert daemon.get("/close").body == b"until the end"
    fake.on("/old", script(READ, b"HTTP/1.0 200 OK\r\n\r\nuntil the end", lambda exchange: exchange.close()))
    assert daemon.get("/old").body == b"until the end"


def test_trailers_do_no_harm(daemon, fake, fresh):
    steps = [
        READ,
        head(200, {"Transfer-Encoding": "chunked", "Trailer": "X-Sum"}),
        b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n",
    ]
    fake.on("/trailers", script(*steps))
    with daemon.connect() as connection:
        assert connection.get("/trailers").body == b"abc"
        assert connection.get("/trackers.json").status == 200


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_body(daemon, fake, fresh, status):
    fake.on(ANY, reply(status, b"", [("X-It", "is")]))
    with daemon.connect() as connection:
        answer = connection.request("GET", fresh("/x"), {"If-None-Match": '"e"'})
        assert (answer.status, answer.get("X-It")) == (status, "is")
        assert not answer.has("Transfer-Encoding") and answer.get("Content-Length", "0") == "0"
        assert connection.request("PUT", fresh("/x"), body=b"1").status == status
        fake.on(ANY, reply(200, b"next"))
        assert connection.get(fresh("/y")).body == b"next"


def test_empty_200(daemon, fake, fresh):
    fake.on(ANY, reply(200, b""))
    answer = daemon.request("PUT", fresh("/x"), body=b"1")
    assert (answer.status, answer.get("Content-Length"), answer.body) == (200, "0", b"")


def test_interim_answers(daemon, fake, fresh):
    interim = head(103, {"Link": "</style.css>; rel=preload"}, "Early Hints")
    fake.on(ANY, script(READ, interim, head(102, (), "Processing"), head(200, {"Content-Length": 5}), b"final"))
    for method in ("GET", "POST"):
        answer = daemon.request(method, fresh("/x"), body=b"y" if method == "POST" else None)
        assert (answer.status, answer.body) == (200, b"final")
        assert not answer.has("Link") and [interim.status for interim in answer.interim] == [103, 102]


def test_redirects_are_not_followed(daemon, fake, fresh):
    fake.on("/away", reply(302, b"moved", [("Location", "http://elsewhere.example/x")]))
    answer = daemon.get("/away")
    assert (answer.status, answer.get("Location"), answer.body) == (302, "http://elsewhere.example/x", b"moved")
    assert len(fake.seen()) == 1


@pytest.mark.parametrize("size", [100_000, 20_000_000])
def test_final_answer_before_the_body_was_sent(daemon, fake, fresh, size):
    """Redmine may refuse an upload while it is still coming; the client is told so, at its end at the latest."""
    fake.on("/uploads.json", script(head(401, {"Content-Length": 0, "Connection": "close"}), GONE))
    with daemon.connect() as connection:
        connection.ask("POST", fresh("/uploads.json"), [("Content-Length", str(size))])
        with contextlib.suppress(OSError):
            connection.send(bytes(size))
        assert connection.head().status == 401


def test_limit_above_100_is_not_lifted(daemon, fake, fresh):
    """Clients that page by themselves would get rows twice."""
    page = json.loads(daemon.get(fresh("/issues.json?limit=500")).text)
    assert (len(page["issues"]), page["limit"], page["total_count"]) == (100, 100, 216)
    (seen,) = fake.seen()
    assert "limit=500" in seen.target and "offset" not in seen.target


# A Redmine below a sub-URI.


@pytest.fixture
def below(launch, fake):
    fake.model.root = "/redmine"
    return launch(upstream=fake.base + "/redmine")


@pytest.mark.parametrize(
    "target, expected",
    [
        ("/issues.json?x=1", "/redmine/issues.json?x=1"),
        ("/redmine/issues.json?x=2", "/redmine/issues.json?x=2"),
        ("/", "/redmine/"),
        ("/redmine/", "/redmine/"),
        ("//issues.json", "/redmine//issues.json"),
        ("/redminely.json", "/redmine/redminely.json"),
        ("/%72edmine/issues.json", "/redmine/%72edmine/issues.json"),
        ("/a/../b?c=/redmine/", "/redmine/a/../b?c=/redmine/"),
    ],
)
def test_sub_uri_is_put_in_front_once(below, fake, target, expected):
    fake.on(ANY, reply(200, b"x"))
    below.get(target)
    assert fake.last().target == expected


@pytest.mark.parametrize("trailing", ["", "/"])
def test_sub_uri_with_and_without_slash_at_its_end(launch, fake, trailing):
    fake.model.root = "/redmine"
    below = launch(upstream=fake.base + "/redmine" + trailing)
    assert below.get("/issues.json").status == 200
    assert fake.last().target == "/redmine/issues.json"


def test_sub_uri_reads_are_cached_and_written(below, fake):
    key = [KEY, ("Content-Type", "application/json")]
    for target in ("/issues/1.json", "/redmine/issues/1.json"):
        below.get(target)
        assert below.get(target).hit
        assert below.request("PUT", target, key, b'{"issue":{"subject":"new"}}').status == 204
        answer = below.get(target)
        assert not answer.hit and '"subject":"new"' in answer.text
