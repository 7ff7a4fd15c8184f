"""Whole lists: joined from pages in every form, each row once, and never half a list taken for a whole one."""

import json
import re
import threading
import time

import pytest

from behaviours import RESET, json_reply, reply, script


from daemon import instrumented
from fake_redmine import settled
from redmine_model import ADMIN_KEY, MANAGER_KEY, as_json

KEY = [("X-Redmine-API-Key", ADMIN_KEY)]
LINES = [("Accept", "application/x-ndjson")]


def ids(answer):
    return [row["id"] for row in json.loads(answer.text)["issues"]]


def pages(fake):
    return [request for request in fake.seen() if "offset=" in request.query]


def test_all_rows_in_one_answer(daemon, fake, fresh):
    answer = daemon.get(fresh("/issues.json?limit=all&status_id=*"), KEY)
    assert answer.status == 200 and answer.whole
    assert answer.get("Content-Type") == "application/json; charset=utf-8"
    document = json.loads(answer.text)
    assert [row["id"] for row in document["issues"]] == list(range(240, 0, -1))
    assert (document["total_count"], document["offset"], document["limit"]) == (240, 0, 240)
    asked = pages(fake)
    assert len(asked) == 3
    for request in asked:
        assert "limit=100" in request.query and "limit=all" not in request.query and "status_id=*" in request.query
        assert request.get("X-Redmine-API-Key") == ADMIN_KEY
        assert not request.has("Redmine-Cached-Limit")


def test_rows_are_the_bytes_of_redmine(daemon, fake, fresh):
    hostile = 'a "quoted" \\ ] } , [ { text \n\t ü \\" end'
    fake.model.issues[150]["subject"] = hostile
    fake.model.issues[150]["custom_fields"] = [{"id": 1, "value": ["]}", {"x": [[], {}]}]}]
    whole = daemon.get(fresh("/issues.json?limit=all"), KEY).body
    for number in (240, 150, 1):
        assert as_json(fake.model.issues[number]) in whole
    assert json.loads(whole)["issues"][90]["subject"] == hostile


def test_xml(daemon, fake, fresh):
    answer = daemon.get(fresh("/issues.xml?limit=all"), KEY)
    assert answer.status == 200 and answer.get("Content-Type").startswith("application/xml")
    assert re.findall(r"<issue><id>(\d+)</id>", answer.text) == [str(n) for n in range(240, 0, -1)]
    assert '<issues total_count="240" offset="0" limit="240" type="array">' in answer.text
    assert answer.text.endswith("</issues>") and answer.text.count("<?xml") == 1


def test_one_row_a_line(daemon, fake, fresh):
    answer = daemon.get(fresh("/issues.json?limit=all"), KEY + LINES)
    assert answer.get("Content-Type") == "application/x-ndjson"
    lines = answer.text.split("\n")
    assert lines.pop() == ""
    assert [json.loads(line)["id"] for line in lines] == list(range(240, 0, -1))


def test_a_number_of_rows(daemon, fake, fresh):
    answer = daemon.get(fresh("/issues.json?offset=20"), KEY + [("Redmine-Cached-Limit", "150")])
    assert ids(answer) == list(range(220, 70, -1))
    document = json.loads(answer.text)
    assert (document["total_count"], document["offset"], document["limit"]) == (240, 20, 150)
    assert len(pages(fake)) == 2


def test_short_and_empty_lists(daemon, fake, fresh):
    fake.model.issues = {number: fake.model.issues[number] for number in (3, 2, 1)}
    assert ids(daemon.get(fresh("/issues.json?limit=all"), KEY)) == [3, 2, 1]
    fake.model.issues = {}
    answer = daemon.get(fresh("/issues.json?limit=all"), KEY)
    assert json.loads(answer.text) == {"issues": [], "total_count": 0, "offset": 0, "limit": 0}
    xml = daemon.get(fresh("/issues.xml?limit=all"), KEY).text
    assert 'total_count="0"' in xml and "<issue>" not in xml


def test_other_lists(daemon, fake, fresh):
    assert len(json.loads(daemon.get(fresh("/projects.json?limit=all"), KEY).text)["projects"]) == 3
    assert len(json.loads(daemon.get(fresh("/users.json?limit=all"), KEY).text)["users"]) == 4
    assert "trackers" in json.loads(daemon.get(fresh("/trackers.json?limit=all"), KEY).text)
    assert json.loads(daemon.get(fresh("/issues/1.json?limit=all"), KEY).text)["issue"]["id"] == 1


@pytest.mark.parametrize(
    "target, fields, named",
    [
        ("/issues.json", [("Redmine-Cached-Limit", "many")], "Redmine-Cached-Limit"),
        ("/issues.json", [("Redmine-Cached-Limit", "50")], "Redmine-Cached-Limit"),
        ("/issues.json", [("Redmine-Cached-Limit", "0")], "Redmine-Cached-Limit"),
        ("/issues.json", [("Redmine-Cached-Limit", "200"), ("Redmine-Cached-Limit", "300")], "Redmine-Cached-Limit"),
        ("/issues.json?limit=all&page=2", [], "page"),
        ("/issues.json?limit=all&offset=x", [], "offset"),
        ("/issues.json?limit=all&nometa=1", [], "nometa"),
        ("/issues.json?limit=all&callback=x", [], "callback"),
        ("/issues.json?limit=all", [("Redmine-Cached-Workers", "0")], "Redmine-Cached-Workers"),
    ],
)
def test_what_cannot_be_joined_is_refused(daemon, fake, target, fields, named):
    answer = daemon.get(target, KEY + fields)
    assert answer.status == 400 and named in json.loads(answer.text)["errors"][0]
    assert not fake.seen()


def test_the_whole_is_kept_with_a_validator(daemon, fake, fresh):
    target = fresh("/issues.json?limit=all")
    first = daemon.get(target, KEY)
    second = daemon.get(target, KEY)
    assert second.hit and second.body == first.body
    etag = second.get("ETag")
    assert etag.startswith('W/"')
    assert daemon.get(target, KEY + [("If-None-Match", etag)]).status == 304
    head = daemon.request("HEAD", target, KEY)
    assert head.status == 200 and head.get("ETag") == etag and not head.body
    assert head.get("Content-Length") == str(len(first.body))
    assert len(pages(fake)) == 3
    assert len(ids(daemon.get(target, [("X-Redmine-API-Key", MANAGER_KEY)]))) == 240  # asked anew for another
    assert len(pages(fake)) == 6


def test_conditions_and_head_of_what_is_not_kept_yet(daemon, fake, fresh):
    target = fresh("/issues.json?limit=all")
    head = daemon.request("HEAD", target, KEY)
    assert head.status == 200 and int(head.get("Content-Length")) > 10000
    other = fresh("/issues.json?limit=all")
    assert daemon.get(other, KEY + [("If-None-Match", head.get("ETag"))]).status == 304
    changed = daemon.get(fresh("/issues.json?limit=all"), KEY + [("If-None-Match", 'W/"old"')])
    assert changed.status == 200 and len(ids(changed)) == 240


def test_pages_are_cached_and_used(daemon, fake, fresh):
    target = fresh("/issues.json?")
    page = daemon.get(target + "&offset=0&limit=100", KEY)
    assert not page.hit
    whole = daemon.get(target + "&limit=all", KEY)
    assert len(ids(whole)) == 240 and len(pages(fake)) == 3
    assert daemon.get(target + "&limit=100&offset=99", KEY).hit


def walk(daemon, target, limits, fields=()):
    for number, limit in enumerate(limits):
        assert daemon.get(f"{target}&limit={limit}&offset={number * 100}", [*KEY, *fields]).status == 200


def pages_asked(fake):
    return len([request for request in pages(fake) if "issue_id" not in request.query])


@pytest.mark.parametrize("limits", [(100, 100, 100), (100, 140, 40)], ids=["the-same", "all-that-is-left"])
@pytest.mark.parametrize("format", ["json", "xml"])
def test_pages_of_a_walk_are_joined_without_asking(daemon, fake, fresh, limits, format):
    target = fresh(f"/issues.{format}?status_id=*")
    walk(daemon, target, limits)
    assert settled(lambda: pages_asked(fake)) == 3, [request.query for request in pages(fake)]
    answer = daemon.get(target + "&limit=all", KEY)
    assert answer.get("Redmine-Cached-Rows") == "checked"
    found = ids(answer) if format == "json" else [int(n) for n in re.findall(r"<issue><id>(\d+)<", answer.text)]
    assert found == list(range(240, 0, -1)) and pages_asked(fake) == 3
    again = daemon.get(target + "&limit=all", KEY)
    assert again.hit and again.body == answer.body and again.get("Redmine-Cached-Rows") == "checked"
    anew = daemon.get(target + "&limit=all", KEY + [("Cache-Control", "no-cache")])
    assert anew.get("Redmine-Cached-Rows") == "exact" and pages_asked(fake) == 6


def test_what_of_a_walk_is_there_is_used(launch, fake, fresh):
    daemon = launch({"collections.read_ahead": 0})
    target = fresh("/issues.json?status_id=*")
    walk(daemon, target, (100, 100))
    answer = daemon.get(target + "&limit=all", KEY)
    assert ids(answer) == list(range(240, 0, -1)) and answer.get("Redmine-Cached-Rows") == "checked"
    assert ["offset=199&" in request.query for request in pages(fake)] == [False, False, True]


def test_pages_of_a_walk_that_disagree_are_asked_anew(launch, fake, fresh):
    daemon = launch({"collections.read_ahead": 0})
    target = fresh("/issues.json?status_id=*")
    walk(daemon, target, (100, 100))
    del fake.model.issues[230]  # elsewhere: the third page begins one further down
    assert daemon.get(target + "&limit=100&offset=200", KEY).status == 200
    found = ids(daemon.get(target + "&limit=all", KEY))
    assert sorted(found) == list(range(1, 241))  # 230 was on the first page


def test_pages_of_a_walk_are_not_used_for_another(daemon, fake, fresh):
    target = fresh("/issues.json?status_id=*")
    walk(daemon, target, (100, 100, 100))
    asked = settled(lambda: pages_asked(fake))
    answer = daemon.get(target + "&limit=all", [("X-Redmine-API-Key", MANAGER_KEY)])
    assert len(ids(answer)) == 240 and pages_asked(fake) == asked + 3


def test_a_write_spoils_the_whole(daemon, fake, fresh):
    target = fresh("/issues.json?limit=all")
    assert len(ids(daemon.get(target, KEY))) == 240
    issue = json.dumps({"issue": {"project_id": 1, "subject": "new"}}).encode()
    assert daemon.request("POST", "/issues.json", KEY + [("Content-Type", "application/json")], issue).status == 201
    assert ids(daemon.get(target, KEY))[0] == 241


def test_an_error_is_the_answer(daemon, fake, fresh):
    answer = daemon.get(fresh("/users.json?limit=all"))
    assert answer.status == 401 and answer.get("WWW-Authenticate")
    fake.on(lambda request: True, json_reply(b'{"errors":["no"]}', 422))
    answer = daemon.get(fresh("/issues.json?limit=all"), KEY)
    assert (answer.status, json.loads(answer.text)) == (422, {"errors": ["no"]})


@pytest.mark.workers(2)
def test_the_first_byte_leaves_after_the_first_page(daemon, fake, fresh):
    with fake.hold(lambda request: "offset=99&" in request.query) as gate:
        connection = daemon.connect()
        connection.ask("GET", fresh("/issues.json?limit=all"), KEY)
        answer = connection.head()
        assert answer.status == 200
        gate.arrived()
        assert connection.stream.until(b'"id":141,')
        gate.open()
    connection.sock.close()


def test_rows_that_come_and_go_meanwhile(daemon, fake, fresh):
    """Between any two pages a row is added and two are deleted: none twice, none missed that stays."""
    model = fake.model
    deleted, turn = set(), iter(range(1000))

    def change(exchange):
        with model.lock:
            if next(turn):
                model.add_issue({"subject": "new"})
                left = sorted(number for number in model.issues if number <= 240)
                for number in (left[-5], left[3]):
                    del model.issues[number]
                    deleted.add(number)
        model.serve(exchange)

    fake.on(lambda request: "offset=" in request.query, change)
    found = ids(daemon.get(fresh("/issues.json?limit=all"), KEY))
    assert len(found) == len(set(found))
    assert set(range(1, 241)) - deleted <= set(found)
    assert deleted


@pytest.mark.parametrize("format", ["json", "xml"])
def test_what_slipped_through_is_asked_by_id(daemon, fake, fresh, format):
    """So many rows go after the first page that the second one begins far behind it."""
    model, first = fake.model, threading.Event()

    def begin(exchange):
        model.serve(exchange)
        first.set()

    def change(exchange):
        assert first.wait(30)
        with model.lock:
            model.issues = {number: issue for number, issue in model.issues.items() if number <= 130}
        model.serve(exchange)

    fake.on(lambda request: "offset=0&" in request.query and "issue_id" not in request.query, begin)
    fake.on(lambda request: "offset=99&" in request.query, change)
    answer = daemon.get(fresh(f"/issues.{format}?limit=all"), KEY)
    found = ids(answer) if format == "json" else [int(n) for n in re.findall(r"<issue><id>(\d+)<", answer.text)]
    assert found == [*range(240, 140, -1), *range(130, 0, -1)]
    assert [r.query for r in fake.seen() if "issue_id=%3C%3D141" in r.query]


@pytest.mark.parametrize("format", ["json", "xml"])
def test_rows_that_move_meanwhile_are_asked_for(daemon, fake, fresh, format):
    """An issue of the last page is changed when the first page was read, and so stands in front of all."""
    model, moved, first, second = fake.model, 3, threading.Event(), threading.Event()

    def begin(exchange):
        model.serve(exchange)
        first.set()

    def change(exchange):
        assert first.wait(30)
        with model.lock:
            model.issues[moved]["updated_on"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        second.set()
        model.serve(exchange)

    def end(exchange):
        assert second.wait(30)
        model.serve(exchange)

    fake.on(lambda request: "offset=99&" in request.query, change)
    fake.on(lambda request: "offset=198&" in request.query, end)
    fake.on(lambda request: "offset=0&" in request.query and "updated_on=%3E" not in request.query, begin)
    target = fresh(f"/issues.{format}?sort=updated_on:desc&limit=all")
    answer = daemon.get(target, KEY)
    found = ids(answer) if format == "json" else [int(n) for n in re.findall(r"<issue><id>(\d+)<", answer.text)]
    assert answer.get("Redmine-Cached-Rows") == "checked"
    assert sorted(found) == list(range(1, 241)) and found[-1] == moved
    looks = [request.query for request in pages(fake) if "updated_on=%3E%3D2" in request.query]
    assert len(looks) == 1 and "sort=" not in looks[0] and len(pages(fake)) < 8
    if format == "json":
        assert json.loads(answer.text)["limit"] == 240
    again = daemon.get(target, KEY)
    assert again.hit and again.body == answer.body


def test_a_look_that_fails_leaves_it_to_the_counts(daemon, fake, fresh):
    fake.on(lambda request: "updated_on=%3E" in request.query, reply(422, b'{"errors":["no"]}'))
    answer = daemon.get(fresh("/issues.json?sort=updated_on:desc&limit=all"), KEY)
    assert answer.whole and sorted(ids(answer)) == list(range(1, 241))


def test_the_answer_says_what_it_can_vouch_for(daemon, fake, fresh):
    for query, says in (("", "exact"), ("&sort=id", "exact"), ("&sort=updated_on:desc", "checked")):
        target = fresh("/issues.json?limit=all") + query
        assert [daemon.get(target, KEY).get("Redmine-Cached-Rows") for _ in range(2)] == [says] * 2
    assert not daemon.get(fresh("/issues.json?limit=100"), KEY).has("Redmine-Cached-Rows")


@pytest.mark.workers(3)
def test_a_length_that_is_known_saves_a_round(daemon, fake, fresh):
    target = fresh("/issues.json?limit=all")
    assert len(ids(daemon.get(target, KEY))) == 240
    with fake.hold(lambda request: "offset=0&" in request.query) as gate, daemon.connect() as connection:
        connection.ask("GET", target, KEY + [("Cache-Control", "no-cache")])
        gate.arrived()
        fake.wait_seen(lambda request: "offset=198&" in request.query, 2)
        gate.open()
        assert ids(connection.answer()) == list(range(240, 0, -1))


@pytest.mark.workers(3)
@pytest.mark.parametrize("failure", [reply(401), reply(404, b"no"), script(RESET)])
def test_a_page_that_was_asked_early_does_not_speak_for_the_list(daemon, fake, fresh, failure):
    target = fresh("/issues.json?limit=all")
    fake.on(lambda request: "offset=99&" in request.query, failure, times=1)
    with fake.hold(lambda request: "offset=0&" in request.query) as gate, daemon.connect() as connection:
        connection.ask("GET", target, KEY)
        gate.arrived()
        fake.wait_seen(lambda request: "offset=99&" in request.query)
        gate.open()
        assert ids(connection.answer()) == list(range(240, 0, -1))


@pytest.mark.workers(3)
def test_nor_when_it_fails_after_the_first_is_there(daemon, fake, fresh):
    target = fresh("/issues.json?limit=all")
    fake.on(lambda request: "offset=99&" in request.query, reply(401), times=1)
    with fake.hold(lambda request: "offset=99&" in request.query) as gate, daemon.connect() as connection:
        connection.ask("GET", target, KEY)
        gate.arrived()
        fake.wait_seen(lambda request: "offset=198&" in request.query)
        gate.open()
        assert ids(connection.answer()) == list(range(240, 0, -1))


def test_a_page_is_asked_again_when_it_fails(daemon, fake, fresh):
    fake.on(lambda request: "offset=99&" in request.query, reply(502, b"no"), times=1)
    fake.on(lambda request: "offset=198&" in request.query, reply(500, b"no"), times=2)
    assert len(ids(daemon.get(fresh("/issues.json?limit=all"), KEY))) == 240


@pytest.mark.parametrize("failure", [reply(503, b"no"), json_reply(b'{"issue":{}}'), reply(404), script(RESET)])
def test_a_page_that_keeps_failing_cuts_the_list(daemon, fake, fresh, failure):
    target = fresh("/issues.json?limit=all")
    fake.on(lambda request: "offset=198&" in request.query, failure)
    answer = daemon.get(target, KEY)
    assert answer.status == 200 and not answer.whole
    daemon.logged(rf"list {re.escape(target)} cut after \d+ rows: the page at offset 198")
    fake.routes.clear()
    again = daemon.get(target, KEY)
    assert again.whole and len(ids(again)) == 240


def test_slow_readers_hold_the_pages_back(launch, fake):
    body = "x" * 100_000
    for issue in fake.model.issues.values():
        issue["description"] = body
    daemon = launch({"cache.object_limit": "64K"})
    connection = daemon.connect(receive_buffer=4096)
    connection.ask("GET", "/issues.json?limit=all", KEY)
    answer = connection.answer()
    assert answer.whole and answer.content.size > 240 * 100_000


def test_clients_that_leave_end_it(daemon, fake, fresh):
    with fake.hold(lambda request: "offset=99&" in request.query) as gate:
        connection = daemon.connect()
        connection.ask("GET", fresh("/issues.json?limit=all"), KEY)
        assert connection.head().status == 200
        gate.arrived()
        connection.sock.close()
        gate.open()
    assert len(ids(daemon.get(fresh("/issues.json?limit=all"), KEY))) == 240


def test_several_at_a_time(daemon, fake, fresh):
    found = []

    def read():
        found.append(ids(daemon.get(fresh("/issues.json?limit=all"), KEY)))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [list(range(240, 0, -1))] * 8


@pytest.mark.workers(3)
def test_workers_say_how_many_pages_at_a_time(daemon, fake, fresh):
    for number in range(241, 1001):
        fake.model.add_issue({"subject": f"{number}"})
    with fake.hold(lambda request: "offset=0&" not in request.query) as gate, daemon.connect() as connection:
        connection.ask("GET", fresh("/issues.json?limit=all"), KEY + [("Redmine-Cached-Workers", "3")])
        gate.arrived(3)
        assert settled(lambda: gate.count) == 3
        gate.open()
        assert len(ids(connection.answer())) == 1000


def test_long_lists_take_no_more_memory(daemon, fake, fresh):
    """200,000 rows, 40 MB: what is in memory are pages, not the list."""
    rows, filler = 200_000, "x" * 150

    def page(exchange):
        offset = int(re.search(r"offset=(\d+)", exchange.request.query).group(1))
        ids_here = range(rows - offset, max(rows - offset - 100, 0), -1)
        body = ",".join(f'{{"id":{number},"subject":"{filler}"}}' for number in ids_here)
        text = f'{{"issues":[{body}],"total_count":{rows},"offset":{offset},"limit":100}}'
        exchange.answer(200, text.encode(), [("Content-Type", "application/json; charset=utf-8")])

    fake.on("/issues.json", page)
    daemon.get(fresh("/issues.json?limit=100&offset=0"), KEY)
    idle, peak = daemon.resident(), 0
    with daemon.connect() as connection:
        connection.ask("GET", fresh("/issues.json?limit=all"), [*KEY, *LINES, ("Cache-Control", "no-store")])
        answer = connection.head()
        assert answer.status == 200
        count, last = 0, rows + 1
        rest = b""
        for number, part in enumerate(connection.parts(answer)):
            lines = (rest + part).split(b"\n")
            rest = lines.pop()
            for line in lines:
                found = int(line[6 : line.index(b",")])
                assert found == last - 1
                count, last = count + 1, found
            if number % 50 == 0:
                peak = max(peak, daemon.resident() - idle)
    assert count == rows and not rest
    assert peak < (192 if instrumented() else 48) * 1024 * 1024


@pytest.mark.parametrize("field", [("Cache-Control", "no-store"), ("Vary", "Tenant")])
def test_a_list_of_pages_that_are_not_kept_is_not_kept(daemon, fake, fresh, field):
    body = b'{"issues":[{"id":1}],"total_count":1,"offset":0,"limit":100}'
    fake.on("/issues.json", reply(200, body, [("Content-Type", "application/json"), field]))
    target = fresh("/issues.json?limit=all")
    for fields in ([], [("Cache-Control", "max-stale")]):
        answer = daemon.get(target, fields)
        assert ids(answer) == [1] and not answer.hit
