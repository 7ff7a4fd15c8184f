"""HTTPS to Redmine, verified."""

import json
import signal
import ssl
import subprocess

import pytest

import wire
from behaviours import CLOSE, head, huge_reply, READ, script
from daemon import until
from fake_redmine import FakeRedmine
from redmine_model import ADMIN_KEY


CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """A CA of the test's own, and what it signs."""

    def __init__(self, directory):
        self.directory = directory
        self.file = directory / "ca.pem"
        self.key = directory / "ca.key"
        openssl(
            "req",
            "-x509",
            *CURVE,
            "-nodes",
            "-days",
            2,
            "-subj",
            "/CN=scenario CA",
            "-keyout",
            self.key,
            "-out",
            self.file,
        )

    def context(self, name, subject="IP:127.0.0.1", days=2):
        key, request, certificate, extra = (
            self.directory / f"{name}.{suffix}" for suffix in ("key", "csr", "pem", "ext")
        )
        extra.write_text(f"subjectAltName={subject}\n")
        openssl("req", *CURVE, "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        signer = ["-CA", self.file, "-CAkey", self.key, "-CAcreateserial"]
        openssl("x509", "-req", "-in", request, *signer, "-days", days, "-extfile", extra, "-out", certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def good_context(authority):
    return authority.context("good")


@pytest.fixture
def secure(good_context):
    server = FakeRedmine(tls=good_context)
    yield server
    server.stop()


@pytest.fixture
def over_tls(launch, secure, authority):
    return launch({"upstream.ca_file": authority.file}, upstream=secure.base)


def refused(answer, *words):
    """502, and words that help to find the reason."""
    assert answer.status == 502, answer
    assert any(word in answer.text.lower() for word in words), answer.text


def test_reads_and_writes(over_tls, secure, fresh):
    target = fresh()
    assert over_tls.get(target).status == 200
    assert over_tls.get(target).hit
    fields = [("X-Redmine-API-Key", ADMIN_KEY), ("Content-Type", "application/json")]
    answer = over_tls.request("POST", "/issues.json", fields, b'{"issue":{"subject":"x"}}')
    assert answer.status == 201
    assert answer.get("Location") == f"http://127.0.0.1:{over_tls.port}/issues/241"
    assert secure.last().get("Host") == secure.host


def test_links_lead_to_the_daemon(over_tls, secure):
    view = json.loads(over_tls.get("/attachments/1.json").text)["attachment"]
    assert view["content_url"] == f"http://127.0.0.1:{over_tls.port}/attachments/download/1/notes.txt"
    assert secure.base in view["description"]


def test_connection_is_reused(launch, engine, secure, authority, fresh):
    over_tls = launch({"upstream.ca_file": authority.file, f"engine.{engine}.workers": 1}, upstream=secure.base)
    for _ in range(10):
        assert over_tls.get(fresh()).status == 200
    assert len({request.connection for request in secure.seen("/issues.json")}) == 1


def test_unknown_authority(launch, secure, fresh):
    refused(launch(upstream=secure.base).get(fresh()), "certificate", "ssl", "tls")
    assert not secure.requests


def test_write_to_an_unknown_authority_was_not_sent(launch, secure):
    answer = launch(upstream=secure.base).request("POST", "/issues.json", [("X-Redmine-API-Key", ADMIN_KEY)], b"{}")
    refused(answer, "not sent")
    assert not secure.requests


@pytest.mark.parametrize(
    "name, subject, days", [("stranger", "DNS:redmine.example.org", 2), ("expired", "IP:127.0.0.1", -1)]
)
def test_certificate_for_another_name_or_time(launch, authority, fresh, name, subject, days):
    try:
        context = authority.context(name, subject, days)
    except subprocess.CalledProcessError:
        context = authority.context(name, subject, 0)
    server = FakeRedmine(tls=context)
    try:
        refused(
            launch({"upstream.ca_file": authority.file}, upstream=server.base).get(fresh()), "certificate", "ssl", "tls"
        )
        assert not server.requests
    finally:
        server.stop()


def test_plain_http_where_tls_is_expected(launch, authority, fake, fresh):
    daemon = launch({"upstream.ca_file": authority.file}, upstream=fake.base.replace("http:", "https:"))
    fake.greet(lambda exchange: exchange.stream.fill(), b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", CLOSE)
    assert daemon.get(fresh()).status == 502


def test_tls_where_plain_http_is_expected(launch, secure, fresh):
    assert launch(upstream=secure.base.replace("https:", "http:")).get(fresh()).status == 502


def test_cut_without_farewell_is_not_whole(over_tls, secure, fresh):
    """A body that only the end of the connection ends, and no close_notify: someone may have cut it."""

    def cut(exchange):
        exchange.closed = True
        exchange.stream.sock.unwrap = None
        wire.reset(exchange.stream.sock)

    secure.on(
        "/issues.json",
        script(READ, head(200, {"Content-Type": "application/json", "Connection": "close"}), b'{"issues":[', cut),
    )
    target = fresh()
    try:
        answer = over_tls.get(target)
        assert answer.status == 502 or answer.broken
    except wire.Broken:
        pass
    secure.routes.clear()
    assert not over_tls.get(target).hit


def test_large_bodies(over_tls, secure, fresh):
    size = 40_000_000
    secure.on("/some/file", huge_reply(size))
    answer = over_tls.get(fresh("/some/file"))
    assert answer.content.sha256 == wire.sha256_of(wire.blocks(size))
    assert over_tls.request("POST", "/sink", [("Content-Length", str(size))], wire.blocks(size)).status == 404
    assert secure.last("/sink").body.sha256 == answer.content.sha256


def test_another_ca_file_after_a_reload(launch, secure, authority, fresh):
    daemon = launch(upstream=secure.base)
    assert daemon.get(fresh()).status == 502
    daemon.configure({"upstream.ca_file": authority.file})
    daemon.signal(signal.SIGHUP)

    def told_or_taken():
        return daemon.get(fresh()).status == 200 or "upstream.ca_file" in daemon.stderr

    until(told_or_taken, "the CA file is taken by the reload, or the log says that it needs a restart")
    daemon.restart()
    assert daemon.get(fresh()).status == 200
