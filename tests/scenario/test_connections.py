"""HEAD, and what becomes of connections on both sides."""

import json

import pytest

from behaviours import chunked_reply, reply

# HEAD.


@pytest.mark.parametrize(
    "target",
    [
        "/issues.json?limit=7",
        "/issues/2.xml",
        "/attachments/download/1/notes.txt",
        "/issues/1.json?include=attachments",
    ],
)
@pytest.mark.parametrize("order", ["cold", "warm"])
def test_head_tells_what_get_would(daemon, fake, fresh, target, order):
    target = fresh(target)
    with daemon.connect() as connection:
        if order == "warm":
            connection.get(target)
        bare = connection.request("HEAD", target)
        whole = connection.get(target)
    assert bare.status == whole.status == 200
    assert bare.get("Content-Length") == str(whole.content.size) != "0"
    for name in ("Content-Type", "ETag", "Cache-Control"):
        assert bare.get(name) == whole.get(name)


@pytest.mark.parametrize("status", [404, 401, 500])
def test_head_of_errors(daemon, fake, fresh, status):
    fake.on("/issues.json", reply(status, b"", [("Content-Type", "application/json")]))
    with daemon.connect() as connection:
        assert connection.request("HEAD", fresh()).status == status
        assert connection.get("/trackers.json").status == 200


def test_head_of_an_unknown_path(daemon, fake, fresh):
    fake.on("/some/page", reply(200, b"text", {"X-It": "is"}))
    with daemon.connect() as connection:
        answer = connection.request("HEAD", fresh("/some/page"))
        assert (answer.status, answer.get("X-It")) == (200, "is")
        assert not answer.has("Content-Length"), "Redmine says 0 for every HEAD: that is no length to pass on"
        if answer.get("Connection") == "close":
            assert connection.closed()
        else:
            assert connection.get("/trackers.json").status == 200


def test_range_is_ignored_as_redmine_does(daemon, fake, fresh):
    target = fresh()
    for _ in ("cold", "warm"):
        answer = daemon.get(target, {"Range": "bytes=0-9"})
        assert (answer.status, answer.has("Content-Range")) == (200, False)
        assert len(json.loads(answer.text)["issues"]) == 25


# Connections.


def test_one_connection_each_side_serves_many(launch, engine, fake, fresh):
    daemon = launch({f"engine.{engine}.workers": 1})
    with daemon.connect() as connection:
        for _ in range(20):
            assert connection.get(fresh()).status == 200
            assert connection.get("/trackers.json").status == 200
    assert len({request.connection for request in fake.seen("/issues.json")}) == 1


@pytest.mark.parametrize("query", ["x=<", "limit=%zz", "x=" + "y" * 9000])
def test_what_a_server_may_refuse_goes_out_on_a_connection_of_its_own(launch, engine, fake, fresh, query):
    """Puma waits 20 s for the rest of it where another request came before."""
    daemon = launch({f"engine.{engine}.workers": 1})
    with daemon.connect() as connection:
        assert connection.get(fresh()).status == 200
        connection.get(fresh() + "&" + query)
    first, second = fake.seen("/issues.json")
    assert query in second.target and first.connection != second.connection


def test_standard_library_client(daemon, fake, fresh):
    http = daemon.http()
    for method, target, status in [
        ("GET", fresh(), 200),
        ("HEAD", fresh(), 200),
        ("GET", "/issues/9999.json", 404),
        ("PUT", "/issues/1.json", 401),
    ]:
        http.request(method, target, body=b"{}" if method == "PUT" else None)
        answer = http.getresponse()
        data = answer.read()
        assert answer.status == status
        assert not (method == "HEAD" and data)
    http.close()


def test_pipelined_requests_are_answered_in_order(daemon, fake, fresh):
    with daemon.connect() as connection:
        for number in (3, 1, 2):
            connection.ask("GET", fresh(f"/issues/{number}.json"))
        assert [json.loads(connection.answer().text)["issue"]["id"] for _ in range(3)] == [3, 1, 2]


def test_request_in_single_bytes(daemon, fake, fresh):
    data = f"PUT {fresh('/x')} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc".encode()
    fake.on("/x", reply(200, b"whole"))
    with daemon.connect() as connection:
        for byte in data:
            connection.send(bytes([byte]))
        assert connection.answer().body == b"whole"
    assert bytes(fake.last("/x").body.kept) == b"abc"


def test_close_is_honoured(daemon, fake, fresh):
    with daemon.connect() as connection:
        answer = connection.get(fresh(), {"Connection": "close"})
        assert answer.whole and answer.get("Connection", "").lower() == "close"
        assert connection.closed()


def test_old_protocol_version(daemon, fake, fresh):
    fake.on("/chunked", chunked_reply([b"ab", b"cd"]))
    with daemon.connect() as connection:
        answer = connection.get("/chunked", version="HTTP/1.0")
        assert answer.body == b"abcd" and not answer.has("Transfer-Encoding")
        assert connection.closed()


def test_request_without_host_is_refused(daemon, fake, fresh):
    assert daemon.get(fresh(), host=False).status == 400
    assert not fake.seen()
