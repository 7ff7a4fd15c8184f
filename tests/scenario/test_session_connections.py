"""The connection options of a session, against an https Redmine of several kinds."""

import ssl

import pytest

from fake_redmine import FakeRedmine
from http2_redmine import Http2Redmine
from test_tls_upstream import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """An authority that signed nothing of the server's."""
    return Authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def strict_context(authority):
    """A server that serves only whom its authority has signed a certificate for."""
    context = authority.context("server")
    authority.context("client", "DNS:client")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.file)
    return context


@pytest.fixture
def server(request, authority):
    context = (
        request.getfixturevalue("strict_context") if "strict" in request.fixturenames else authority.context("open")
    )
    server = FakeRedmine(tls=context)
    yield server
    server.stop()


@pytest.fixture
def strict():
    """Asks for a server that wants certificates."""


@pytest.fixture
def configure(server, launch):
    """A daemon that has these sessions, each for everybody who comes by its port."""

    def start(sessions, options=None):
        daemon = launch(options, upstream=server.base, begin=False)
        flat = {f"session.{name}.{key}": value for name, rows in sessions.items() for key, value in rows.items()}
        daemon.configure({**flat, **{f"session.{name}.listeners": f"127.0.0.1:{daemon.port}" for name in sessions}})
        return daemon.start()

    return start


def ask(daemon, target, name=None):
    return daemon.get(target, [("Redmine-Cached-Session", name)] if name else [])


def test_an_authority_of_its_own(configure, authority, stranger, fresh):
    daemon = configure({"good": {"ca_file": authority.file}, "bad": {"ca_file": stranger.file}})
    for _ in range(2):
        assert ask(daemon, fresh(), "good").status == 200
        assert ask(daemon, fresh(), "bad").status == 502, "a connection that another trusts is not used"
        assert ask(daemon, fresh()).status == 502


def test_verification_of_its_own(configure, authority, fresh):
    daemon = configure({"lax": {"verify": "no"}, "strict": {"verify": "yes", "ca_file": authority.file}})
    for _ in range(2):
        assert ask(daemon, fresh(), "lax").status == 200
        assert ask(daemon, fresh()).status == 502
        assert ask(daemon, fresh(), "strict").status == 200


def test_what_came_unverified_is_not_served_to_others(configure, authority, server, fresh):
    daemon = configure({"lax": {"verify": "no"}}, {"upstream.ca_file": authority.file})
    target = fresh()
    assert ask(daemon, target, "lax").status == 200
    assert not ask(daemon, target).hit
    assert ask(daemon, target, "lax").hit and ask(daemon, target).hit
    assert len(server.seen(target)) == 2


def test_a_certificate_of_its_own(strict, configure, authority, fresh):
    files = {"ca_file": authority.file, "client_certificate": authority.directory / "client.pem"}
    daemon = configure(
        {
            "shown": {**files, "client_key": authority.directory / "client.key"},
            "none": {"ca_file": authority.file},
        },
        {"upstream.ca_file": authority.file},
    )
    for _ in range(2):
        assert ask(daemon, fresh(), "shown").status == 200
        assert ask(daemon, fresh(), "none").status == 502, "a connection that shows a certificate is nobody else's"
        assert ask(daemon, fresh()).status == 502


def test_certificate_and_key_in_one_file(strict, configure, authority, fresh):
    both = authority.directory / "both.pem"
    both.write_text((authority.directory / "client.pem").read_text() + (authority.directory / "client.key").read_text())
    daemon = configure({"shown": {"ca_file": authority.file, "client_certificate": both}})
    assert ask(daemon, fresh(), "shown").status == 200


@pytest.mark.parametrize("version", ["1.1", "2", "auto"])
def test_a_version_that_the_server_speaks(configure, authority, server, fresh, version):
    daemon = configure({"one": {"ca_file": authority.file, "http_version": version}})
    assert ask(daemon, fresh(), "one").status == 200
    assert server.last().version == "HTTP/1.1", "2 only where it is offered"


def test_writes_go_that_way_too(strict, configure, authority, server):
    files = {"ca_file": authority.file, "client_certificate": authority.directory / "client.pem"}
    daemon = configure({"shown": {**files, "client_key": authority.directory / "client.key"}})
    fields = [("Redmine-Cached-Session", "shown"), ("Content-Type", "application/json")]
    assert daemon.request("PUT", "/issues/1.json", fields, b'{"issue":{"subject":"s"}}').status == 401
    assert len(server.seen(method="PUT")) == 1


def test_http2_for_who_wants_it(launch, authority, fresh):
    """On every engine, also where it is not the engine's own way; and on connections apart."""
    server = Http2Redmine(authority.context("two"))
    try:
        daemon = launch(upstream=server.base, begin=False)
        sessions = {"two": "2", "one": "1.1"}
        daemon.configure({"upstream.ca_file": authority.file})
        for name, version in sessions.items():
            daemon.configure(
                {
                    f"session.{name}.http_version": version,
                    f"session.{name}.listeners": f"127.0.0.1:{daemon.port}",
                }
            )
        daemon.start()
        for _ in range(2):
            assert ask(daemon, fresh(), "two").status == 200
            assert ask(daemon, fresh(), "one").status == 502, "the server speaks nothing else"
    finally:
        server.stop()
