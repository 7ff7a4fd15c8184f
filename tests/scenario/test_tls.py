"""TLS towards clients: the certificate, read again without a restart, and clients that have to have one."""

import http.client
import json
import shutil
import signal
import ssl
import subprocess

import pytest

from behaviours import huge_reply, json_reply
from daemon import StartFailed, until
from redmine_model import ADMIN_KEY
from wire import LIMIT, free_port

KEY = {"X-Redmine-API-Key": ADMIN_KEY}


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Papers:
    """An authority and what it has signed: NAME.pem with NAME.key."""

    def __init__(self, folder):
        self.folder = folder
        self.ca = folder / "ca.pem"
        new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2]
        openssl(*new, "-subj", "/CN=scenario CA", "-keyout", folder / "ca.key", "-out", self.ca)
        self.sign("server", "subjectAltName=IP:127.0.0.1,DNS:localhost")
        self.sign("renewed", "subjectAltName=IP:127.0.0.1")
        self.sign("client", "extendedKeyUsage=clientAuth")
        self.sign("no-client", "extendedKeyUsage=serverAuth")
        openssl(*new, "-subj", "/CN=a stranger", "-keyout", folder / "stranger.key", "-out", folder / "stranger.pem")

    def sign(self, name, extension):
        key, request, extra = (self.folder / f"{name}.{suffix}" for suffix in ("key", "csr", "ext"))
        extra.write_text(extension + "\n")
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl("req", *curve, "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        signer = ["-CA", self.ca, "-CAkey", self.folder / "ca.key", "-CAcreateserial", "-days", 2, "-extfile", extra]
        openssl("x509", "-req", "-in", request, *signer, "-out", self.folder / f"{name}.pem")

    def __getitem__(self, name):
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    return Papers(tmp_path_factory.mktemp("papers"))


@pytest.fixture
def serve(launch, papers, tmp_path):
    """A function: a daemon with TLS at daemon.tls_port; its certificate is a copy that a test may change."""

    def start(options=None, begin=True):
        certificate, key = tmp_path / "own.pem", tmp_path / "own.key"
        for source, copy in zip(papers["server"], (certificate, key)):
            shutil.copy(source, copy)
        port = free_port()
        settings = {"tls_address": f"127.0.0.1:{port}", "certificate": certificate, "certificate_key": key}
        settings = {f"listen.{name}": value for name, value in settings.items()} | (options or {})
        daemon = launch(settings, begin=begin)
        daemon.tls_port, daemon.own = port, (certificate, key)
        return daemon

    return start


def https(daemon, papers, who=None, versions=None):
    context = ssl.create_default_context(cafile=papers.ca)
    if who:
        context.load_cert_chain(*papers[who])
    if versions:
        context.minimum_version = context.maximum_version = versions
    return http.client.HTTPSConnection("127.0.0.1", daemon.tls_port, context=context, timeout=LIMIT)


def get(connection, target="/issues.json", fields=KEY):
    connection.request("GET", target, headers=fields)
    answer = connection.getresponse()
    return answer, answer.read()


def shown(daemon, papers):
    """The name in the certificate that a new connection is shown."""
    connection = https(daemon, papers)
    connection.connect()
    subject = dict(pair for entry in connection.sock.getpeercert()["subject"] for pair in entry)
    connection.close()
    return subject["commonName"]


def test_requests_over_tls(serve, fake, papers):
    daemon = serve()
    connection = https(daemon, papers)
    plain = daemon.get("/issues.json", KEY)
    for _ in range(3):
        answer, body = get(connection)
        assert answer.status == 200 and body == plain.body and "; hit" in answer.getheader("Cache-Status")
    connection.request("POST", "/issues.json", '{"issue":{"project_id":1,"subject":"s"}}', KEY | {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 201 and json.loads(answer.read())["issue"]["subject"] == "s"
    assert answer.getheader("Location").startswith(f"https://127.0.0.1:{daemon.tls_port}/issues/")
    connection.close()


def test_links_lead_to_https(serve, fake, papers):
    fake.on("/issues/1.json", json_reply(b'{"content_url":"%s/attachments/download/1/a"}' % fake.base.encode()))
    daemon = serve()
    connection = https(daemon, papers)
    for _ in range(2):
        url = json.loads(get(connection, "/issues/1.json")[1])["content_url"]
        assert url == f"https://127.0.0.1:{daemon.tls_port}/attachments/download/1/a"
    connection.close()


def test_large_bodies_pass(serve, fake, papers):
    size = 20_000_000
    fake.on("/attachments/download/1/big", huge_reply(size))
    daemon = serve()
    connection = https(daemon, papers)
    assert len(get(connection, "/attachments/download/1/big")[1]) == size
    connection.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions(serve, papers, version):
    connection = https(serve(), papers, versions=version)
    assert get(connection)[0].status == 200
    connection.close()


def test_plain_http_is_not_understood(serve, papers):
    daemon = serve()
    connection = http.client.HTTPConnection("127.0.0.1", daemon.tls_port, timeout=LIMIT)
    with pytest.raises((http.client.HTTPException, OSError)):
        get(connection)
    connection.close()
    assert daemon.get("/-/healthy").status == 200


def test_the_certificate_is_read_again(serve, fake, papers):
    daemon = serve({"lifetime.issues": "1s"})
    kept = https(daemon, papers)
    assert get(kept)[0].status == 200 and shown(daemon, papers) == "server"
    for source, copy in zip(papers["renewed"], daemon.own):
        shutil.copy(source, copy)
    daemon.signal(signal.SIGHUP)
    until(lambda: shown(daemon, papers) == "renewed", "new connections see the new certificate")
    assert get(kept)[0].status == 200, "connections that are there stay"
    daemon.own[0].write_text("nothing of use")
    daemon.signal(signal.SIGHUP)
    daemon.logged("reload: the certificate stays as it was: listen.certificate ")
    assert shown(daemon, papers) == "renewed"
    kept.close()


def test_clients_have_to_prove_themselves(serve, fake, papers):
    daemon = serve({"listen.client_ca": papers.ca})
    connection = https(daemon, papers, "client")
    for _ in range(3):
        assert get(connection)[0].status == 200
    connection.close()
    asked = len(fake.requests)
    for who in (None, "stranger", "no-client"):
        connection = https(daemon, papers, who)
        for target in ("/issues.json", "/projects.json", "/-/metrics"):
            try:
                answer, body = get(connection, target)
            except (http.client.HTTPException, OSError):
                break  # refused in the handshake
            assert answer.status == 403 and b"client certificate" in body, (who, target)
        connection.close()
    assert len(fake.requests) == asked
    assert daemon.get("/issues.json", KEY).status == 200, "the plain address is for this machine"


@pytest.mark.parametrize(
    "options, said",
    [
        ({"listen.certificate": None}, "TLS needs listen.certificate and listen.certificate_key"),
        ({"listen.certificate": "/nowhere.pem"}, "certificate: /nowhere.pem: No such file"),
        ({"listen.tls_address": "0.0.0.0:7443"}, "listen.client_ca or listen.allow_remote = yes"),
    ],
)
def test_settings_that_make_no_sense(serve, options, said):
    daemon = serve(options, begin=False)
    with pytest.raises(StartFailed) as failure:
        daemon.start()
    assert failure.value.code == 6 and said in failure.value.stderr


def test_a_key_of_another_certificate(serve, papers):
    daemon = serve({"listen.certificate_key": papers["client"][1]}, begin=False)
    with pytest.raises(StartFailed) as failure:
        daemon.start()
    assert failure.value.code == 1 and "not the key of listen.certificate" in failure.value.stderr


def test_others_may_come_with_certificates(serve, papers):
    port = free_port()
    daemon = serve({"listen.tls_address": f"0.0.0.0:{port}", "listen.client_ca": papers.ca})
    daemon.tls_port = port
    connection = https(daemon, papers, "client")
    assert get(connection)[0].status == 200
    connection.close()
