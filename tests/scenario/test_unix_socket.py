"""The same service on a Unix socket."""

import json
import os
import socket
import stat

import pytest

from behaviours import head, huge_reply, script
from client import Connection
from daemon import StartFailed, until
from redmine_model import ADMIN_KEY


@pytest.fixture
def place(tmp_path):
    return tmp_path / "redmine-cached.sock"


@pytest.fixture
def local(launch, place):
    """A daemon on a Unix socket beside its port."""
    daemon = launch(begin=False)
    daemon.configure({"listen.address": [f"127.0.0.1:{daemon.port}", f"unix:{place}"]})
    return daemon.start()


def ask(place, method, target, fields=(), body=None, **how):
    with Connection(str(place)) as connection:
        return connection.request(method, target, fields, body, **how)


def test_it_serves(local, place, fake, fresh):
    target = fresh()
    assert ask(place, "GET", target).status == 200
    assert ask(place, "GET", target).hit
    assert local.get(target).hit, "both listeners share the cache"
    write = [("X-Redmine-API-Key", ADMIN_KEY), ("Content-Type", "application/json")]
    assert ask(place, "PUT", "/issues/1.json", write, b'{"issue":{"subject":"u"}}').status == 204
    assert '"subject":"u"' in ask(place, "GET", "/issues/1.json").text


@pytest.mark.parametrize("host", ["localhost", "redmine.example.org", "evil.example", "x:1"])
def test_host_is_not_checked(local, place, fake, fresh, host):
    """No browser can be led to a Unix socket."""
    assert ask(place, "GET", fresh(), host=host).status == 200
    assert fake.last().get("Host") == fake.host


def test_links_follow_the_host_given(local, place, fake):
    answer = ask(place, "GET", "/attachments/1.json", host="redmine.internal")
    assert json.loads(answer.text)["attachment"]["content_url"].startswith("http://redmine.internal/attachments/")


def test_interim_answers(local, place, fake, fresh):
    fake.on("/page", script(head(103, {"Link": "</a.css>"}), head(200, {"Content-Length": 5}), b"final"))
    with Connection(str(place)) as connection:
        for _ in range(2):
            answer = connection.get(fresh("/page"))
            assert answer.body == b"final" and [interim.get("Link") for interim in answer.interim] == ["</a.css>"]


def test_keep_alive_and_large_bodies(local, place, fake, fresh):
    fake.on("/some/file", huge_reply(20_000_000))
    with Connection(str(place)) as connection:
        assert connection.get(fresh("/some/file")).content.size == 20_000_000
        assert connection.get(fresh()).status == 200


def test_alone(launch, place, fake, fresh):
    daemon = launch({"listen.address": f"unix:{place}"}, begin=False)
    daemon.address = str(place)
    daemon.start()
    assert daemon.get(fresh()).status == 200
    daemon.stop()
    assert not place.exists(), "it takes its socket away"


def test_socket_of_a_dead_daemon_is_replaced(launch, place, fake, fresh):
    daemon = launch({"listen.address": f"unix:{place}"}, begin=False)
    daemon.address = str(place)
    daemon.start()
    daemon.kill()
    assert place.exists()
    daemon.start()
    assert daemon.get(fresh()).status == 200


def test_socket_of_a_living_daemon_is_not_stolen(local, launch, place, fake, fresh):
    with pytest.raises(StartFailed) as failure:
        launch({"listen.address": f"unix:{place}"})
    assert str(place) in failure.value.stderr
    assert ask(place, "GET", fresh()).status == 200


def test_other_files_are_left_alone(launch, place, fake):
    place.write_text("precious")
    with pytest.raises(StartFailed) as failure:
        launch({"listen.address": f"unix:{place}"})
    assert str(place) in failure.value.stderr
    assert place.read_text() == "precious"


@pytest.mark.parametrize("path", ["/no/such/directory/x.sock", "/tmp/" + "x" * 200])
def test_impossible_paths_are_said(launch, fake, path):
    with pytest.raises(StartFailed) as failure:
        launch({"listen.address": f"unix:{path}"})
    assert path[:40] in failure.value.stderr or "address" in failure.value.stderr


def test_it_is_a_socket_that_others_may_use_by_its_directory(local, place):
    assert stat.S_ISSOCK(os.stat(place).st_mode)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(place))


def test_log_names_it(local, place, fake, fresh):
    ask(place, "GET", fresh("/over/unix"))
    line = until(lambda: [line for line in local.log if "/over/unix" in line], "the request is logged")[0]
    assert "unix" in line.replace("/over/unix", "")
