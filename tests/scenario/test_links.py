"""Links that would lead a client around the daemon lead to it instead; nothing else in a body is touched."""

import gzip
import json

import pytest

import wire
from behaviours import head, json_reply, READ, reply, script
from client import Connection
from redmine_model import ADMIN_KEY

KEYS = ["content_url", "thumbnail_url", "url", "html_url", "avatar_url"]
ISSUE = "/issues/1.json?include=attachments"


def direct(fake, target, fields=()):
    with Connection(fake.address) as connection:
        return connection.get(target, fields)


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("temperature", ["cold", "warm"])
def test_json_links(daemon, fake, fresh, name, temperature):
    body = '{"a":{"%s":"%s/x?y=1","other":"%s/x"},"b":[{"%s":"%s"},{"%s":"http://else.example/"}],"c":null}'
    text = body % (name, fake.base, fake.base, name, fake.base, name)
    fake.on("/issues.json", json_reply(text.encode()))
    target = fresh()
    answers = [daemon.get(target) for _ in range(2 if temperature == "warm" else 1)]
    own = f"http://127.0.0.1:{daemon.port}"
    assert answers[-1].text == body % (name, own, fake.base, name, own, name)
    assert answers[-1].get("Content-Length", str(answers[-1].content.size)) == str(answers[-1].content.size)


@pytest.mark.parametrize("suffix", ["json", "xml"])
def test_attachment_links_and_user_text(daemon, fake, fresh, suffix):
    target = fresh(f"/issues/1.{suffix}?include=attachments")
    expected = direct(fake, target).text
    assert expected.count(fake.base) == 4
    for name in ("content_url", "thumbnail_url"):
        mark = f'"{name}":"' if suffix == "json" else f"<{name}>"
        expected = expected.replace(mark + fake.base, mark + f"http://127.0.0.1:{daemon.port}")
    answer = daemon.get(target)
    assert answer.text == expected
    assert answer.text.count(fake.base) == 2, "the description names the origin, and must go on doing so"


def test_links_work(daemon, fake, fresh):
    for _ in range(2):
        url = json.loads(daemon.get("/attachments/1.json").text)["attachment"]["content_url"]
        host, path = url.removeprefix("http://").split("/", 1)
        assert host == f"127.0.0.1:{daemon.port}"
        assert daemon.get("/" + path).body == fake.model.files[1]["data"]


def test_stored_once_rewritten_for_each_client(daemon, fake, fresh):
    target = fresh(ISSUE)
    hosts = [f"127.0.0.1:{daemon.port}", f"localhost:{daemon.port}", "localhost"]
    for host in hosts + hosts:
        answer = daemon.get(target, host=host)
        assert f'"content_url":"http://{host}/attachments/download/1/notes.txt"' in answer.text
        with daemon.connect() as connection:
            assert connection.request("HEAD", target, host=host).get("Content-Length") == str(answer.content.size)
    assert len(fake.seen("/issues/1.json")) == 1


def test_what_only_looks_like_a_link_stays(daemon, fake, fresh):
    base = fake.base
    quoted = json.dumps(f'{{"content_url":"{base}/x"}}')
    text = (
        f'{{"description":{quoted},"content_url":"{base}0/x","url":"{base}.evil.example/","html_url":"see {base}/x",'
        f'"my_url":"{base}/x","content_urls":["{base}/x"],"avatar_url":["{base}/x"],"URL":"{base}/x","thumbnail_url":7,'
        f'"subject":"content_url","notes":"\\"url\\":\\"{base}/x\\""}}'
    )
    json.loads(text)
    fake.on("/issues.json", json_reply(text.encode()))
    assert daemon.get(fresh()).text == text


def test_white_space_and_escapes(daemon, fake, fresh):
    text = '{ "x" : "\\\\" ,\n\t"content_url" :\r\n "%s/a\\"b" , "y\\"" : { "url":"%s"} }'
    fake.on("/issues.json", json_reply((text % (fake.base, fake.base)).encode()))
    own = f"http://127.0.0.1:{daemon.port}"
    assert daemon.get(fresh()).text == text % (own, own)


def test_xml_links(daemon, fake, fresh):
    base, own = fake.base, f"http://127.0.0.1:{daemon.port}"
    text = (
        (
            '<?xml version="1.0"?><a><content_url>%s/a?b=1&amp;c=2</content_url><url>\n%s/x</url><description>&lt;url&gt;{0}/x&lt;/url&gt; {0}/y</description>'
            "<urls>{0}/v</urls><avatar_url/><html_url>{0}.evil/</html_url></a>"
        )
        .replace("\n", "")
        .format(base)
    )
    fake.on(
        "/issues.xml", reply(200, (text % (base, base)).encode(), [("Content-Type", "application/xml; charset=utf-8")])
    )
    assert daemon.get(fresh("/issues.xml")).text == text % (own, own)


def test_atom_links(daemon, fake, fresh):
    target = fresh("/issues.atom")
    expected = direct(fake, target).text
    assert expected.count(f'href="{fake.base}') == 16
    answer = daemon.get(target)
    assert answer.text == expected.replace(f'href="{fake.base}', f'href="http://127.0.0.1:{daemon.port}')
    assert f"see {fake.base}/issues/1" in answer.text


@pytest.mark.parametrize("target", ["/issues.csv", "/attachments/download/9/x.json", "/issues/1", "/some/page"])
def test_other_formats_stay_byte_for_byte(daemon, fake, fresh, target):
    text = f'{{"content_url":"{fake.base}/x"}}<url>{fake.base}/x</url><link href="{fake.base}/"/>'.encode()
    kind = {"/issues.csv": "text/csv; header=present", "/issues/1": "text/html; charset=utf-8"}.get(
        target, "application/octet-stream"
    )
    fake.on(target, reply(200, text, [("Content-Type", kind)]))
    assert daemon.get(fresh(target)).body == text


def test_links_in_answers_to_writes(daemon, fake, fresh):
    fake.on(
        "/issues.json",
        json_reply(
            f'{{"issue":{{"content_url":"{fake.base}/x"}}}}'.encode(), 201, [("Location", f"{fake.base}/issues/7")]
        ),
    )
    answer = daemon.request("POST", "/issues.json", {"Content-Type": "application/json"}, b"{}")
    assert answer.text == f'{{"issue":{{"content_url":"http://127.0.0.1:{daemon.port}/x"}}}}'
    assert answer.get("Location") == f"http://127.0.0.1:{daemon.port}/issues/7"


@pytest.mark.parametrize("status", [201, 302, 200])
@pytest.mark.parametrize("name", ["Location", "Content-Location"])
def test_location(daemon, fake, fresh, status, name):
    own = f"http://127.0.0.1:{daemon.port}"
    for value, expected in [
        (f"{fake.base}/login?back_url={fake.base}/x", f"{own}/login?back_url={fake.base}/x"),
        (fake.base, own),
        ("/projects/1/wiki/x", "/projects/1/wiki/x"),
        (f"{fake.base}0/x", f"{fake.base}0/x"),
        ("http://elsewhere.example/", "http://elsewhere.example/"),
    ]:
        fake.on("/some/page", reply(status, b"", [(name, value)]))
        assert daemon.request("POST", fresh("/some/page"), body=b"x").get(name) == expected


def test_no_transform_leaves_everything(daemon, fake, fresh):
    target = fresh(ISSUE)
    expected = direct(fake, target).body
    for _ in ("cold", "warm"):
        assert daemon.get(target, {"Cache-Control": "no-transform"}).body == expected
        assert daemon.get(target).body != expected
    location = f"{fake.base}/issues/7"
    fake.on("/issues.json", reply(201, b"", [("Location", location)]))
    assert daemon.request("POST", "/issues.json", {"Cache-Control": "no-transform"}, b"x").get("Location") == location


def test_validators_stay_with_rewritten_bodies(daemon, fake, fresh):
    target = fresh(ISSUE)
    tag = direct(fake, target).get("ETag")
    assert daemon.get(target).get("ETag") == tag
    for host in ("localhost", f"127.0.0.1:{daemon.port}"):
        assert daemon.get(target, {"If-None-Match": tag}, host=host).status == 304


@pytest.mark.parametrize("suffix", ["json", "xml"])
@pytest.mark.parametrize("size", [1, 3, 7, 64])
def test_links_across_the_borders_of_parts(launch, fake, fresh, suffix, size):
    """A body over the object limit streams through; a link may be cut anywhere."""
    daemon = launch({"cache.object_limit": "4K"})
    unit = '{"content_url":"%s/x"},' if suffix == "json" else "<content_url>%s/x</content_url>"
    frame = '{"issues":[' + unit * 300 + "0]}" if suffix == "json" else "<issues>" + unit * 300 + "</issues>"
    body = (frame % ((fake.base,) * 300)).encode()
    pieces = [body[at : at + size] for at in range(0, 600, size)] + [body[(600 + size - 1) // size * size :]]
    kind = ("Content-Type", f"application/{suffix}; charset=utf-8")
    fake.on(
        f"/issues.{suffix}",
        script(READ, head(200, [kind, ("Transfer-Encoding", "chunked")]), *map(wire.chunk, pieces), b"0\r\n\r\n"),
    )
    assert daemon.get(fresh(f"/issues.{suffix}")).text == frame % ((f"http://127.0.0.1:{daemon.port}",) * 300)


@pytest.mark.parametrize("accept", [None, "gzip", "identity", "gzip;q=0", "br, gzip;q=0.5"])
@pytest.mark.parametrize("compression", ["auto", "yes", "no"])
def test_compressed_upstream(launch, fake, fresh, accept, compression):
    """Whatever is agreed upstream, the client gets what it asked for, links included."""
    daemon = launch({"upstream.compression": compression})
    text = '{"issues":[' + ",".join('{"content_url":"%s/x","n":%d}' % (fake.base, n) for n in range(500)) + "]}"

    def behave(exchange):
        data, fields = text.encode(), [("Content-Type", "application/json; charset=utf-8")]
        if "gzip" in exchange.request.get("Accept-Encoding", ""):
            data = gzip.compress(data)
            fields += [("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
        exchange.answer(200, data, fields)

    fake.on("/issues.json", behave)
    target = fresh()
    for _ in ("cold", "warm"):
        answer = daemon.get(target, {"Accept-Encoding": accept} if accept else {})
        data = answer.body
        if answer.has("Content-Encoding"):
            assert accept in ("gzip", "br, gzip;q=0.5") and answer.get("Content-Encoding") == "gzip"
            data = gzip.decompress(data)
        assert data.decode() == text.replace(fake.base, f"http://127.0.0.1:{daemon.port}")
    asked = [request.get("Accept-Encoding", "") for request in fake.seen("/issues.json")]
    if compression == "yes":
        assert all("gzip" in coding for coding in asked)
    other = daemon.get(target, {"Accept-Encoding": "identity"})
    assert not other.has("Content-Encoding") and len(json.loads(other.text)["issues"]) == 500


def test_sub_uri(launch, fake, fresh):
    fake.model.root = "/redmine"
    daemon = launch(upstream=fake.base + "/redmine")
    view = json.loads(daemon.get(ISSUE).text)["issue"]["attachments"][0]
    assert view["content_url"].startswith(f"http://127.0.0.1:{daemon.port}/")
    assert (
        daemon.get(view["content_url"].removeprefix(f"http://127.0.0.1:{daemon.port}")).body
        == fake.model.files[1]["data"]
    )
    key = [("X-Redmine-API-Key", ADMIN_KEY), ("Content-Type", "application/json")]
    location = daemon.request("POST", "/issues.json", key, b'{"issue":{"subject":"x"}}').get("Location")
    assert location.startswith(f"http://127.0.0.1:{daemon.port}/")
    assert daemon.get(location.removeprefix(f"http://127.0.0.1:{daemon.port}") + ".json").status == 200
    fake.on("/redmine/wiki", reply(201, b"", [("Location", "/redmine/projects/1/wiki/x")]))
    path = daemon.request("PUT", "/wiki", body=b"x").get("Location")
    fake.on("/redmine/projects/1/wiki/x", reply(200, b"the page"))
    assert daemon.get(path).body == b"the page"


def test_forwarded_address_is_believed_only_when_configured(launch, daemon, fake, fresh):
    forwarded = {"X-Forwarded-Host": "redmine.example.org", "X-Forwarded-Proto": "https"}
    target = fresh(ISSUE)
    assert f'"content_url":"http://127.0.0.1:{daemon.port}/' in daemon.get(target, forwarded).text
    trusting = launch({"listen.trust_forwarded": "yes", "listen.allowed_hosts": "redmine.example.org"})
    assert '"content_url":"https://redmine.example.org/attachments' in trusting.get(target, forwarded).text
    assert f'"content_url":"http://127.0.0.1:{trusting.port}/' in trusting.get(target).text
    assert not fake.last().has("X-Forwarded-Host")
    assert trusting.get(target, {"X-Forwarded-Host": "evil.example"}).status == 421
