"""Deliveries of Redmine 7's webhooks, made as its app/models/webhook.rb makes them."""

import hashlib
import hmac
import json
import re

import pytest

from client import Connection
from daemon import StartFailed, until
from redmine_model import MANAGER_KEY
from test_events import Listener
from wire import free_port

SECRET = "s3cret-of-the-webhook"
MANAGER = [("X-Redmine-API-Key", MANAGER_KEY)]
LIFETIMES = {f"lifetime.{name}": "1h" for name in ("issues", "issue", "projects", "news", "wiki_page", "time_entries")}
TARGETS = ["/issues/3.json", "/issues/4.json", "/issues.json", "/projects.json"]


@pytest.fixture
def receiving(launch, fake, tmp_path, request):
    """A daemon with `deliver`, and answers in its cache; a parameter names what it keeps warm."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    port = free_port()
    webhook = {"webhook.address": f"127.0.0.1:{port}", "webhook.secret_file": secret}
    key = tmp_path / "key"
    key.write_text(MANAGER_KEY)
    key.chmod(0o600)
    session = {"session.wall.key_file": key, "session.wall.token_file": key}
    warm = {**session, "warm.interval": "30m", "warm.read": request.param} if hasattr(request, "param") else {}
    daemon = launch({**LIFETIMES, **webhook, **warm})
    daemon.secrets.add(SECRET)

    def deliver(payload, signature=None, method="POST"):
        body = payload if isinstance(payload, bytes) else as_rails(payload)
        if signature is None:
            signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        fields = [("Accept", "*/*"), ("Content-Type", "application/json"), ("User-Agent", "Redmine"), ("Connection", "close")]
        if signature:
            fields.append(("X-Redmine-Signature-256", signature))
        with Connection(("127.0.0.1", port)) as connection:
            return connection.request(method, "/any/where", fields, body)

    daemon.deliver = deliver
    for target in TARGETS:
        daemon.get(target, MANAGER)
    return daemon


def as_rails(payload):
    """Hash#to_json: no blanks, other letters as they are, but what a web page could trip over escaped."""
    text = json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()


def issue(kind="issue.updated", number=3, **more):
    """Issue::Webhookable: issues/show.api.rsb as its owner sees it, and the journal of an update that he may see."""
    shown = {
        "id": number,
        "project": {"id": 1, "name": "eCookbook"},
        "tracker": {"id": 1, "name": "Bug"},
        "status": {"id": 2, "name": "Assigned", "is_closed": False},
        "priority": {"id": 5, "name": "Normal"},
        "author": {"id": 2, "name": "John <Smith> & sons"},
        **more,
        "subject": "said by a webhook\u2028",
        "description": "ü",
        "start_date": "2026-11-21",
        "due_date": None,
        "done_ratio": 0,
        "is_private": False,
        "estimated_hours": None,
        "total_estimated_hours": None,
        "spent_hours": 154.25,
        "total_spent_hours": 154.25,
        "custom_fields": [{"id": 2, "name": "Searchable field", "value": "125"}],
        "created_on": "2026-11-19T12:00:00Z",
        "updated_on": "2026-11-22T12:00:00Z",
        "closed_on": None,
    }
    data = {"issue": shown}
    if kind == "issue.updated":
        data["journal"] = {
            "id": 9,
            "created_on": "2026-11-22T12:00:00Z",
            "notes": "ü",
            "user": {"id": 2, "name": "John Smith"},
            "details": [{"property": "attr", "prop_key": "status_id", "old_value": "1", "value": "2"}],
        }
    return {"type": kind, "timestamp": "2026-11-22T12:00:00Z", "data": data}


def hits(daemon):
    return [daemon.get(target, MANAGER).hit for target in TARGETS]


def test_signed_delivery_drops_what_it_names(receiving):
    with Listener(receiving) as listener:
        assert receiving.deliver(issue()).status == 200
        event = json.loads(listener.event()["data"])
    assert event["source"] == "webhook" and event["url"] == "/issues/3.json"
    assert hits(receiving) == [False, True, False, True]


@pytest.mark.parametrize("receiving", [["wall /issues/3.json"]], indirect=True)
def test_what_it_spoils_is_read_again_if_it_is_kept_warm(receiving, fake):
    read = len(fake.wait_seen("/issues/3.json"))
    assert receiving.deliver(issue()).status == 200
    fake.wait_seen("/issues/3.json", read + 1)
    until(lambda: hits(receiving)[0], "it is there again")


def test_parent_is_dropped_too(receiving):
    assert receiving.deliver(issue(number=5, parent={"id": 4})).status == 200
    assert hits(receiving) == [True, False, False, True]


def test_delivery_that_comes_again_does_no_harm(receiving):
    """Whoever has caught one may send it as often as he likes: what is shown is what Redmine says then."""
    for _ in range(3):
        assert receiving.deliver(issue()).status == 200
    hits(receiving)
    assert hits(receiving) == [True] * 4


def test_deleted_issue(receiving):
    assert receiving.deliver(issue("issue.deleted")).status == 200
    assert hits(receiving) == [False, False, False, True]


def test_deliveries_are_counted(receiving):
    def figures():
        text = receiving.get("/-/metrics").text
        return [int(re.search(rf"^redmine_cached_webhook_{name}_total (\d+)", text, re.M)[1]) for name in ("deliveries", "refused")]

    receiving.deliver(issue())
    receiving.deliver(issue(), "")
    receiving.deliver(b"{}")
    assert figures() == [1, 2]


@pytest.mark.parametrize(
    "signature",
    ["", "sha256=", "sha256=" + "0" * 64, "sha1=" + "0" * 40, "sha256=" + "z" * 64, "0" * 64, "sha256=" + "0" * 63],
)
def test_delivery_without_the_right_signature_does_nothing(receiving, signature):
    assert receiving.deliver(issue(), signature).status == 401
    assert hits(receiving) == [True] * 4
    assert SECRET not in receiving.stderr


def test_signature_is_of_the_very_bytes(receiving):
    body = as_rails(issue())
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert receiving.deliver(body + b" ", signature).status == 401
    assert receiving.deliver(body, signature.upper().replace("SHA", "sha")).status == 401
    assert receiving.deliver(body, signature).status == 200


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"{}", b'{"type":1}', b'{"type":"issue.updated","data":{}}', b'{"type":"issue"}'])
def test_what_is_no_delivery(receiving, payload):
    assert receiving.deliver(payload).status == 400
    assert hits(receiving) == [True] * 4


def test_types_that_are_not_known_are_taken(receiving):
    assert receiving.deliver({"type": "document.created", "data": {"document": {"id": 1}}}).status == 200
    assert hits(receiving) == [True] * 4


@pytest.mark.parametrize("kind", ["time_entry", "wiki_page", "news", "version"])
@pytest.mark.parametrize("change", ["created", "updated", "deleted"])
def test_every_type(receiving, kind, change):
    with Listener(receiving) as listener:
        assert receiving.deliver({"type": f"{kind}.{change}", "data": {kind: {"id": 7, "title": "x"}}}).status == 200
        tags = json.loads(listener.event()["data"])["tags"]
    named = {"time_entry": "time_entry:7", "wiki_page": "wiki", "news": "news", "version": "versions"}
    assert named[kind] in tags


def test_too_large_and_other_methods(receiving):
    assert receiving.deliver(b" " * (1024 * 1024 + 1)).status == 413
    assert receiving.deliver(b"", method="GET").status == 405
    assert hits(receiving) == [True] * 4


@pytest.mark.parametrize(
    "options, said",
    [
        ({"webhook.address": "127.0.0.1:7337"}, "unsigned deliveries are not believed"),
        ({"webhook.address": "nonsense", "webhook.secret_file": "/nowhere"}, "webhook.address|redmine-cached.conf"),
    ],
)
def test_settings_that_cannot_work(launch, fake, options, said):
    with pytest.raises(StartFailed) as failure:
        launch(options)
    assert any(part in failure.value.stderr for part in said.split("|"))
