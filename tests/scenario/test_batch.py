"""Several reads in one request."""

import json

import pytest

from behaviours import reply
from daemon import until
from redmine_model import ADMIN_KEY, MANAGER_KEY, REPORTER_KEY

KEY = [("X-Redmine-API-Key", ADMIN_KEY)]
JSON = [("Content-Type", "application/json")]


def batch(daemon, reads, fields=KEY, kind=JSON):
    return daemon.request("POST", "/-/batch", [*fields, *kind], json.dumps(reads).encode())


def responses(answer):
    assert answer.status == 200 and answer.whole, answer.text
    assert answer.get("Content-Type") == "application/json; charset=utf-8"
    return json.loads(answer.text)["responses"]


def test_answers_in_order_with_bodies_inlined(daemon, fake, fresh):
    numbers = [5, 1, 240, 17, 3, 99, 7, 8, 120, 12]
    found = responses(batch(daemon, [fresh(f"/issues/{number}.json") for number in numbers]))
    assert [each["body"]["issue"]["id"] for each in found] == numbers
    assert {each["status"] for each in found} == {200}
    assert all(each["headers"]["Content-Type"] == "application/json; charset=utf-8" for each in found)
    assert {request.get("X-Redmine-API-Key") for request in fake.seen()} == {ADMIN_KEY}


def test_equal_ones_are_asked_once(daemon, fake, fresh):
    path, unknown = fresh("/issues/1.json"), fresh("/issues/0.json")
    found = responses(batch(daemon, [path, unknown, path, {"path": path}, unknown]))
    assert [each["status"] for each in found] == [200, 404, 200, 200, 404]
    assert len(fake.seen()) == 2
    assert found[0] == found[2] == found[3]


def test_all_batches_together_hold_so_much(launch, fake):
    daemon = launch({"cache.object_limit": "64K", "collections.batch_memory": "128K"})
    many = [f"/issues/{number}.json" for number in range(1, 21)]
    with fake.hold(lambda request: request.path == "/issues/100.json") as gate, daemon.connect() as connection:
        fields = [*KEY, *JSON]
        connection.ask("POST", "/-/batch", fields, json.dumps(["/issues/100.json", "/issues/101.json"]).encode())
        gate.arrived()
        refused = batch(daemon, many)
        assert refused.status == 503 and refused.get("Retry-After") == "1"
        assert "batch_memory" in json.loads(refused.text)["errors"][0]
        gate.open()
        assert [each["status"] for each in responses(connection.answer())] == [200, 200]

    def goes_on_alone():
        answer = batch(daemon, many + many)
        return answer.status == 200 and {each["status"] for each in responses(answer)} == {200}

    until(goes_on_alone, "one is answered in full, however little room there is")


def test_one_that_fails_does_not_fail_the_others(daemon, fake, fresh):
    fake.on("/issues/2.json", reply(500, b"<html>no</html>", [("Content-Type", "text/html")]))
    fake.on("/issues/3.json", reply(200, b'{"broken":', [("Content-Type", "application/json")]))
    fake.on("/issues/4.json", reply(200, b"\xff\x00", [("Content-Type", "image/png")]))
    found = responses(batch(daemon, [fresh(f"/issues/{number}.json") for number in (1, 2, 3, 4)] + ["/users.json"], []))
    assert [each["status"] for each in found] == [200, 500, 200, 200, 401]
    assert found[0]["body"]["issue"]["id"] == 1
    assert found[1]["body"] == "<html>no</html>"
    assert found[2]["body"] == '{"broken":'
    assert found[3]["body_base64"] == "/wA="
    assert found[4]["body"] is None and "WWW-Authenticate" in found[4]["headers"]


def test_reads_with_headers_of_their_own(daemon, fake, fresh):
    path = "/users/current.json"
    found = responses(
        batch(
            daemon,
            [
                path,
                {"path": path, "headers": {"X-Redmine-API-Key": MANAGER_KEY}},
                {"path": path, "headers": {"X-Redmine-Switch-User": "dlopper", "X-Redmine-API-Key": ADMIN_KEY}},
                {"path": path, "headers": {"Authorization": "Basic eDp5"}},
            ],
        )
    )
    assert [each["status"] for each in found] == [200, 200, 200, 401]
    assert [each["body"]["user"]["login"] for each in found[:3]] == ["admin", "jsmith", "dlopper"]
    assert not fake.last().has("X-Redmine-API-Key") or fake.last().get("X-Redmine-API-Key") != REPORTER_KEY


def test_the_cache_is_shared_with_all_else(daemon, fake, fresh):
    path = fresh("/issues/1.json")
    responses(batch(daemon, {"requests": [path]}))
    assert daemon.get(path, KEY).hit
    responses(batch(daemon, [path]))
    assert len(fake.seen()) == 1


def test_whole_lists_in_a_batch(daemon, fake, fresh):
    found = responses(batch(daemon, [fresh("/issues.json?limit=all"), fresh("/projects.json")]))
    assert [row["id"] for row in found[0]["body"]["issues"]] == list(range(240, 0, -1))
    assert len(found[1]["body"]["projects"]) == 3


@pytest.mark.parametrize(
    "reads, says",
    [
        ([], "1 to 100"),
        (["/a.json"] * 101, "1 to 100"),
        ({"requests": "x"}, "list"),
        ("x", "list"),
        ([5], "Read 1"),
        ([None], "Read 1"),
        (["/a.json", "http://elsewhere/"], "Read 2"),
        (["/-/status.json"], "Read 1"),
        ([{"headers": {}}], "no path"),
        ([{"path": "/a", "body": 1}], "body"),
        ([{"path": "/a", "headers": {"X": 5}}], "not a string"),
        ([{"path": "/a", "headers": {"Host": "x"}}], "Host"),
        ([{"path": "/a", "headers": {"Cookie": "x"}}], "Cookie"),
        ([{"path": "/a", "headers": {"X": "a\r\nB: c"}}], "line break"),
        ([{"path": "/a", "headers": {"X Y": "a"}}], "X Y"),
    ],
)
def test_what_is_no_batch_is_refused(daemon, fake, reads, says):
    answer = batch(daemon, reads)
    assert answer.status == 400 and says in json.loads(answer.text)["errors"][0]
    assert not fake.seen()


def test_forms_of_web_pages_get_nowhere(daemon, fake):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert batch(daemon, ["/issues.json"], KEY, [("Content-Type", kind)]).status == 415
    assert batch(daemon, ["/issues.json"], KEY, []).status == 415
    assert daemon.get("/-/batch", KEY).status in (404, 405)
    chunked = daemon.request("POST", "/-/batch", [*KEY, *JSON], iter([b'["/issues.json"]']))
    assert chunked.status == 411
    large = daemon.request("POST", "/-/batch", [*KEY, *JSON], b" " * 300_000)
    assert large.status == 413
    assert not fake.seen()


@pytest.mark.workers(2)
def test_it_streams(daemon, fake, fresh):
    with fake.hold("/issues/2.json") as gate:
        connection = daemon.connect()
        reads = json.dumps([fresh("/issues/1.json"), fresh("/issues/2.json")]).encode()
        connection.ask("POST", "/-/batch", [*KEY, *JSON], reads)
        assert connection.head().status == 200
        gate.arrived()
        assert connection.stream.until(b'"id":1,')
        gate.open()
    connection.sock.close()
