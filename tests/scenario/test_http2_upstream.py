"""The async engine before a front end that offers HTTP/2: many requests, one connection."""

import hashlib
import json

import pytest

from daemon import Daemon
from http2_redmine import Http2Redmine
from redmine_model import ADMIN_KEY
from test_tls_upstream import Authority

AT_A_TIME = 40


@pytest.fixture(scope="module")
def redmine(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("authority"))
    server = Http2Redmine(authority.context("good"))
    server.ca_file = authority.file
    yield server
    server.stop()


@pytest.fixture(scope="module")
def http2_daemon(redmine, tmp_path_factory):
    options = {"upstream.ca_file": redmine.ca_file, "engine.async.workers": AT_A_TIME}
    process = Daemon(redmine.base, "async", tmp_path_factory.mktemp("daemon"), options).start()
    yield process
    process.stop()


def test_head_and_body_come_over_http2(http2_daemon, redmine):
    answer = http2_daemon.get("/issues.json?a=1", {"X-Redmine-API-Key": ADMIN_KEY})
    assert answer.status == 200 and json.loads(answer.text) == {"path": "/issues.json?a=1"}
    assert answer.get("Content-Type") == "application/json; charset=utf-8"
    _, headers, _ = redmine.requests[-1]
    assert headers[":authority"] == redmine.base.removeprefix("https://")
    assert headers["x-redmine-api-key"] == ADMIN_KEY
    assert http2_daemon.get("/issues.json?a=1", {"X-Redmine-API-Key": ADMIN_KEY}).hit


def test_many_share_a_connection(http2_daemon, redmine):
    http2_daemon.get("/issues/1.json")
    before, redmine.hold = redmine.connections, AT_A_TIME  # nobody is answered before all are there
    clients = [http2_daemon.connect() for _ in range(AT_A_TIME)]
    for number, client in enumerate(clients):
        client.ask("GET", f"/issues/{1000 + number}.json")
    for number, client in enumerate(clients):
        assert json.loads(client.answer().text) == {"path": f"/issues/{1000 + number}.json"}
        client.close()
    redmine.hold = 1
    assert redmine.connections == before
    assert len({connection for connection, _, _ in redmine.requests[-AT_A_TIME:]}) == 1


def test_large_bodies_both_ways(http2_daemon, redmine):
    redmine.bodies["/attachments/download/1/large"] = body = b"0123456789abcdef" * 500_000
    answer = http2_daemon.get("/attachments/download/1/large")
    assert answer.content.sha256 == hashlib.sha256(body).hexdigest()
    size = 3_000_000
    answer = http2_daemon.request(
        "POST", "/uploads.json", {"Content-Length": str(size), "Content-Type": "application/octet-stream"}, [b"x" * size]
    )
    assert answer.status == 200
    assert redmine.requests[-1][2] == size
