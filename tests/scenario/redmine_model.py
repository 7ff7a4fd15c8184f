"""What the fake says when a scenario does not: a small Redmine 5.0 with a memory.

Statuses, headers and their order, paging, identity and shapes are those seen on
Debian's Redmine 5.0.4 behind puma. What the scenarios do not look at is left out.
"""

import base64
import hashlib
import itertools
import json
import threading
import uuid
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape, quoteattr

ADMIN_KEY = "ad31e9c0a7f5426bb18f2b54c0dd7c1f99a0b7e1"
MANAGER_KEY = "3a9e44cf10b7d26e85f7ce1930ad82b46f5c0d17"
REPORTER_KEY = "5ec0ffee7d1b46a3902b8f14e6d7a3c8b9f01e22"
LOCKED_KEY = "10c4ed00bb52474d8f6e91c3a27d5f8e04b6a9d3"
WRONG_KEY = "bad0bad0bad0bad0bad0bad0bad0bad0bad0bad0"
PASSWORD = "s3cret-of-jsmith-passw0rd"
SESSION = "c2Vzc2lvbi1vZi1qc21pdGgtY29va2ll"
FRESH_SESSION = "ZnJlc2gtc2Vzc2lvbi1vZi1ub2JvZHk"

SECRETS = (
    ADMIN_KEY,
    MANAGER_KEY,
    REPORTER_KEY,
    LOCKED_KEY,
    WRONG_KEY,
    PASSWORD,
    SESSION,
    FRESH_SESSION,
    base64.b64encode(f"jsmith:{PASSWORD}".encode()).decode(),
)

SECURITY = [
    ("X-Frame-Options", "SAMEORIGIN"),
    ("X-XSS-Protection", "1; mode=block"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Download-Options", "noopen"),
    ("X-Permitted-Cross-Domain-Policies", "none"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
]
JSON = "application/json; charset=utf-8"
XML = "application/xml; charset=utf-8"
HTML = "text/html; charset=utf-8"
NO_ROUTE = b"<!DOCTYPE html>\n<html><head><title>404</title></head><body>" + b"." * 390 + b"</body></html>\n"


class User:
    def __init__(self, ident, login, key, password=None, admin=False, projects=(), locked=False):
        self.id, self.login, self.key, self.password = ident, login, key, password
        self.admin, self.projects, self.locked = admin, set(projects), locked


def as_json(value):
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e").encode()


def as_xml(name, value, attributes=""):
    """Rails' to_xml in the parts that Redmine's API views use: references are attributes, arrays say so."""
    if isinstance(value, dict) and set(value) <= {"id", "name"} and value:
        return f"<{name}" + "".join(f" {key}={quoteattr(str(text))}" for key, text in value.items()) + "/>"
    if isinstance(value, dict):
        return f"<{name}{attributes}>" + "".join(as_xml(key, item) for key, item in value.items()) + f"</{name}>"
    if isinstance(value, list):
        single = {"issues": "issue", "projects": "project", "attachments": "attachment", "errors": "error"}.get(
            name, name[:-1]
        )
        inner = "".join(as_xml(single, item) for item in value)
        return f'<{name}{attributes} type="array">{inner}</{name}>'
    if value is None:
        return f"<{name}/>"
    return f"<{name}>{escape(str(value).lower() if isinstance(value, bool) else str(value))}</{name}>"


class Answer(Exception):
    """Raised where an action knows its answer."""

    def __init__(self, status, body=b"", kind="application/json", fields=()):
        self.status, self.body, self.kind, self.fields = status, body, kind, list(fields)
        super().__init__(status)


class Model:
    """State and answers. `root` is the sub-URI, empty or like "/redmine"."""

    def __init__(self, base, root=""):
        self.base = base
        self.root = root
        self.lock = threading.RLock()
        self.users = [
            User(1, "admin", ADMIN_KEY, admin=True),
            User(2, "jsmith", MANAGER_KEY, PASSWORD, projects=(1, 2, 3)),
            User(3, "dlopper", REPORTER_KEY, projects=(1,)),
            User(4, "locked", LOCKED_KEY, locked=True),
        ]
        self.projects = {
            1: {"id": 1, "name": "eCookbook", "identifier": "ecookbook", "is_public": True},
            2: {"id": 2, "name": "OnlineStore", "identifier": "onlinestore", "is_public": True},
            3: {"id": 3, "name": "Private child", "identifier": "private-child", "is_public": False},
        }
        self.issues = {}
        self.files = {}
        self.tokens = {}
        self.hours = {}
        for number in range(1, 241):
            self.add_issue(
                {"project_id": 3 if number % 10 == 0 else 1 + number % 2, "subject": f"Issue {number} & <more>"}
            )
        self.add_file("notes.txt", "text/plain", b"some notes, thirty-eight bytes of them\n", issue=1)

    def add_issue(self, values):
        number = max(self.issues, default=0) + 1
        project = self.projects[int(values.get("project_id", 1))]
        self.issues[number] = {
            "id": number,
            "project": {"id": project["id"], "name": project["name"]},
            "tracker": {"id": 1, "name": "Bug"},
            "status": {"id": 1, "name": "New"},
            "subject": values.get("subject", ""),
            "description": values.get("description", f"see {self.base}/issues/1 and\nhttp://elsewhere.example/ü"),
            "done_ratio": 0,
            "created_on": "2024-01-02T03:04:05Z",
            "updated_on": "2024-01-02T03:04:05Z",
        }
        return self.issues[number]

    def add_file(self, name, kind, data, issue=None):
        number = max(self.files, default=0) + 1
        self.files[number] = {"id": number, "name": name, "kind": kind, "data": data, "issue": issue}
        return self.files[number]

    # Who is asking, and what he may see.

    def identify(self, request, params, api):
        user = None
        if not api and f"Redmine={SESSION}" in request.get("Cookie", ""):
            return self.user_of("login", "jsmith")
        basic = request.get("Authorization", "")
        if params.get("key"):
            user = self.user_of("key", params["key"])
        elif request.get("X-Redmine-API-Key"):
            user = self.user_of("key", request.get("X-Redmine-API-Key"))
        elif basic.lower().startswith("basic "):
            login, _, password = base64.b64decode(basic[6:]).decode().partition(":")
            user = self.user_of("login", login)
            if not user or not user.password or user.password != password:
                user = self.user_of("key", login)
        switch = request.get("X-Redmine-Switch-User")
        if user and user.admin and switch:
            user = self.user_of("login", switch.lower())
            if not user:
                raise Answer(412)
        return user

    def user_of(self, field, value):
        for user in self.users:
            if getattr(user, field) == value and not user.locked:
                return user
        return None

    def sees(self, user, project):
        return self.projects[project]["is_public"] or bool(user and (user.admin or project in user.projects))

    def refuse(self, user):
        if user:
            raise Answer(403)
        raise Answer(401, fields=[("WWW-Authenticate", 'Basic realm="Redmine API"')])

    # From a request to an answer.

    def serve(self, exchange):
        body = exchange.read_body()
        with self.lock:
            try:
                answer = self.dispatch(exchange.request, body)
            except Answer as early:
                answer = early
        fields = SECURITY + [("Content-Type", answer.kind)] if answer.kind else list(SECURITY)
        status, text = answer.status, answer.body
        request = exchange.request
        if status in (200, 201) and text:
            etag = 'W/"%s"' % hashlib.md5(text).hexdigest()
            if status == 200 and request.get("If-None-Match") == etag:
                status, text = 304, b""
                fields = [field for field in fields if field[0] != "Content-Type"]
            fields += [("ETag", etag)]
            if not any(name == "Cache-Control" for name, _ in answer.fields):
                fields += [("Cache-Control", "max-age=0, private, must-revalidate")]
        elif text is not NO_ROUTE:
            fields += [("Cache-Control", "no-cache")]
        if self.sets_cookie(request):
            fields += [("Set-Cookie", f"Redmine={FRESH_SESSION}; path={self.root or '/'}; HttpOnly")]
        fields += answer.fields
        fields += [("X-Request-Id", request.get("X-Request-Id") or str(uuid.uuid4())), ("X-Runtime", "0.091997")]
        exchange.answer(status, text, fields)

    def sets_cookie(self, request):
        path = request.path.removeprefix(self.root)
        lists = ("/issues.json", "/issues.xml", "/issues.atom", "/users.json", "/projects/1/issues.json")
        return path in lists or (request.method in ("PUT", "PATCH") and path.startswith("/issues/"))

    def dispatch(self, request, body):
        path = "/" + unquote(request.path.removeprefix(self.root)).strip("/")
        if self.root and not request.path.startswith(self.root + "/"):
            raise Answer(404, NO_ROUTE, HTML)
        params = dict(parse_qsl(request.query, keep_blank_values=True))
        path, dot, suffix = path.rpartition(".")
        if not dot or "/" in suffix:
            path, suffix = path + dot + suffix, params.get("format", "")
        method = self.method_of(request, body)
        user = self.identify(request, params, suffix in ("json", "xml"))
        words = path.strip("/").split("/")
        action = getattr(self, f"{words[0]}_{method}", None) or getattr(self, words[0], None)
        if words[0].startswith("_") or not callable(action) or words[0] not in self.ROUTED:
            raise Answer(404, NO_ROUTE, HTML)
        return action(words[1:], user, params, suffix, request, body)

    ROUTED = ("issues", "projects", "users", "trackers", "issue_statuses", "attachments", "uploads", "time_entries")

    def method_of(self, request, body):
        method = "GET" if request.method == "HEAD" else request.method
        if method == "POST":
            method = request.get("X-HTTP-Method-Override", method).upper()
            if request.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
                method = dict(parse_qsl(body.decode())).get("_method", method).upper()
        return method

    def origin(self, request):
        """Scheme and host as Rails builds URLs: it believes whoever asks."""
        scheme = request.get("X-Forwarded-Proto") or ("https" if self.base.startswith("https") else "http")
        host = (request.get("X-Forwarded-Host") or request.get("Host", "localhost")).split(",")[-1].strip()
        return f"{scheme}://{host}{self.root}"

    def render(self, name, value, suffix, page=None, status=200, fields=()):
        if suffix == "json":
            return Answer(status, as_json({name: value, **(page or {})}), JSON, fields)
        if suffix == "xml":
            attributes = "".join(f' {key}="{number}"' for key, number in (page or {}).items())
            text = '<?xml version="1.0" encoding="UTF-8"?>' + as_xml(name, value, attributes)
            return Answer(status, text.encode(), XML, fields)
        raise Answer(406, b"We couldn't handle your request, sorry.", "text/plain; charset=utf-8")

    def window(self, rows, params, request):
        def number(name, default):
            try:
                return int(params.get(name, default))
            except ValueError:
                return default

        limit = number("limit", 25)
        limit = 25 if limit <= 0 else min(limit, 100)
        offset = max(0, number("offset", (max(1, number("page", 1)) - 1) * limit))
        page = {"total_count": len(rows), "offset": offset, "limit": limit}
        if params.get("nometa") or request.has("X-Redmine-Nometa"):
            page = {}
        return rows[offset : offset + limit], page

    # The resources.

    def issues_GET(self, words, user, params, suffix, request, _):
        if words:
            issue = self.issue(words[0], user)
            if suffix == "":
                return Answer(200, f"<h1>{escape(issue['subject'])}</h1>".encode(), HTML, [("Vary", "Accept")])
            issue = dict(issue, spent_hours=self.hours.get(issue["id"], 0))
            if "attachments" in params.get("include", ""):
                issue["attachments"] = [
                    self.file_view(file, request) for file in self.files.values() if file["issue"] == issue["id"]
                ]
            return self.render("issue", issue, suffix)
        if params.get("updated_on") == "garbage":
            return self.render("errors", ["Updated is invalid"], suffix, status=422)
        rows = [issue for issue in self.issues.values() if self.sees(user, issue["project"]["id"])]
        if "project_id" in params:
            rows = [issue for issue in rows if str(issue["project"]["id"]) == params["project_id"]]
        if params.get("issue_id", "").startswith("<="):
            rows = [issue for issue in rows if issue["id"] <= int(params["issue_id"][2:])]
        if params.get("updated_on", "").startswith(">="):
            rows = [issue for issue in rows if issue["updated_on"] >= params["updated_on"][2:]]
        rows.sort(key=lambda issue: issue["id"], reverse=params.get("sort") != "id")
        if params.get("sort") == "updated_on:desc":
            rows.sort(key=lambda issue: issue["updated_on"], reverse=True)
        if suffix == "atom":
            return Answer(200, self.feed(rows[:15], request), "application/atom+xml; charset=utf-8")
        if suffix == "csv":
            lines = itertools.chain(["#,Subject"], (f"{issue['id']},{issue['subject']}" for issue in rows))
            return Answer(200, "\n".join(lines).encode(), "text/csv; header=present")
        rows, page = self.window(rows, params, request)
        return self.render("issues", rows, suffix, page)

    def issue(self, word, user):
        digits = "".join(itertools.takewhile(str.isdigit, word))
        issue = self.issues.get(int(digits or 0))
        if not issue:
            raise Answer(404)
        if not self.sees(user, issue["project"]["id"]):
            self.refuse(user)
        return issue

    def feed(self, rows, request):
        origin = self.origin(request)
        target = escape(request.target)
        entries = "".join(
            f'<entry><title>{escape(row["subject"])}</title><link rel="alternate" href="{origin}/issues/{row["id"]}"/>'
            f'<content type="html">{escape(row["description"])}</content></entry>'
            for row in rows
        )
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
            f'<link rel="self" href="{origin.removesuffix(self.root)}{target}"/>{entries}</feed>'
        ).encode()

    def values(self, name, request, body):
        kind = request.get("Content-Type", "")
        if kind.startswith("application/json"):
            try:
                return json.loads(body or b"{}").get(name, {})
            except ValueError:
                raise Answer(400, kind="text/html") from None
        if kind.startswith("application/x-www-form-urlencoded"):
            prefix = name + "["
            return {key[len(prefix) : -1]: text for key, text in parse_qsl(body.decode()) if key.startswith(prefix)}
        return {}

    def issues_POST(self, words, user, _params, suffix, request, body):
        if not user:
            self.refuse(user)
        values = self.values("issue", request, body)
        if not values.get("subject"):
            return self.render("errors", ["Subject cannot be blank"], suffix, status=422)
        issue = self.add_issue(values)
        for upload in values.get("uploads", []):
            file = self.tokens.pop(upload["token"])
            file["issue"], file["name"] = issue["id"], upload.get("filename", file["name"])
        location = ("Location", f"{self.origin(request)}/issues/{issue['id']}")
        return self.render("issue", issue, suffix, status=201, fields=[location])

    def issues_PUT(self, words, user, _params, suffix, request, body):
        if not user:
            self.refuse(user)
        issue = self.issue(words[0], user)
        values = self.values("issue", request, body)
        if values.get("subject", "x") == "":
            return self.render("errors", ["Subject cannot be blank"], suffix, status=422)
        issue.update({key: text for key, text in values.items() if key in ("subject", "description", "done_ratio")})
        return Answer(204, kind=None)

    issues_PATCH = issues_PUT

    def issues_DELETE(self, words, user, _params, _suffix, _request, _body):
        if not user:
            self.refuse(user)
        del self.issues[self.issue(words[0], user)["id"]]
        return Answer(204, kind=None)

    def projects_GET(self, words, user, params, suffix, request, body):
        rows = [project for project in self.projects.values() if self.sees(user, project["id"])]
        if not words:
            rows, page = self.window(rows, params, request)
            return self.render("projects", rows, suffix, page)
        known = [
            project for project in self.projects.values() if words[0] in (str(project["id"]), project["identifier"])
        ]
        if not known:
            raise Answer(404)
        if known[0] not in rows:
            self.refuse(user)
        if words[1:] == ["issues"]:
            return self.issues_GET([], user, dict(params, project_id=str(known[0]["id"])), suffix, request, body)
        return self.render("project", known[0], suffix)

    def users_GET(self, words, user, params, suffix, request, _):
        if words == ["current"]:
            if not user:
                self.refuse(user)
            view = {"id": user.id, "login": user.login, "admin": user.admin, "api_key": user.key}
            return self.render("user", view, suffix)
        if not user or not user.admin:
            self.refuse(user)
        rows, page = self.window([{"id": each.id, "login": each.login} for each in self.users], params, request)
        return self.render("users", rows, suffix, page)

    def trackers_GET(self, _words, _user, _params, suffix, _request, _):
        return self.render("trackers", [{"id": 1, "name": "Bug"}, {"id": 2, "name": "Feature"}], suffix)

    def issue_statuses_GET(self, _words, _user, _params, suffix, _request, _):
        return self.render("issue_statuses", [{"id": 1, "name": "New", "is_closed": False}], suffix)

    def time_entries_POST(self, _words, user, _params, suffix, request, body):
        if not user:
            self.refuse(user)
        values = self.values("time_entry", request, body)
        issue = self.issue(str(values.get("issue_id", 0)), user)
        self.hours[issue["id"]] = self.hours.get(issue["id"], 0) + float(values.get("hours", 0))
        return self.render("time_entry", {"id": 1, "hours": values["hours"]}, suffix, status=201)

    def file_view(self, file, request):
        return {
            "id": file["id"],
            "filename": file["name"],
            "filesize": len(file["data"]),
            "content_type": file["kind"],
            "description": f"from {self.origin(request)}/attachments/download/{file['id']}",
            "content_url": f"{self.origin(request)}/attachments/download/{file['id']}/{file['name']}",
            "thumbnail_url": f"{self.origin(request)}/attachments/thumbnail/{file['id']}",
        }

    def attachments_GET(self, words, user, _params, suffix, request, _):
        file = self.files.get(int(words[1] if words[0] in ("download", "thumbnail") else words[0]))
        if not file:
            raise Answer(404)
        if file["issue"] and not self.sees(user, self.issues[file["issue"]]["project"]["id"]):
            raise Answer(302, kind=HTML, fields=[("Location", f"{self.origin(request)}/login?back_url=x")])
        if words[0].isdigit():
            return self.render("attachment", self.file_view(file, request), suffix)
        name = file["name"]
        fields = [
            ("Cache-Control", "private"),
            ("Content-Disposition", f"attachment; filename=\"{name}\"; filename*=UTF-8''{name}"),
            ("Content-Transfer-Encoding", "binary"),
            ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
        ]
        return Answer(200, file["data"], file["kind"], fields)

    def uploads_POST(self, _words, user, params, suffix, request, body):
        if not user:
            self.refuse(user)
        if request.get("Content-Type") != "application/octet-stream":
            raise Answer(406)
        file = self.add_file(params.get("filename", "x"), "application/octet-stream", body)
        token = f"{file['id']}.{request.body.sha256}"
        self.tokens[token] = file
        return self.render("upload", {"id": file["id"], "token": token}, suffix, status=201)
