"""TLS towards clients: the certificate, read again without a restart; clients that need one, or a token."""

import http.client
import json
import re
import shutil
import signal
import ssl
import subprocess

import pytest

from behaviours import head, huge_reply, json_reply, script
from client import Answer
from daemon import StartFailed, until
from redmine_model import ADMIN_KEY
from wire import LIMIT, Stream, free_port, parts_of_length

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


def test_interim_answers_over_tls(serve, fake, papers):
    daemon = serve()
    steps = [head(103, {"Link": "</a.css>"}), head(102), head(200, {"Content-Length": 5}), b"final"]
    fake.on("/page", script(*steps))
    connection = https(daemon, papers)
    connection.connect()
    stream = Stream(connection.sock)
    for _ in range(3):
        connection.sock.sendall(f"GET /page HTTP/1.1\r\nHost: 127.0.0.1:{daemon.tls_port}\r\n\r\n".encode())
        heads = [Answer(stream.until(b"\r\n\r\n")) for _ in range(3)]
        assert [answer.status for answer in heads] == [103, 102, 200] and heads[0].get("Link") == "</a.css>"
        assert b"".join(parts_of_length(stream, 5)) == b"final"
    connection.close()


@pytest.mark.parametrize("short", [True, False])
def test_interim_answers_in_small_records(serve, fake, papers, short):
    """A client that takes records of 512 bytes only (RFC 6066 section 4): what is longer is left out, and nothing breaks."""
    daemon = serve()
    steps = [head(103, {"X-Pad": "x" * (50 if short else 900)}), head(200, {"Content-Length": 5}), b"final"]
    fake.on("/page", script(*steps))
    request = f"GET /page HTTP/1.1\r\nHost: 127.0.0.1:{daemon.tls_port}\r\nConnection: close\r\n\r\n".encode()
    command = ["openssl", "s_client", "-quiet", "-maxfraglen", "512", "-connect", f"127.0.0.1:{daemon.tls_port}"]
    client = subprocess.run([*command, "-CAfile", str(papers.ca)], input=request, capture_output=True, timeout=LIMIT)
    assert (b" 103 " in client.stdout) is short
    assert b"HTTP/1.1 200 " in client.stdout and client.stdout.endswith(b"final")


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
        ({"listen.tls_address": "0.0.0.0:7443"}, "listen.token_file, listen.client_ca or listen.allow_remote = yes"),
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


# A token instead of, or beside, a certificate of the client's.

TOKEN, RENEWED = "scenario-token-a7f3e2d90c", "scenario-token-renewed-51b"
ACCESS = {"Redmine-Cached-Access-Token": TOKEN}


@pytest.fixture
def guarded(serve, tmp_path):
    """A function: serve() with listen.token_file, daemon.token_file."""

    def start(options=None, text=TOKEN + "\n", mode=0o600, begin=True):
        file = tmp_path / "token"
        file.touch(mode)
        file.write_text(text)
        daemon = serve({"listen.token_file": file} | (options or {}), begin=begin)
        daemon.token_file = file
        daemon.secrets |= {TOKEN, RENEWED}
        return daemon

    return start


def ask(daemon, papers, target="/issues.json", fields=KEY, who=None, method="GET"):
    connection = https(daemon, papers, who)
    connection.request(method, target, headers=fields)
    answer = connection.getresponse()
    answer.text = answer.read().decode()
    connection.close()
    return answer


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"Redmine-Cached-Access-Token": ""},
        {"Redmine-Cached-Access-Token": TOKEN[:-1]},
        {"Redmine-Cached-Access-Token": TOKEN + "x"},
        {"Redmine-Cached-Access-Token": TOKEN.upper()},
        {"Redmine_Cached_Access_Token": TOKEN},
        {"Redmine-Cached-Token": TOKEN},
        {"Authorization": f"Bearer {TOKEN}"},
    ],
)
def test_without_the_token(guarded, fake, papers, fields):
    daemon = guarded()
    for target in ("/issues.json", f"/issues.json?Redmine-Cached-Access-Token={TOKEN}&key={ADMIN_KEY}", "/-/metrics", "/-/ready", "/-/status"):
        answer = ask(daemon, papers, target, KEY | fields)
        assert answer.status == 401 and "Redmine-Cached-Access-Token: " in answer.text, target
        assert answer.getheader("WWW-Authenticate") == 'Redmine-Cached-Access-Token realm="redmine-cached"'
        assert TOKEN not in answer.text and answer.getheader("Cache-Control") == "no-store"
    answer = ask(daemon, papers, "/issues.json", KEY | fields | {"Content-Type": "application/json"}, method="POST")
    assert answer.status == 401 and fake.requests == []


def test_with_the_token(guarded, fake, papers):
    daemon = guarded()
    connection = https(daemon, papers)
    for count in range(3):
        answer, body = get(connection, fields=KEY | ACCESS)
        assert answer.status == 200 and ("; hit" in answer.getheader("Cache-Status")) == (count > 0)
        assert get(connection, fields=KEY)[0].status == 401, "each request brings it"
    connection.close()
    assert daemon.get("/issues.json", KEY).hit, "the plain address is for this machine; one entry serves both"
    assert daemon.get("/issues.json", KEY | ACCESS).hit, "and takes no notice of a token"
    for request in fake.requests:
        assert TOKEN.encode() not in request.raw and b"Redmine-Cached" not in request.raw
    twice = https(daemon, papers)
    twice.putrequest("GET", "/issues.json")
    twice.putheader("Redmine-Cached-Access-Token", TOKEN)
    twice.putheader("Redmine-Cached-Access-Token", "another")
    twice.endheaders()
    assert twice.getresponse().status == 401
    twice.close()


def test_a_client_that_knows_nothing_of_it(guarded, papers, monkeypatch):
    """python-redmine sends further fields when it is told to: doc/security.md."""
    redminelib = pytest.importorskip("redminelib")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)  # they would count more than verify
    daemon = guarded()
    address = f"https://127.0.0.1:{daemon.tls_port}"
    redmine = redminelib.Redmine(address, key=ADMIN_KEY, requests={"headers": ACCESS, "verify": str(papers.ca)})
    assert [issue.subject for issue in redmine.issue.filter(limit=3)]
    redmine = redminelib.Redmine(address, key=ADMIN_KEY, requests={"verify": str(papers.ca)})
    with pytest.raises(redminelib.exceptions.AuthError):
        list(redmine.issue.filter(limit=3))


def test_the_token_is_read_again(guarded, papers):
    daemon = guarded()
    new = {"Redmine-Cached-Access-Token": RENEWED}
    for _ in range(2):
        assert ask(daemon, papers, fields=KEY | ACCESS).status == 200
    daemon.token_file.write_text(RENEWED)
    daemon.signal(signal.SIGHUP)
    until(lambda: ask(daemon, papers, fields=KEY | new).status == 200, "the new token is in force")
    assert ask(daemon, papers, fields=KEY | ACCESS).status == 401, "also where an answer was prepared"
    daemon.token_file.unlink()
    daemon.signal(signal.SIGHUP)
    daemon.logged(r"the settings stay as they were: .*token_file: .*No such file")
    assert ask(daemon, papers, fields=KEY | new).status == 200


def test_token_and_certificate(guarded, papers):
    daemon = guarded({"listen.client_ca": papers.ca})
    assert ask(daemon, papers, fields=KEY | ACCESS, who="client").status == 200
    assert ask(daemon, papers, who="client").status == 401
    assert ask(daemon, papers, fields=KEY | ACCESS).status == 403


def test_no_way_in_by_taking_the_token_away(guarded, papers):
    """Certificates need a restart: a reload that puts them in place of the token lets nobody in."""
    port = free_port()
    daemon = guarded({"listen.tls_address": f"0.0.0.0:{port}"})
    daemon.tls_port = port
    assert ask(daemon, papers, fields=KEY | ACCESS).status == 200
    assert ask(daemon, papers).status == 401
    daemon.configure({"listen.token_file": None, "listen.client_ca": papers.ca})
    daemon.signal(signal.SIGHUP)
    daemon.logged("a restart is needed for listen.client_ca")
    until(lambda: ask(daemon, papers).status == 403, "nobody is let in")
    assert ask(daemon, papers, fields=KEY | ACCESS).status == 403


def test_pages_of_listed_origins_may_send_it(guarded, papers):
    origin = "https://dashboard.example.org"
    daemon = guarded({"listen.allowed_origins": origin})
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "redmine-cached-access-token"}
    answer = ask(daemon, papers, fields={"Origin": origin} | asked, method="OPTIONS")
    assert answer.status == 204 and "Redmine-Cached-Access-Token" in answer.getheader("Access-Control-Allow-Headers").split(", ")
    answer = ask(daemon, papers, fields={"Origin": "https://other.example.org"} | asked, method="OPTIONS")
    assert answer.status == 401 and answer.getheader("Access-Control-Allow-Headers") is None
    answer = ask(daemon, papers, fields=KEY | {"Origin": origin})
    assert answer.status == 401 and answer.getheader("Access-Control-Allow-Origin") == origin
    assert ask(daemon, papers, fields=KEY | ACCESS | {"Origin": origin}).status == 200


@pytest.mark.parametrize(
    "text, mode, said",
    [("", 0o600, "token_file: .*token"), ("two words\n", 0o600, "it holds a space"), (TOKEN, 0o644, "token_file: .*token")],
)
def test_files_that_hold_no_token(guarded, text, mode, said):
    daemon = guarded(text=text, mode=mode, begin=False)
    daemon.token_file.chmod(mode)
    with pytest.raises(StartFailed) as failure:
        daemon.start()
    assert failure.value.code == 6 and re.search(said, failure.value.stderr)
