"""Only the names that the daemon is meant to be reached by are answered, so that no web page reaches it by DNS rebinding."""

import pytest

from daemon import StartFailed, run
from wire import free_port


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "localhost:1", "127.0.0.1", "127.0.0.1:65535", "[::1]", "[::1]:7336"]
)
def test_loopback_names_are_served(daemon, fake, fresh, host):
    assert daemon.get(fresh(), host=host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:7336",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.2",
        "localhost:x",
        "redmine",
        "::1",
        "",
    ]
    + [
        "localhost, evil.example",
        "evil.example:80@localhost",
        "localhost@evil.example",
        "localhost/",
        "[::1",
        "[::2]",
        "0.0.0.0",
        "2130706433",
    ],
)
@pytest.mark.parametrize("target", ["/issues.json", "/-/ready", "/some/page"])
def test_others_are_refused(daemon, fake, host, target):
    answer = daemon.get(target, host=host)
    assert answer.status in (
        (400, 421) if host in ("", "localhost, evil.example", "localhost/", "localhost:x", "[::1", "::1") else (421,)
    )
    assert "host" in answer.text.lower()
    assert not fake.seen()


def test_refusal_of_a_write_reads_no_body_upstream(daemon, fake):
    answer = daemon.request("POST", "/issues.json", body=b"x" * 1000, host="evil.example")
    assert answer.status == 421 and not fake.seen()


def test_two_host_fields_are_refused(daemon, fake):
    answer = daemon.get("/issues.json", [("Host", "localhost"), ("Host", "evil.example")], host=False)
    assert answer.status in (400, 421) and not fake.seen()
    answer = daemon.get("/issues.json", [("Host", "evil.example"), ("Host", "localhost")], host=False)
    assert answer.status in (400, 421) and not fake.seen()


def test_own_names_can_be_given(launch, fake, fresh):
    daemon = launch({"listen.allowed_hosts": ["redmine.example.org", "cache.example"]})
    for host in ("redmine.example.org", "redmine.example.org:7336", "Cache.Example", f"127.0.0.1:{daemon.port}"):
        assert daemon.get(fresh(), host=host).status == 200
    for host in ("example.org", "evil.example", "xredmine.example.org"):
        assert daemon.get(fresh(), host=host).status == 421


@pytest.mark.parametrize("address", ["0.0.0.0", "[::]", "192.0.2.1", "10.0.0.1"])
def test_other_addresses_need_a_word(launch, fake, address):
    port = free_port()
    code, out, err = run(
        "-o", f"upstream.url={fake.base}", "-o", f"listen.address={address}:{port}", "-o", "cache.path="
    )
    assert code not in (0, None) and "allow_remote" in err
    assert "Traceback" not in err and len(err.strip().splitlines()) <= 5


def test_other_addresses_with_that_word(launch, fake, fresh):
    port = free_port()
    daemon = launch({"listen.address": f"0.0.0.0:{port}", "listen.allow_remote": "yes"}, begin=False)
    daemon.address = ("127.0.0.1", port)
    daemon.start()
    assert daemon.get(fresh()).status == 200
    assert daemon.get(fresh(), host="evil.example").status == 421


def test_version_6(launch, fake, fresh):
    port = free_port()
    daemon = launch({"listen.address": [f"[::1]:{port}"]}, begin=False)
    daemon.address = ("::1", port)
    daemon.start()
    assert daemon.get(fresh(), host=f"[::1]:{port}").status == 200
    assert (
        f'"content_url":"http://[::1]:{port}/'
        in daemon.get(fresh("/issues/1.json?include=attachments"), host=f"[::1]:{port}").text
    )
    assert daemon.get(fresh(), host="evil.example").status == 421


def test_several_addresses(launch, fake, fresh):
    ports = [free_port(), free_port()]
    daemon = launch({"listen.address": [f"127.0.0.1:{port}" for port in ports]}, begin=False)
    target = fresh()
    for number, port in enumerate(ports):
        daemon.address = ("127.0.0.1", port)
        if not number:
            daemon.start()
        assert daemon.get(target).status == 200
    assert daemon.get(target).hit
    assert len(fake.requests) == 1


def test_address_in_use_is_said(launch, fake, daemon):
    with pytest.raises(StartFailed) as failure:
        launch({"listen.address": f"127.0.0.1:{daemon.port}"})
    assert str(daemon.port) in failure.value.stderr and "in use" in failure.value.stderr.lower()
    assert failure.value.code > 0
