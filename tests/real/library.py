"""What python-redmine's users do with it, step by step; each step's outcome, or the exception it raises, is written down.

The script cleans up after itself, but for the news that cannot be told from the sample's by id and the closed version: run
twice on one instance it finds what it expects, and ids that SQLite gives a second time.
"""

import hashlib
import io
import tempfile
from pathlib import Path

from redminelib import Redmine
from redminelib.exceptions import BaseRedmineError
from redminelib.resources import BaseResource
from redminelib.resultsets import ResourceSet
from requests.exceptions import RequestException


def plain(value):
    """A resource or a set of them as JSON-like data, as received."""
    if isinstance(value, BaseResource):
        return value.raw()
    if isinstance(value, ResourceSet):
        return [item.raw() for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


class LibraryScript:
    def __init__(self, base, sample, transcript):
        self.base = base
        self.sample = sample
        self.transcript = transcript
        self.keys = sample["keys"]
        self.folder = tempfile.TemporaryDirectory()

    def client(self, login=None, **options):
        """A python-redmine of that user's; anonymous without one."""
        if login:
            options["key"] = self.keys[login]
        return Redmine(self.base, raise_attr_exception=False, **options)

    def step(self, title, action, called=None, kind=None):
        """Do it and write down what comes of it; the value comes back, None for an error of Redmine's.
        A resource made by it is `called` so in the transcript. `kind`: as in Names.text, of a text."""
        self.transcript.title(title)
        try:
            value = action()
            data = plain(value)
        except BaseRedmineError as error:
            self.transcript.text(f"{type(error).__name__}: {error}")
            return None
        except RequestException as error:  # of python-redmine's own HTTP library: a 422 without a body is one
            self.transcript.text(type(error).__name__)
            return None
        if called:
            self.transcript.names.name(value.id, called)
        if isinstance(data, str):
            self.transcript.text(data, kind)
        else:
            self.transcript.data(data)
        return value

    def created(self, title, called, action):
        return self.step(title, action, called)

    def run(self):
        for part in (
            self.who,
            self.read_issues,
            self.read_the_rest,
            self.search,
            self.write_issue,
            self.write_around_an_issue,
            self.files,
            self.wiki,
            self.time,
            self.project_parts,
            self.people,
            self.errors,
        ):
            self.transcript.title(f"=== {part.__name__}")
            part()
        self.folder.cleanup()

    # Reading.

    def who(self):
        for login in ("admin", "mona", "rita", "klaus", "tomoko", "otto"):
            self.step(f"auth as {login}", self.client(login).auth)
        password = self.sample["passwords"]
        self.step("auth with a password", Redmine(self.base, username="dora", password=password["dora"]).auth)
        self.step("auth with a key as user name", Redmine(self.base, username=self.keys["dave"], password="x").auth)
        self.step("auth with a wrong password", Redmine(self.base, username="dora", password="wrong").auth)
        self.step("auth of one who must change it", Redmine(self.base, username="otto", password=password["otto"]).auth)
        self.step("auth with a wrong key", Redmine(self.base, key="0" * 40).auth)
        self.step("auth of a locked user", self.client("lenny").auth)
        self.step("auth of nobody", self.client().auth)
        header = {"headers": {"X-Redmine-API-Key": self.keys["dirk"]}}
        self.step("auth with the key in a header", Redmine(self.base, requests=header).auth)
        parameter = {"params": {"key": self.keys["dirk"]}}
        self.step("auth with the key as a parameter", Redmine(self.base, requests=parameter).auth)
        self.step("admin as rita", self.client("admin", impersonate="rita").auth)
        self.step("admin as RITA", self.client("admin", impersonate="RITA").auth)
        self.step("admin as nobody known", self.client("admin", impersonate="nobody").auth)
        self.step("admin as one locked", self.client("admin", impersonate="lenny").auth)
        self.step("rita as admin", self.client("rita", impersonate="admin").auth)

    def read_issues(self):
        everything = ["children", "attachments", "relations", "changesets", "journals", "watchers", "allowed_statuses"]
        admin = self.client("admin")
        self.step("issue 1 with everything", lambda: admin.issue.get(1, include=everything))
        for login in ("mona", "dora", "rita", "olga", None):
            client = self.client(login)
            for kind, number in self.sample["issues"].items():
                self.step(f"the {kind} issue as {login}", lambda: client.issue.get(number, include=["journals"]))
            self.step(f"three issues as {login}", lambda: client.issue.all(limit=3))
            self.step(f"how many issues {login} sees", lambda: self.total(client.issue.all(limit=1)))
        self.step("pages", lambda: list(admin.issue.all(limit=10, offset=30).values("id", "subject")))
        self.step("more than a page", lambda: [i.id for i in admin.issue.filter(project_id="atlas", status_id="*", limit=130)])
        self.step("a filter", lambda: admin.issue.filter(project_id="atlas", tracker_id=1, status_id="open", sort="id", limit=4))
        self.step("ids", lambda: admin.issue.filter(issue_id="1,2,3,5", status_id="*", sort="id"))
        self.step("a range", lambda: admin.issue.filter(created_on="><2023-09-01|2023-09-03", status_id="*", limit=5))
        self.step(
            "changed since", lambda: admin.issue.filter(updated_on=">=2024-05-30T00:00:00Z", sort="updated_on:desc", limit=5)
        )
        self.step("a custom field", lambda: admin.issue.filter(cf_1="critical", limit=3))
        self.step("assigned to me", lambda: self.client("dora").issue.filter(assigned_to_id="me", limit=3))
        self.step(
            "a day in UTC", lambda: self.total(self.client("mona").issue.filter(created_on="2024-01-02", status_id="*", limit=1))
        )
        self.step(
            "a day in Tokyo",
            lambda: self.total(self.client("tomoko").issue.filter(created_on="2024-01-02", status_id="*", limit=1)),
        )
        self.step(
            "a saved query", lambda: admin.issue.filter(query_id=self.sample["queries"]["public"], project_id="atlas", limit=3)
        )
        self.step("somebody's own query", lambda: list(self.client("rita").issue.filter(query_id=self.sample["queries"]["dora"])))
        self.step("a query that is not", lambda: list(admin.issue.filter(query_id=999)))
        self.step("a bad date", lambda: list(admin.issue.filter(updated_on="garbage")))
        self.step("as csv", lambda: self.exported(admin.issue.filter(project_id="borealis", limit=20), "csv"))
        self.step("as atom", lambda: self.exported(admin.issue.filter(project_id="borealis", limit=5), "atom"), kind="feed")

    @staticmethod
    def total(resources):
        list(resources)
        return resources.total_count

    def exported(self, resources, form):
        path = resources.export(form, savepath=self.folder.name, filename=f"export.{form}")
        return Path(path).read_text(encoding="utf-8")

    def read_the_rest(self):
        for login in ("admin", "rita", None):
            client = self.client(login)
            for name in ("project", "tracker", "issue_status", "query", "role", "group", "user", "custom_field", "news"):
                self.step(f"all {name} as {login}", lambda: getattr(client, name).all())
            include = ["trackers", "issue_categories", "enabled_modules", "time_entry_activities", "issue_custom_fields"]
            for project in ("atlas", "atlas-secrets", "draco", "eridanus", "nosuch"):
                self.step(f"project {project} as {login}", lambda: client.project.get(project, include=include))
            for kind in ("issue_priorities", "time_entry_activities", "document_categories"):
                self.step(f"{kind} as {login}", lambda: client.enumeration.filter(resource=kind))
            for name in ("version", "issue_category", "project_membership", "wiki_page", "news", "file"):
                self.step(f"{name} of atlas as {login}", lambda: getattr(client, name).filter(project_id="atlas"))
            self.step(f"wiki as {login}", lambda: client.wiki_page.get("Wiki", project_id="atlas", include=["attachments"]))
            self.step(f"an old wiki version as {login}", lambda: client.wiki_page.get("Wiki", project_id="atlas", version=1))
            self.step(f"time entries as {login}", lambda: client.time_entry.filter(project_id="atlas", limit=3))
            self.step(
                f"time entries of a week as {login}",
                lambda: self.total(client.time_entry.filter(from_date="2023-12-01", to_date="2023-12-07", limit=1)),
            )
            self.step(f"relations as {login}", lambda: client.issue_relation.filter(issue_id=1))
            self.step(f"role 3 as {login}", lambda: client.role.get(3))
            self.step(f"user 5 as {login}", lambda: client.user.get(5, include=["memberships", "groups"]))
            self.step(f"version 2 as {login}", lambda: client.version.get(2))
            self.step(f"category 1 as {login}", lambda: client.issue_category.get(1))
            self.step(f"attachment 1 as {login}", lambda: client.attachment.get(1))
            self.step(f"secret attachment as {login}", lambda: client.attachment.get(self.sample["attachments"]["secret"]))
            self.step(f"news 1 as {login}", lambda: client.news.get(1, include=["comments", "attachments"]))

    def search(self):
        for login in ("mona", "klaus", None):
            client = self.client(login)
            self.step(f"search as {login}", lambda: client.search("cache", limit=4))
            self.step(f"search titles as {login}", lambda: client.search("children", titles_only=True, resources=["issues"]))
            self.step(f"search the wiki as {login}", lambda: client.search("Wiki", resources=["wiki_pages", "projects"], limit=5))
            self.step(f"search for nothing there as {login}", lambda: client.search("xyzzy"))

    # Writing.

    def write_issue(self):
        dora, rita = self.client("dora"), self.client("rita")
        fields = {
            "project_id": "atlas",
            "subject": "Written & read <again> 日本",
            "tracker_id": 1,
            "custom_fields": [{"id": 1, "value": "major"}],
        }
        issue = self.created("create an issue", "issue", lambda: dora.issue.create(**fields))
        number = issue.id
        for login in ("dora", "rita", "mona", None):
            self.step(f"read it as {login}", lambda: self.client(login).issue.get(number))
            self.step(f"the newest as {login}", lambda: list(self.client(login).issue.all(limit=1).values("id", "subject")))
        self.step("update it", lambda: dora.issue.update(number, notes="A note.", done_ratio=40, status_id=2, assigned_to_id=7))
        self.step("update it again", lambda: dora.issue.update(number, notes="For us.", private_notes=True))
        for login in ("dora", "rita", "mona", None):
            self.step(f"read the update as {login}", lambda: self.client(login).issue.get(number, include=["journals"]))
        self.step("it is assigned to me", lambda: [i.id == number for i in dora.issue.filter(assigned_to_id="me", limit=1)])
        issue = dora.issue.get(number)
        issue.subject = "Saved"
        self.step("save it", issue.save)
        self.step("read what was saved", lambda: self.client().issue.get(number))
        self.step("a reporter may not", lambda: rita.issue.update(number, subject="No"))
        self.step("nothing changed", lambda: rita.issue.get(number))
        self.step("delete it as one who may not", lambda: dora.issue.delete(number))
        self.step("make it private", lambda: self.client("mona").issue.update(number, is_private=True))
        for login in ("dora", "rita", None):
            self.step(f"read the private one as {login}", lambda: self.client(login).issue.get(number))
        self.step("delete it", lambda: self.client("mona").issue.delete(number))
        for login in ("dora", "mona", None):
            self.step(f"it is gone for {login}", lambda: self.client(login).issue.get(number))
        other = self.created("create another", "other issue", lambda: rita.issue.create(project_id="atlas", subject="Another"))
        self.step("ids are given again", lambda: other.id == number)
        self.step("read the other as dora", lambda: dora.issue.get(other.id, include=["journals"]))
        self.step("delete the other", lambda: self.client("mona").issue.delete(other.id))

    def write_around_an_issue(self):
        admin, mona = self.client("admin"), self.client("mona")
        issue = self.created("a parent", "parent", lambda: mona.issue.create(project_id="atlas", subject="Parent"))
        child = self.created(
            "a child", "child", lambda: mona.issue.create(project_id="atlas", subject="Child", parent_issue_id=issue.id)
        )
        look = lambda: admin.issue.get(issue.id, include=["children", "relations", "watchers", "journals"])  # noqa: E731
        self.step("the parent shows its child", look)
        self.step("hours on the child", lambda: mona.issue.update(child.id, estimated_hours=3.5, done_ratio=20))
        self.step("the parent adds them up", look)
        self.step("add a watcher", lambda: issue.watcher.add(7))
        self.step("it is watched", look)
        self.step("remove the watcher", lambda: issue.watcher.remove(7))
        self.step("no longer watched", look)
        relation = self.created(
            "relate", "relation", lambda: mona.issue_relation.create(issue_id=issue.id, issue_to_id=12, relation_type="relates")
        )
        self.step("the relation shows", look)
        self.step("and at the other end", lambda: admin.issue.get(12, include=["relations"]))
        self.step("unrelate", lambda: mona.issue_relation.delete(relation.id))
        self.step("gone at both ends", lambda: [plain(look()), plain(admin.issue.get(12, include=["relations"]))])
        self.step("delete the parent", lambda: mona.issue.delete(issue.id))
        self.step("the child went, too", lambda: admin.issue.get(child.id))

    def files(self):
        dora, admin = self.client("dora"), self.client("admin")
        issue = self.created(
            "an issue with files",
            "issue with files",
            lambda: dora.issue.create(
                project_id="atlas",
                subject="Files",
                uploads=[
                    {"path": io.BytesIO(b"first\n" * 9), "filename": "first.txt", "description": "The first"},
                    {"path": io.BytesIO(bytes(range(256)) * 4096), "filename": "zweite datei ü.bin"},
                ],
            ),
        )
        if issue is None:
            return
        files = list(dora.issue.get(issue.id, include=["attachments"]).attachments)
        for nth, file in enumerate(files):
            self.transcript.names.name(file.id, f"file {nth}")
        self.step("the issue with its files", lambda: dora.issue.get(issue.id, include=["attachments"]))
        for file in files:
            self.step(
                f"download {file.filename}", lambda: self.digest_of(file.download(savepath=self.folder.name, filename="download"))
            )
        self.step("rename one", lambda: admin.attachment.update(files[0].id, filename="renamed.txt", description="Now other"))
        self.step("the new name", lambda: dora.attachment.get(files[0].id))
        self.step("remove one", lambda: self.client("mona").attachment.delete(files[1].id))
        self.step("one is left", lambda: dora.issue.get(issue.id, include=["attachments", "journals"]))
        self.step("the file is gone", lambda: dora.attachment.get(files[1].id))
        self.step(
            "the sample's files",
            lambda: {
                name: self.downloaded(admin, number) for name, number in self.sample["attachments"].items() if name != "large"
            },
        )
        self.step("the large one", lambda: self.downloaded(admin, self.sample["attachments"]["large"]))
        self.step("a secret one, not for her", lambda: self.downloaded(dora, self.sample["attachments"]["secret"]))
        self.step(
            "a token that is not", lambda: dora.issue.update(issue.id, uploads=[{"token": "77." + "0" * 64, "filename": "no"}])
        )
        self.step("an upload not allowed", lambda: self.client().upload(io.BytesIO(b"x"), filename="x"))
        self.step("too large", lambda: dora.upload(io.BytesIO(bytes(5 * 1024 * 1024 + 1)), filename="huge.bin"))
        self.step("clean up", lambda: self.client("mona").issue.delete(issue.id))

    @staticmethod
    def digest_of(path):
        data = Path(path).read_bytes()
        return [len(data), hashlib.sha256(data).hexdigest()]

    def downloaded(self, client, number):
        response = client.download(f"{self.base}/attachments/download/{number}")
        body = response.content
        wanted = ("Content-Type", "Content-Disposition", "Content-Length", "Cache-Control")
        headers = {name: response.headers.get(name) for name in wanted}
        if "text/html" in (headers["Content-Type"] or ""):
            return ["a page, not the file", response.status_code, response.url]
        return [response.status_code, headers, len(body), hashlib.sha256(body).hexdigest()]

    def wiki(self):
        dora, rita, mona = self.client("dora"), self.client("rita"), self.client("mona")
        page = {"project_id": "atlas", "title": "Neue_Seite", "text": "h1. Neu\n\n& <b>", "comments": "first"}
        read = lambda client: plain(client.wiki_page.get("Neue_Seite", project_id="atlas"))  # noqa: E731
        self.step("no page yet", lambda: read(rita))
        self.step("create a page", lambda: dora.wiki_page.create(**page))
        self.step("read it", lambda: [read(rita), read(mona)])
        self.step("update it", lambda: dora.wiki_page.update("Neue_Seite", project_id="atlas", text="Two", version=1))
        self.step("read the update", lambda: [read(rita), read(mona)])
        self.step("409", lambda: mona.wiki_page.update("Neue_Seite", project_id="atlas", text="Late", version=1))
        self.step("still the second", lambda: read(mona))
        self.step("a reporter may not", lambda: rita.wiki_page.update("Neue_Seite", project_id="atlas", text="No"))
        self.step("the index", lambda: [p["title"] for p in plain(rita.wiki_page.filter(project_id="atlas"))])
        self.step("delete it", lambda: mona.wiki_page.delete("Neue_Seite", project_id="atlas"))
        self.step("it is gone", lambda: read(rita))

    def time(self):
        dora, admin = self.client("dora"), self.client("admin")
        before = admin.issue.get(12).spent_hours
        entry = self.created(
            "log time",
            "entry",
            lambda: dora.time_entry.create(issue_id=12, hours=1.5, activity_id=9, spent_on="2024-06-01", comments="In <vain>"),
        )
        self.step("the issue took longer", lambda: admin.issue.get(12).spent_hours - before)
        self.step(
            "and shows so in lists", lambda: [i.spent_hours - before for i in admin.issue.filter(issue_id=12, status_id="*")]
        )
        self.step("the entry", lambda: self.client("rita").time_entry.get(entry.id))
        self.step("not hers to change", lambda: self.client("rita").time_entry.update(entry.id, hours=9))
        self.step("change it", lambda: admin.time_entry.update(entry.id, hours=2.25, comments="Changed"))
        self.step("changed for all", lambda: [plain(c.time_entry.get(entry.id)) for c in (admin, dora, self.client())])
        self.step("on a day", lambda: dora.time_entry.filter(project_id="atlas", spent_on="2024-06-01"))
        self.step("no hours", lambda: dora.time_entry.create(issue_id=12, activity_id=9))
        self.step("delete it", lambda: admin.time_entry.delete(entry.id))
        self.step("gone", lambda: dora.time_entry.get(entry.id))
        self.step("as before", lambda: admin.issue.get(12).spent_hours - before)

    def project_parts(self):
        admin, mona = self.client("admin"), self.client("mona")
        self.created(
            "a project",
            "project",
            lambda: admin.project.create(
                name="Volans & Co",
                identifier="volans",
                is_public=False,
                enabled_module_names=["issue_tracking", "wiki"],
                tracker_ids=[1, 2],
            ),
        )
        self.step("she does not see it", lambda: mona.project.get("volans"))
        member = self.created(
            "she joins", "membership", lambda: admin.project_membership.create(project_id="volans", user_id=5, role_ids=[3])
        )
        self.step("now she does", lambda: mona.project.get("volans", include=["trackers", "enabled_modules"]))
        self.step("she is among her projects", lambda: "volans" in [p.identifier for p in mona.project.all()])
        self.step("the members", lambda: mona.project_membership.filter(project_id="volans"))
        self.step("another role", lambda: admin.project_membership.update(member.id, role_ids=[4, 5]))
        self.step("the membership", lambda: mona.project_membership.get(member.id))
        version = self.created(
            "a version", "version", lambda: admin.version.create(project_id="volans", name="0.1", due_date="2024-09-01")
        )
        category = self.created("a category", "category", lambda: admin.issue_category.create(project_id="volans", name="Wings"))
        issue = self.created(
            "an issue in both",
            "issue in both",
            lambda: admin.issue.create(project_id="volans", subject="Fly", fixed_version_id=version.id, category_id=category.id),
        )
        self.step("rename the version", lambda: admin.version.update(version.id, name="0.2", status="locked"))
        self.step("rename the category", lambda: admin.issue_category.update(category.id, name="Fins"))
        self.step("rename the project", lambda: admin.project.update("volans", name="Volans"))
        self.step("the issue shows all names", lambda: mona.issue.get(issue.id))
        self.step("in lists, too", lambda: mona.issue.filter(project_id="volans"))
        self.step("the version shows its name", lambda: mona.version.filter(project_id="volans"))
        self.step("make the project public", lambda: admin.project.update("volans", is_public=True))
        self.step(
            "everybody sees it", lambda: [plain(self.client().project.get("volans")), plain(self.client().issue.get(issue.id))]
        )
        self.step("no category any more", lambda: admin.issue_category.delete(category.id))
        self.step("the issue has none", lambda: mona.issue.get(issue.id))
        self.step("a version in use stays", lambda: admin.version.delete(version.id))
        self.step("she leaves", lambda: admin.project_membership.delete(member.id))
        self.step("no identifier twice", lambda: admin.project.create(name="Again", identifier="volans"))
        self.step("delete the project", lambda: admin.project.delete("volans"))
        self.step("all gone", lambda: [self.client().project.get("volans")])
        self.step("the issue as well", lambda: admin.issue.get(issue.id))

    def people(self):
        admin = self.client("admin")
        user = self.created(
            "a user",
            "user",
            lambda: admin.user.create(
                login="nina", firstname="Nina", lastname="New", mail="nina@example.net", password="nina-password"
            ),
        )
        self.step("she logs in", Redmine(self.base, username="nina", password="nina-password").auth)
        self.step("she is listed", lambda: admin.user.filter(name="nina"))
        group = self.created("a group", "group", lambda: admin.group.create(name="Novices", user_ids=[user.id]))
        self.step("the group", lambda: admin.group.get(group.id, include=["users", "memberships"]))
        self.step("add to it", lambda: group.user.add(7))
        self.step("two in it", lambda: admin.group.get(group.id, include=["users"]))
        self.step("remove from it", lambda: group.user.remove(7))
        self.step("a new name", lambda: admin.user.update(user.id, lastname="Newer", language="fr"))
        self.step("seen by herself", Redmine(self.base, username="nina", password="nina-password").auth)
        self.step(
            "an address twice", lambda: admin.user.create(login="nin2", firstname="N", lastname="N", mail="nina@example.net")
        )
        self.step("lock her", lambda: admin.user.update(user.id, status=3))
        self.step("she is out", Redmine(self.base, username="nina", password="nina-password").auth)
        self.step("as her: no", self.client("admin", impersonate="nina").auth)
        self.step("delete her", lambda: admin.user.delete(user.id))
        self.step("delete the group", lambda: admin.group.delete(group.id))
        self.step("gone", lambda: admin.user.get(user.id))
        self.step(
            "not for managers",
            lambda: self.client("mona").user.create(login="x", firstname="x", lastname="x", mail="x@example.net"),
        )

    def errors(self):
        admin, rita = self.client("admin"), self.client("rita")
        self.step("401", lambda: self.client().issue.create(project_id="atlas", subject="No"))
        self.step("403", lambda: rita.issue.get(self.sample["issues"]["secret_project"]))
        self.step("404", lambda: admin.issue.get(999999))
        self.step("404 project", lambda: admin.issue.create(project_id="nosuch", subject="No"))
        self.step("412", lambda: self.client("admin", impersonate="nobody").issue.get(1))
        self.step("422", lambda: admin.issue.create(project_id="atlas", subject=""))
        self.step("422 in German", lambda: self.client("klaus").issue.create(project_id="atlas", subject=""))
        self.step("422 on update", lambda: admin.issue.update(1, subject="", done_ratio=1000))
        self.step("422 deleting oneself", lambda: admin.user.delete(1))
        self.step("a closed project", lambda: admin.issue.create(project_id="draco", subject="No"))
        self.step(
            "406",
            lambda: admin.engine.request("post", f"{self.base}/uploads.json", data="x", headers={"Content-Type": "text/plain"}),
        )
        self.step("no such route", lambda: admin.engine.request("get", f"{self.base}/nosuch.json"))
        self.step("nothing changed", lambda: admin.issue.get(1))
