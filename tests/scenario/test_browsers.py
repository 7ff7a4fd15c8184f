"""What web pages need: CORS for listed origins, compressed answers, where the time went; and what others see: no change."""

import ctypes
import gzip
import json
import re

import pytest

from behaviours import json_reply, reply
from daemon import StartFailed
from redmine_model import ADMIN_KEY

PAGE = "https://dashboard.example.org"
OPTIONS = {
    "listen.allowed_origins": [PAGE, "http://LOCALHOST:3000"],
    "listen.compression": "yes",
    "listen.threads": "1",
}
KEY = [("X-Redmine-API-Key", ADMIN_KEY)]
ASKS = [("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", "x-redmine-api-key")]
LONG = json.dumps({"issues": [{"id": number, "subject": "the same again"} for number in range(300)]}).encode()


def from_page(origin=PAGE):
    return [("Origin", origin)]


def listed(answer, name):
    return [word.strip().lower() for word in (answer.get(name) or "").split(",")]


# Preflights.


@pytest.mark.parametrize("origin", [PAGE, "http://localhost:3000"])
def test_preflight_of_a_listed_origin(daemon, fake, origin):
    answer = daemon.request("OPTIONS", "/issues.json", from_page(origin) + ASKS)
    assert answer.status == 204 and not answer.body
    assert answer.get("Access-Control-Allow-Origin") == origin
    assert answer.get("Access-Control-Allow-Credentials") == "true"
    assert {"get", "post", "put", "delete"} <= set(listed(answer, "Access-Control-Allow-Methods"))
    wanted = {"x-redmine-api-key", "x-redmine-switch-user", "authorization", "content-type", "cache-control", "prefer"}
    assert wanted <= set(listed(answer, "Access-Control-Allow-Headers"))
    assert "redmine-cached-session" not in listed(answer, "Access-Control-Allow-Headers")
    assert int(answer.get("Access-Control-Max-Age")) > 0
    assert answer.get("Vary") == "Origin"
    assert answer.get("Access-Control-Allow-Private-Network") is None
    assert not fake.requests


def test_preflight_for_a_private_network(daemon):
    fields = from_page() + ASKS + [("Access-Control-Request-Private-Network", "true")]
    assert daemon.request("OPTIONS", "/issues.json", fields).get("Access-Control-Allow-Private-Network") == "true"


@pytest.mark.parametrize(
    "fields",
    [
        [],
        from_page(),
        ASKS,
        from_page("https://evil.example.org") + ASKS,
        from_page("null") + ASKS,
        from_page("http://dashboard.example.org") + ASKS,
        from_page(PAGE + ":8443") + ASKS,
        from_page(PAGE + ".evil.example.org") + ASKS,
    ],
)
def test_other_options_are_for_redmine(daemon, fake, fields):
    fake.on("/issues.json", reply(404, b"no such page"), method="OPTIONS")
    answer = daemon.request("OPTIONS", "/issues.json", fields)
    assert (answer.status, answer.body) == (404, b"no such page")
    assert len(fake.requests) == 1 and answer.get("Access-Control-Allow-Origin") is None


def test_a_preflight_is_refused_by_a_name_that_is_not_ours(daemon, fake):
    answer = daemon.request("OPTIONS", "/issues.json", from_page() + ASKS, host="rebound.example.org")
    assert answer.status == 421 and not fake.requests


# Answers.


def allows(answer, origin=PAGE):
    return (
        answer.all("Access-Control-Allow-Origin") == [origin]
        and answer.get("Access-Control-Allow-Credentials") == "true"
        and {"etag", "age", "cache-status", "location", "server-timing"}
        <= set(listed(answer, "Access-Control-Expose-Headers"))
        and "origin" in ", ".join(answer.all("Vary")).lower()
    )


def test_answers_name_the_listed_origin(daemon, fresh):
    path = fresh()
    for hit in (False, True, True):
        answer = daemon.get(path, KEY + from_page())
        assert answer.hit == hit and allows(answer), answer.fields
    assert allows(daemon.get(path, KEY + from_page("http://localhost:3000")), "http://localhost:3000")
    condition = [("If-None-Match", answer.get("ETag"))]
    unchanged = daemon.get(path, KEY + from_page() + condition)
    assert unchanged.status == 304 and allows(unchanged)


@pytest.mark.parametrize("target", ["/nothing.json", "/-/ready", "/-/nothing", "/projects/9999.json"])
def test_errors_and_own_pages_too(daemon, target):
    assert allows(daemon.get(target, KEY + from_page()))


def test_writes_too(daemon):
    body = b'{"issue":{"project_id":1,"subject":"from a page"}}'
    answer = daemon.request(
        "POST", "/issues.json", KEY + from_page() + [("Content-Type", "application/json")], body
    )
    assert answer.status == 201 and allows(answer)


def test_other_origins_are_told_nothing(daemon, fresh):
    path = fresh()
    daemon.get(path, KEY + from_page())
    for origin in ("https://evil.example.org", "null", PAGE + "/", f"{PAGE}, https://evil.example.org"):
        answer = daemon.get(path, KEY + from_page(origin))
        assert answer.status == 200
        assert not [name for name, _ in answer.fields if name.lower().startswith(("access-control", "timing-allow"))]
        assert "origin" in (answer.get("Vary") or "").lower(), "a browser's cache must not give it to a listed page"


def test_redmines_own_cors_gives_way(daemon, fake, fresh):
    path = fresh()
    fake.on(path, json_reply(b"{}", fields=[("Access-Control-Allow-Origin", "*"), ("Vary", "Accept")]))
    for _ in range(2):
        answer = daemon.get(path, KEY + from_page())
        assert allows(answer) and "Accept" in answer.all("Vary")
    assert daemon.get(fresh(), KEY).all("Access-Control-Allow-Origin") == []


def test_without_listed_origins_nothing_changes(launch, fake):
    fake.on("/issues.json", reply(404), method="OPTIONS")
    daemon = launch()
    assert daemon.request("OPTIONS", "/issues.json", from_page() + ASKS).status == 404
    answer = daemon.get("/issues.json", KEY + from_page())
    assert answer.get("Vary") is None and answer.get("Access-Control-Allow-Origin") is None


@pytest.mark.parametrize("origin", ["*", "null", "dashboard.example.org", "https://x.org/path", "ftp://x.org"])
def test_what_is_no_origin_is_an_error_of_the_settings(launch, origin):
    daemon = launch({"listen.allowed_origins": origin}, begin=False)
    with pytest.raises(StartFailed) as failure:
        daemon.start()
    assert re.search(r"redmine-cached\.conf:\d+: .*allowed: http://HOST", failure.value.stderr), failure.value.stderr


# Compression.


def test_stored_answers_are_compressed(daemon, fake, fresh):
    path = fresh()
    fake.on(path, json_reply(LONG, fields=[("ETag", 'W/"abc"')]))
    plain = daemon.get(path, KEY)
    assert plain.body == LONG and plain.get("Content-Encoding") is None
    for _ in range(3):
        packed = daemon.get(path, KEY + [("Accept-Encoding", "gzip, deflate, br")])
        assert packed.hit and packed.get("Content-Encoding") == "gzip"
        assert gzip.decompress(packed.body) == LONG and len(packed.body) < len(LONG) / 5
        assert int(packed.get("Content-Length")) == len(packed.body)
        assert "Accept-Encoding" in packed.all("Vary") and packed.get("ETag") == 'W/"abc"'
    head = daemon.request("HEAD", path, KEY + [("Accept-Encoding", "gzip")])
    assert head.get("Content-Length") == packed.get("Content-Length")
    again = daemon.get(path, KEY + [("Accept-Encoding", "gzip"), ("If-None-Match", 'W/"abc"')])
    assert again.status == 304 and again.get("Content-Encoding") is None
    assert daemon.get(path, KEY).body == LONG


def from_zstd(packed):
    """Decompressed by the library that the daemon uses."""
    library = ctypes.CDLL("libzstd.so.1")
    library.ZSTD_decompress.restype = ctypes.c_size_t
    room = ctypes.create_string_buffer(1 << 20)
    size = library.ZSTD_decompress(room, ctypes.c_size_t(len(room)), packed, ctypes.c_size_t(len(packed)))
    return room.raw[:size]


def test_zstd_where_it_is_accepted(daemon, fake, fresh):
    """As Chromium and Firefox ask; each coding has its own form, and what a 304 says of one holds for the other."""
    path = fresh()
    fake.on(path, json_reply(LONG, fields=[("ETag", '"abc"')]))
    daemon.get(path, KEY)
    for accepts, coding in (
        ("gzip, deflate, br, zstd", "zstd"),
        ("zstd", "zstd"),
        ("gzip;q=0.5, zstd;q=0.4", "gzip"),
        ("zstd;q=0, *", "gzip"),
        ("*", "zstd"),
        ("identity, zstd;q=0.5, gzip;q=0.5", None),
    ):
        for _ in range(2):
            answer = daemon.get(path, KEY + [("Accept-Encoding", accepts)])
            assert answer.hit and answer.get("Content-Encoding") == coding, accepts
            body = {"zstd": from_zstd, "gzip": gzip.decompress, None: bytes}[coding](answer.body)
            assert body == LONG and int(answer.get("Content-Length")) == len(answer.body)
            assert answer.get("ETag") == ('W/"abc"' if coding else '"abc"')
            assert ("Accept-Encoding" in answer.all("Vary")) == bool(coding)
    again = daemon.get(path, KEY + [("Accept-Encoding", "zstd"), ("If-None-Match", 'W/"abc"')])
    assert again.status == 304


def test_compressed_forms_count_as_memory(launch, fake):
    fake.on("/issues.json", json_reply(LONG))
    daemon = launch({"listen.compression": "yes"})
    for _ in range(2):
        daemon.get("/issues.json", KEY)

    def held():
        return json.loads(daemon.get("/-/status.json").body)["cache"]["memory_bytes"]

    before = held()
    size = len(daemon.get("/issues.json", KEY + [("Accept-Encoding", "gzip")]).body)
    with_gzip = held()
    assert with_gzip >= before + size
    size = len(daemon.get("/issues.json", KEY + [("Accept-Encoding", "zstd")]).body)
    assert held() >= with_gzip + size


def test_a_strong_etag_becomes_weak(daemon, fake, fresh):
    path = fresh()
    fake.on(path, json_reply(LONG, fields=[("ETag", '"abc"')]))
    assert daemon.get(path, KEY).get("ETag") == '"abc"'
    assert daemon.get(path, KEY + [("Accept-Encoding", "gzip")]).get("ETag") == 'W/"abc"'
    assert daemon.get(path, KEY + [("If-None-Match", 'W/"abc"')]).status == 304


@pytest.mark.parametrize(
    "fields", [[], [("Accept-Encoding", "br")], [("Accept-Encoding", "gzip"), ("Cache-Control", "no-transform")]]
)
def test_not_for_who_does_not_want_it(daemon, fake, fresh, fields):
    path = fresh()
    fake.on(path, json_reply(LONG))
    for _ in range(3):
        answer = daemon.get(path, KEY + fields)
        assert answer.body == LONG and answer.get("Content-Encoding") is None
        assert "Accept-Encoding" not in answer.all("Vary")


def test_links_are_led_back_in_compressed_answers(daemon, fake, fresh):
    path = fresh("/issues/1.json")
    body = json.dumps({"attachments": [{"content_url": f"{fake.base}/attachments/download/{n}/a.txt"} for n in range(99)]})
    fake.on(path, json_reply(body.encode()))
    for _ in range(3):
        answer = daemon.get(path, KEY + [("Accept-Encoding", "gzip")])
        urls = [row["content_url"] for row in json.loads(gzip.decompress(answer.body))["attachments"]]
        assert urls == [f"http://127.0.0.1:{daemon.port}/attachments/download/{n}/a.txt" for n in range(99)]


def test_by_default_not_on_the_same_machine(launch, fake):
    fake.on("/issues.json", json_reply(LONG))
    daemon = launch()
    accepts = KEY + [("Accept-Encoding", "gzip")]
    for _ in range(2):
        assert daemon.get("/issues.json", accepts).body == LONG
    for _ in range(2):
        answer = daemon.get("/issues.json", accepts + [("X-Forwarded-For", "192.0.2.7")])
        assert answer.get("Content-Encoding") == "gzip"


# JSONP and times.


def test_jsonp_is_redmines(daemon, fake, fresh):
    path = fresh("/issues.json?callback=show")
    script = [("Content-Type", "application/javascript; charset=utf-8")]
    fake.on(path, reply(200, b'show({"issues":[]})', script))
    for _ in range(2):
        answer = daemon.get(path, KEY)
        assert answer.body == b'show({"issues":[]})' and answer.get("Content-Type") == script[0][1]


def test_server_timing(daemon, fresh):
    path = fresh()
    assert re.fullmatch(r"cache;desc=miss, upstream;dur=\d+\.\d", daemon.get(path, KEY).get("Server-Timing"))
    for _ in range(3):
        assert daemon.get(path, KEY).get("Server-Timing") == "cache;desc=hit"
    assert daemon.get(path, KEY + from_page()).get("Timing-Allow-Origin") == PAGE
