"""Clients that read page after page find the next ones fetched already, and get what they would have got."""

import json

import pytest

from daemon import until
from fake_redmine import settled
from redmine_model import ADMIN_KEY, MANAGER_KEY

KEY = [("X-Redmine-API-Key", ADMIN_KEY)]
OPTIONS = {"collections.read_ahead": 4}


def asked(fake):
    """The windows that Redmine was asked for, sorted."""
    return sorted(request.query for request in fake.seen() if "limit=20" in request.query)


def page(target, number, how):
    return f"{target}&limit=20&{f'offset={number * 20}' if how == 'offset' else f'page={number + 1}'}"


@pytest.mark.workers(2)
@pytest.mark.parametrize("how", ["offset", "page"])
@pytest.mark.parametrize("format", ["json", "xml"])
def test_a_walk_is_fetched_ahead_and_each_page_once(daemon, fake, fresh, how, format):
    target = fresh(f"/issues.{format}")
    fake.wait_idle()
    assert not daemon.get(page(target, 0, how), KEY).hit
    assert settled(lambda: len(asked(fake))) == 1
    daemon.get(page(target, 1, how), KEY)
    until(lambda: len(asked(fake)) == 3, "the page behind the second is fetched")
    for number in range(2, 12):
        fake.wait_idle()
        answer = daemon.get(page(target, number, how), KEY)
        assert answer.status == 200 and (answer.hit or answer.cache.get("collapsed"))
    assert settled(lambda: len(asked(fake))) == 12, "nothing behind the end, nothing twice"
    assert len(set(asked(fake))) == 12


def test_pages_are_those_of_redmine(daemon, fake, fresh):
    target = fresh("/issues.json")
    found = []
    for number in range(12):
        answer = daemon.get(page(target, number, "offset"), KEY)
        document = json.loads(answer.text)
        assert (document["offset"], document["limit"], document["total_count"]) == (number * 20, 20, 240)
        found += [row["id"] for row in document["issues"]]
    assert found == list(range(240, 0, -1))


def test_a_limit_that_is_what_is_left(daemon, fake, fresh):
    """As Python-Redmine asks: of 240 rows it has 100, then it asks for 140, then for 40."""
    target = fresh("/issues.json")
    list_of = target.split("?")[1]
    fake.wait_idle()
    for offset in (0, 100):
        daemon.get(f"{target}&limit={240 - offset}&offset={offset}", KEY)
    until(lambda: len([r for r in fake.seen() if list_of in r.query]) == 3, "the last page is fetched")
    fake.wait_idle()
    answer = daemon.get(f"{target}&limit=40&offset=200", KEY)
    assert answer.hit or answer.cache.get("collapsed")
    assert [row["id"] for row in json.loads(answer.text)["issues"]] == list(range(40, 0, -1))
    assert settled(lambda: len([r for r in fake.seen() if list_of in r.query])) == 3, "nothing behind the end"


def test_no_walk_nothing_ahead(daemon, fake, fresh):
    target = fresh("/issues.json")
    for number in (0, 2, 5, 3, 8):
        daemon.get(page(target, number, "offset"), KEY)
    daemon.get(page(fresh("/issues.json"), 9, "offset"), KEY)  # another list
    daemon.get(page(target, 9, "offset"), [("X-Redmine-API-Key", MANAGER_KEY)])  # another reader
    daemon.get(page(target, 10, "offset"), KEY + [("Cache-Control", "no-cache")])
    assert settled(lambda: len(asked(fake))) == 8


def test_each_reader_has_a_walk_of_its_own(daemon, fake, fresh):
    target = fresh("/issues.json")
    for number in range(12):
        for key in (ADMIN_KEY, MANAGER_KEY):
            assert daemon.get(page(target, number, "offset"), [("X-Redmine-API-Key", key)]).status == 200
    assert settled(lambda: len(asked(fake))) == 24


def test_a_write_throws_away_what_lies_ahead(daemon, fake, fresh):
    target = fresh("/issues.json")
    for number in range(4):
        daemon.get(page(target, number, "offset"), KEY)
    settled(lambda: len(asked(fake)))
    issue = json.dumps({"issue": {"project_id": 1, "subject": "new"}}).encode()
    daemon.request("POST", "/issues.json", KEY + [("Content-Type", "application/json")], issue)
    answer = daemon.get(page(target, 4, "offset"), KEY)
    assert json.loads(answer.text)["issues"][0]["id"] == 241 - 80


def test_a_reader_that_stops_costs_little(launch, fake):
    daemon = launch({"collections.read_ahead": 16})
    for number in range(60):
        for at in (0, 1):
            daemon.get(f"/issues.json?list={number}&limit=20&offset={at * 20}", KEY)
    assert settled(lambda: len(asked(fake))) <= 120 + 30


def test_none_where_it_is_turned_off(launch, fake):
    daemon = launch({"collections.read_ahead": 0})
    for number in range(4):
        daemon.get(f"/issues.json?limit=20&offset={number * 20}", KEY)
    assert settled(lambda: len(asked(fake))) == 4
