"""The fake itself, asked without a daemon: what the scenarios rely on."""

import hashlib
import json
import socket
import ssl
import subprocess
import threading

import pytest

import wire
from behaviours import chunked_reply, CLOSE, head, huge_reply, in_turn, json_reply, READ, reply, RESET, script
from client import Connection
from fake_redmine import FakeRedmine, settled, Silence
from redmine_model import ADMIN_KEY, MANAGER_KEY, WRONG_KEY


@pytest.fixture
def ask(fake):
    def request(method, target, fields=(), body=None, **how):
        with Connection(fake.address) as connection:
            return connection.request(method, target, fields, body, **how)

    return request


def test_records_every_byte(fake, ask):
    ask(
        "PUT",
        "//issues/1.json?x=%70",
        [("X-One", "1"), ("x-one", "2"), ("X-Redmine-API-Key", ADMIN_KEY)],
        b'{"issue":{}}',
    )
    seen = fake.last()
    assert seen.line == "PUT //issues/1.json?x=%70 HTTP/1.1"
    assert [field for field in seen.fields if field[0].lower() == "x-one"] == [("X-One", "1"), ("x-one", "2")]
    assert bytes(seen.body.kept) == b'{"issue":{}}'
    assert seen.raw.endswith(b"Content-Length: 12\r\n\r\n")


def test_counts_connections_and_keeps_them(fake):
    before = fake.connections
    with Connection(fake.address) as one:
        one.get("/trackers.json")
        one.get("/trackers.json")
    assert fake.connections == before + 1
    first, second = fake.seen("/trackers.json")
    assert first.connection == second.connection


def test_gate_holds_until_opened(fake):
    gate = fake.hold("/issues.json")
    with Connection(fake.address, limit=0.2) as one:
        one.ask("GET", "/issues.json")
        gate.arrived()
        with pytest.raises(TimeoutError):
            one.head()
        assert fake.active == 1
        gate.open()
        one.sock.settimeout(wire.LIMIT)
        assert one.answer().status == 200
    fake.wait_idle()
    assert fake.peak == 1


def test_resets_and_cuts(fake, ask):
    fake.on("/at-once", script(RESET))
    fake.on("/after", script(READ, RESET))
    fake.on("/head", script(READ, b"HTTP/1.1 200 O", RESET))
    fake.on("/body", script(READ, head(200, {"Content-Length": 9}), b"1234", CLOSE))
    fake.on("/chunks", script(READ, head(200, {"Transfer-Encoding": "chunked"}), wire.chunk(b"12"), CLOSE))
    for path in ("/at-once", "/after", "/head"):
        with pytest.raises(wire.Broken):
            ask("GET", path)
    for path, body in (("/body", b"1234"), ("/chunks", b"12")):
        answer = ask("GET", path)
        assert answer.broken and answer.body == body


def test_reset_before_reading(fake, ask):
    fake.greet(RESET)
    with pytest.raises((wire.Broken, OSError)):
        ask("GET", "/trackers.json")
    assert ask("GET", "/trackers.json").status == 200


def test_interim_reason_and_turns(fake, ask):
    fake.on(
        "/x",
        script(READ, head(103, {"Link": "<a>"}, "Early Hints"), head(299, {"Content-Length": 1}, "Très bien"), b"x"),
    )
    answer = ask("GET", "/x")
    assert [interim.status for interim in answer.interim] == [103]
    assert (answer.status, answer.reason, answer.body) == (299, "Très bien", b"x")
    fake.on("/y", in_turn(reply(500), reply(200)))
    assert [ask("GET", "/y").status for _ in range(3)] == [500, 200, 200]


def test_chunked_both_ways(fake, ask):
    fake.on("/echo", lambda exchange: exchange.answer(200, exchange.read_body()))
    assert ask("POST", "/echo", body=iter([b"ab", b"cde"])).body == b"abcde"
    fake.on("/out", chunked_reply([b"ab", b"cde"]))
    answer = ask("GET", "/out")
    assert (answer.framing, answer.body) == ("chunked", b"abcde")


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_huge_bodies_need_no_memory(fake, ask, framing):
    size = 30_000_001
    fake.on("/huge", huge_reply(size, framing=framing))
    answer = ask("GET", "/huge")
    assert answer.whole and answer.content.size == size
    assert answer.content.sha256 == wire.sha256_of(wire.blocks(size))
    ask("POST", "/sink", [("Content-Length", str(size))], body=wire.blocks(size))
    seen = fake.last("/sink")
    assert (seen.body.size, seen.body.sha256) == (size, answer.content.sha256)


def test_slow_reader_is_seen(fake):
    size = 100_000_000
    fake.on("/huge", huge_reply(size))
    with Connection(fake.address, receive_buffer=65536) as one:
        one.ask("GET", "/huge").head()
        sent = settled(lambda: fake.last("/huge").sent)
        assert 0 < sent < size / 2
        one.reset()
    fake.wait_idle()
    assert fake.last("/huge").broken


def test_stop_refuses_and_start_listens_again(fake, ask):
    fake.stop()
    with pytest.raises(ConnectionRefusedError):
        ask("GET", "/trackers.json")
    fake.start()
    assert ask("GET", "/trackers.json").status == 200


def test_silence_takes_no_connection():
    silence = Silence()
    with socket.socket() as sock:
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.connect(silence.listener.getsockname())
    silence.stop()


def test_concurrency_is_counted(fake, ask):
    gate = fake.hold("/issues.json")
    threads = [threading.Thread(target=ask, args=("GET", f"/issues.json?x={number}")) for number in range(7)]
    for thread in threads:
        thread.start()
    gate.arrived(7)
    assert (fake.active, fake.peak) == (7, 7)
    gate.open()
    for thread in threads:
        thread.join()


def test_tls(tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
        + ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = FakeRedmine(tls=context)
    try:
        with socket.create_connection(server.address) as plain:
            with ssl.create_default_context(cafile=certificate).wrap_socket(plain, server_hostname="127.0.0.1") as sock:
                sock.sendall(b"GET /trackers.json HTTP/1.1\r\nHost: x\r\n\r\n")
                assert sock.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
    finally:
        server.stop()


# The model.


def test_headers_are_those_of_the_real_one(ask):
    answer = ask("GET", "/issues/1.json", {"X-Request-Id": "r1"})
    names = [name for name, _ in answer.fields]
    assert names == [
        "X-Frame-Options",
        "X-XSS-Protection",
        "X-Content-Type-Options",
        "X-Download-Options",
        "X-Permitted-Cross-Domain-Policies",
        "Referrer-Policy",
        "Content-Type",
        "ETag",
        "Cache-Control",
        "X-Request-Id",
        "X-Runtime",
        "Content-Length",
    ]
    assert answer.get("Cache-Control") == "max-age=0, private, must-revalidate"
    assert answer.get("X-Request-Id") == "r1"
    assert answer.get("ETag") == 'W/"%s"' % hashlib.md5(answer.body).hexdigest()


def test_conditional_reads_and_head(ask):
    whole = ask("GET", "/issues.json")
    assert whole.has("Set-Cookie")
    same = ask("GET", "/issues.json", {"If-None-Match": whole.get("ETag")})
    assert (same.status, same.has("Content-Type"), same.has("Set-Cookie")) == (304, False, True)
    assert ask("GET", "/issues.json", {"If-None-Match": "*"}).status == 200
    bare = ask("HEAD", "/issues.json")
    assert (bare.status, bare.get("Content-Length"), bare.get("ETag")) == (200, "0", whole.get("ETag"))


def test_paging(ask):
    page = json.loads(ask("GET", "/issues.json?limit=200&offset=3", {"X-Redmine-API-Key": ADMIN_KEY}).text)
    assert (len(page["issues"]), page["total_count"], page["offset"], page["limit"]) == (100, 240, 3, 100)
    assert json.loads(ask("GET", "/issues.json?limit=0").text)["limit"] == 25
    assert (
        '<issues total_count="216" offset="0" limit="1" type="array"><issue>' in ask("GET", "/issues.xml?limit=1").text
    )


def test_identity(ask):
    def total(fields=(), query=""):
        return json.loads(ask("GET", f"/issues.json?limit=1{query}", fields).text)["total_count"]

    assert total() == total({"X-Redmine-API-Key": WRONG_KEY}) == 216
    assert total({"X-Redmine-API-Key": MANAGER_KEY}) == total(query=f"&key={MANAGER_KEY}") == 240
    assert total({"X-Redmine-API-Key": MANAGER_KEY}, f"&key={WRONG_KEY}") == 216
    assert ask("GET", "/issues/10.json").status == 401
    assert ask("GET", "/users/current.json").get("WWW-Authenticate") == 'Basic realm="Redmine API"'
    assert (
        json.loads(ask("GET", "/users/current.json", {"X-Redmine-API-Key": ADMIN_KEY}).text)["user"]["api_key"]
        == ADMIN_KEY
    )
    switch = {"X-Redmine-API-Key": ADMIN_KEY, "X-Redmine-Switch-User": "jsmith"}
    assert '"login":"jsmith"' in ask("GET", "/users/current.json", switch).text
    assert ask("GET", "/users/current.json", dict(switch, **{"X-Redmine-Switch-User": "locked"})).status == 412


def test_writes_change_what_is_read(ask):
    key = [("X-Redmine-API-Key", ADMIN_KEY), ("Content-Type", "application/json")]
    made = ask("POST", "/issues.json", key, b'{"issue":{"project_id":1,"subject":"new"}}')
    assert (made.status, made.get("Location").endswith("/issues/241")) == (201, True)
    changed = ask("PUT", "/issues/241.json", key, b'{"issue":{"subject":"newer"}}')
    assert (changed.status, changed.has("Content-Type"), changed.has("Content-Length")) == (204, False, False)
    assert '"subject":"newer"' in ask("GET", "/issues/241.json").text
    assert ask("DELETE", "/issues/241.json", key).status == 204
    assert ask("GET", "/issues/241.json").status == 404
    assert (
        ask("PUT", "/issues/1.json", [("Content-Type", "application/json")], b'{"issue":{"subject":"x"}}').status == 401
    )
    assert (
        ask("PUT", "/issues/1.json", key, b'{"issue":{"subject":""}}').body == b'{"errors":["Subject cannot be blank"]}'
    )


def test_uploads_and_downloads(ask):
    key = [("X-Redmine-API-Key", ADMIN_KEY)]
    made = ask("POST", "/uploads.json?filename=a.txt", [*key, ("Content-Type", "application/octet-stream")], b"data")
    token = json.loads(made.text)["upload"]["token"]
    body = json.dumps({"issue": {"project_id": 1, "subject": "x", "uploads": [{"token": token, "filename": "b.txt"}]}})
    ask("POST", "/issues.json", [*key, ("Content-Type", "application/json")], body.encode())
    view = json.loads(ask("GET", "/attachments/2.json", host="redmine.example").text)["attachment"]
    assert view["content_url"] == "http://redmine.example/attachments/download/2/b.txt"
    assert ask("GET", "/attachments/download/2/b.txt").body == b"data"
    assert ask("POST", "/uploads.json", [*key, ("Content-Type", "text/plain")], b"data").status == 406


def test_unknown_behaviour_is_not_hidden(fake, ask):
    fake.on(lambda request: request.method == "BREW", json_reply(b"{}", status=418))
    assert ask("BREW", "/pot").reason == "I'm a Teapot"
    assert ask("GET", "/no/such/route.json").status == 404
