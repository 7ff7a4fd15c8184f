"""Every kind of write that Redmine's API has, in an endless random mix, and reads that may show what it changed."""

import itertools
import json
import random
import re

from http_layer import ask

JSON_TYPE = ("Content-Type", "application/json")
LISTS = [
    "/issues.json?limit=5&status_id=*",
    "/issues.json?limit=3&include=relations,attachments",
    "/projects/1/issues.json?limit=4",
    "/projects/atlas-api/issues.json?limit=4&sort=updated_on:desc&status_id=*",
    "/issues.json?fixed_version_id=2&project_id=1&limit=3&status_id=*",
    "/issues.xml?assigned_to_id=7&limit=3",
    "/issues.atom?limit=5",
    "/time_entries.json?limit=4",
    "/time_entries.json?issue.status_id=5&limit=3",
    "/projects/atlas/time_entries.json?limit=4",
    "/projects.json",
    "/projects/atlas.json?include=issue_categories,trackers",
    "/projects/1.xml",
    "/projects/1/versions.json",
    "/versions/2.json",
    "/projects/atlas/issue_categories.json",
    "/projects/1/memberships.json",
    "/projects/1/news.json",
    "/news.json?limit=3",
    "/projects/1/wiki/index.json",
    "/projects/atlas/wiki/Setting_up.json",
    "/projects/1/wiki/setting_up.json",
    "/projects/1/files.json",
    "/users.json?limit=5",
    "/users/7.json?include=memberships,groups",
    "/users/current.json?include=memberships",
    "/groups.json",
    "/search.json?q=mixed&limit=5",
    "/search.json?q=children&titles_only=1&limit=3",
    "/issue_statuses.json",
    "/roles.json",
    "/trackers.json",
    "/custom_fields.json",
    "/queries.json",
]
ISSUE_READS = [
    "/issues/{}.json?include=children,relations,journals,watchers,attachments",
    "/issues/0{}.json",
    "/issues/{}.xml",
    "/issues/{}/relations.json",
    "/issues/{}abc.json",
    "/issues.json?issue_id={}&status_id=*",
]
PROJECTS = (1, 2)
PEOPLE = (7, 11)  # dora, rita


class Mix:
    """`base`: where it writes; `direct`: Redmine itself, asked for what the mix must know of. `only`: beginnings of the names
    of the kinds that it makes, all if there are none."""

    def __init__(self, base, instance, seed, only=()):
        self.base, self.direct, self.instance = base, instance.url, instance
        self.random = random.Random(seed)
        self.number = itertools.count(1)
        self.issues = [1, 5, 6, 11, 12]
        self.made = {kind: [] for kind in ("entry", "relation", "version", "category", "member", "group", "project", "wiki")}
        self.attachments = [1]
        self.statuses = {}
        beginnings = tuple(f"write_{name}" for name in only) or "write_"
        self.kinds = [getattr(self, name) for name in dir(type(self)) if name.startswith(beginnings)]
        self.bag = []

    # What it does.

    def one(self):
        """One write: (what it was, its status). Each kind comes up once before any comes up twice."""
        if not self.bag:
            self.bag = self.random.sample(self.kinds, len(self.kinds))
        write = self.bag.pop()
        self.kind = write.__name__.removeprefix("write_")
        return write()

    def send(self, method, path, content=None, who="admin", headers=(JSON_TYPE,), made=None):
        body = content if isinstance(content, bytes) else json.dumps(content).encode() if content is not None else b""
        key = ("X-Redmine-API-Key", self.instance.keys[who])
        answer = ask(self.base, method, path, [key, *headers], body)
        found = re.search(rb'"id":(\d+)', answer.body)
        if made is not None and answer.status == 201 and found:
            made.append(int(found[1]))
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        return f"{method} {path} {content!r:.200} as {who}: {answer.status}", answer

    def pick(self, kind):
        """One that was made before; 0, that nobody has, while there is none."""
        return self.random.choice(self.made[kind]) if self.made[kind] else 0

    def take(self, kind):
        return self.made[kind].pop(self.random.randrange(len(self.made[kind]))) if self.made[kind] else 0

    @property
    def issue(self):
        return self.random.choice(self.issues)

    def text(self):
        return f"mixed {next(self.number)}"

    def reads(self):
        """Targets that may show what the last write changed, and some that may not."""
        issues = dict.fromkeys((self.issue, self.issues[-1]))
        targets = [form.format(number) for number in issues for form in self.random.sample(ISSUE_READS, 2)]
        targets += self.random.sample(LISTS, 7)
        targets += [f"/time_entries/{number}.json" for number in self.made["entry"][-1:]]
        targets += [f"/relations/{number}.json" for number in self.made["relation"][-1:]]
        targets += [f"/versions/{number}.json" for number in self.made["version"][-1:]]
        targets += [f"/groups/{number}.json?include=users,memberships" for number in self.made["group"][-1:]]
        targets += [f"/attachments/{number}.json" for number in self.attachments[-2:]]
        return list(dict.fromkeys(targets))

    # The kinds of writes; each name that begins so is one.

    def write_issue_create(self):
        content = {"project_id": self.random.choice(PROJECTS), "subject": self.text(), "tracker_id": 2}
        content.update(self.random.choice([{}, {"assigned_to_id": 7}, {"fixed_version_id": 2, "estimated_hours": 2, "project_id": 1}]))
        return self.send("POST", "/issues.json", {"issue": content}, "mona", made=self.issues)

    def write_issue_child(self):
        content = {"project_id": 1, "subject": self.text(), "tracker_id": 2, "parent_issue_id": self.issue}
        return self.send("POST", "/projects/1/issues.json", {"issue": content}, "mona", made=self.issues)

    def write_issue_note(self):
        return self.send("PUT", f"/issues/{self.issue}.json", {"issue": {"notes": self.text()}}, "mona")

    def write_issue_private_note(self):
        content = {"issue": {"notes": self.text(), "private_notes": True}}
        return self.send("PUT", f"/issues/0{self.issue}.json", content, "mona")

    def write_issue_description(self):
        content = {"issue": {"description": self.text(), "notes": "described"}}
        return self.send("PATCH", f"/issues/{self.issue}.json", content, "mona")

    def write_issue_subject(self):
        return self.send("PUT", f"/issues/{self.issue}.json", {"issue": {"subject": self.text()}}, "mona")

    def write_issue_fields(self):
        content = self.random.choice(
            [
                {"status_id": self.random.randint(1, 6)},
                {"done_ratio": self.random.randrange(0, 100, 10)},
                {"priority_id": self.random.randint(1, 5)},
                {"start_date": f"2024-01-{self.random.randint(10, 28)}", "due_date": f"2024-02-{self.random.randint(10, 28)}"},
                {"estimated_hours": self.random.randint(1, 9)},
                {"fixed_version_id": self.random.choice([2, 3, ""])},
                {"category_id": self.random.choice([1, 2, ""])},
            ]
        )
        return self.send("PUT", f"/issues/{self.issue}.json", {"issue": content}, "mona")

    def write_issue_assign(self):
        return self.send("PUT", f"/issues/{self.issue}.json", {"issue": {"assigned_to_id": self.random.choice([7, ""])}}, "mona")

    def write_issue_privacy(self):
        return self.send("PUT", f"/issues/{self.issue}.json", {"issue": {"is_private": self.random.random() < 0.5}}, "mona")

    def write_issue_move(self):
        content = {"issue": {"project_id": self.random.choice(PROJECTS)}}
        return self.send("PUT", f"/issues/{self.issues[-1]}.json", content, "mona")

    def write_issue_time(self):
        content = {"issue": {"notes": self.text()}, "time_entry": {"hours": 1, "activity_id": 8}}
        return self.send("PUT", f"/issues/{self.issue}.json", content, "mona")

    def write_issue_form(self):
        form = f"_method=put&issue[done_ratio]={self.random.randrange(0, 100, 10)}".encode()
        return self.send("POST", f"/issues/{self.issue}.json", form, "mona", [("Content-Type", "application/x-www-form-urlencoded")])

    def write_issue_delete(self):
        number = self.issues.pop() if len(self.issues) > 6 else 0
        return self.send("DELETE", f"/issues/{number}.json", who="mona")

    def write_issue_copy(self):
        content = {"issue": {"project_id": 1, "subject": self.text()}, "copy_from": self.issue}
        return self.send("POST", "/projects/1/issues.json", content, "mona", made=self.issues)

    def write_issue_file(self):
        headers = [("Content-Type", "application/octet-stream")]
        _, answer = self.send("POST", "/uploads.json?filename=mixed.txt", self.text().encode(), "mona", headers)
        upload = json.loads(answer.body)["upload"]
        self.attachments.append(upload["id"])
        content = {"issue": {"uploads": [{"token": upload["token"], "filename": "mixed.txt"}]}}
        return self.send("PUT", f"/issues/{self.issue}.json", content, "mona")

    def write_attachment(self):
        content = {"attachment": {"description": self.text()}}
        return self.send("PATCH", f"/attachments/{self.attachments[-1]}.json", content, "mona")

    def write_attachment_delete(self):
        number = self.attachments.pop() if len(self.attachments) > 2 else 0
        return self.send("DELETE", f"/attachments/{number}.json", who="mona")

    def write_journal(self):
        _, answer = self.send("PUT", f"/issues/{self.issues[0]}.json", {"issue": {"notes": self.text()}}, "mona")
        key = [("X-Redmine-API-Key", self.instance.keys["admin"])]
        shown = json.loads(ask(self.direct, "GET", f"/issues/{self.issues[0]}.json?include=journals", key).body)
        number = shown["issue"]["journals"][-1]["id"]
        return self.send("PUT", f"/journals/{number}.json", {"journal": {"notes": self.text()}})

    def write_relation(self):
        kind = self.random.choice(["relates", "precedes", "blocks", "duplicates"])
        content = {"relation": {"issue_to_id": self.issue, "relation_type": kind}}
        return self.send("POST", f"/issues/{self.issue}/relations.json", content, "mona", made=self.made["relation"])

    def write_relation_delete(self):
        return self.send("DELETE", f"/relations/{self.take('relation')}.json", who="mona")

    def write_watcher(self):
        return self.send("POST", f"/issues/{self.issue}/watchers.json", {"user_id": self.random.choice(PEOPLE)}, "mona")

    def write_watcher_delete(self):
        return self.send("DELETE", f"/issues/{self.issue}/watchers/{self.random.choice(PEOPLE)}.json", who="mona")

    def write_time_entry(self):
        content = {"time_entry": {"issue_id": self.issue, "hours": self.random.randint(1, 5), "activity_id": 8}}
        return self.send("POST", "/time_entries.json", content, "mona", made=self.made["entry"])

    def write_time_entry_change(self):
        content = {"time_entry": {"hours": self.random.randint(1, 5), "comments": self.text()}}
        return self.send("PUT", f"/time_entries/{self.pick('entry')}.json", content, "mona")

    def write_time_entry_delete(self):
        return self.send("DELETE", f"/time_entries/{self.take('entry')}.json", who="mona")

    def write_version(self):
        return self.send("POST", "/projects/1/versions.json", {"version": {"name": self.text()}}, "mona", made=self.made["version"])

    def write_version_change(self):
        number = self.random.choice([2, self.pick("version") or 2])
        return self.send("PUT", f"/versions/{number}.json", {"version": {"name": self.text()}}, "mona")

    def write_version_delete(self):
        return self.send("DELETE", f"/versions/{self.take('version')}.json", who="mona")

    def write_category(self):
        content = {"issue_category": {"name": self.text()}}
        return self.send("POST", "/projects/1/issue_categories.json", content, "mona", made=self.made["category"])

    def write_category_change(self):
        content = {"issue_category": {"name": self.text()}}
        return self.send("PUT", f"/issue_categories/{self.random.choice([1, self.pick('category') or 1])}.json", content, "mona")

    def write_category_delete(self):
        return self.send("DELETE", f"/issue_categories/{self.take('category')}.json", who="mona")

    def write_news(self):
        return self.send("POST", "/projects/1/news.json", {"news": {"title": self.text(), "description": "mixed"}}, "mona")

    def write_news_change(self):
        return self.send("PUT", "/news/1.json", {"news": {"title": self.text()}}, "mona")

    def write_wiki(self):
        return self.send("PUT", "/projects/1/wiki/Setting_up.json", {"wiki_page": {"text": self.text()}}, "mona")

    def write_wiki_new(self):
        self.made["wiki"].append(f"Mixed_{next(self.number)}")
        path = f"/projects/atlas/wiki/{self.made['wiki'][-1]}.json"
        return self.send("PUT", path, {"wiki_page": {"text": self.text(), "parent_title": "Setting_up"}}, "mona")

    def write_wiki_delete(self):
        return self.send("DELETE", f"/projects/atlas/wiki/{self.take('wiki') or 'No_such'}.json", who="mona")

    def write_file(self):
        headers = [("Content-Type", "application/octet-stream")]
        _, answer = self.send("POST", "/uploads.json?filename=file.txt", self.text().encode(), "mona", headers)
        token = json.loads(answer.body)["upload"]["token"]
        return self.send("POST", "/projects/1/files.json", {"file": {"token": token, "filename": self.text()}}, "mona")

    def write_project(self):
        name = f"mixed-{next(self.number)}"
        content = {"project": {"name": name, "identifier": name, "parent_id": 1, "inherit_members": True}}
        return self.send("POST", "/projects.json", content, made=self.made["project"])

    def write_project_change(self):
        return self.send("PUT", "/projects/atlas.json", {"project": {"homepage": self.text(), "name": self.text()}}, "mona")

    def write_project_state(self):
        number, change = self.pick("project"), self.random.choice(["close", "reopen", "archive", "unarchive"])
        return self.send("PUT", f"/projects/{number}/{change}.json")

    def write_project_delete(self):
        return self.send("DELETE", f"/projects/{self.take('project')}.json")

    def write_member(self):
        content = {"membership": {"user_id": 17, "role_ids": [self.random.choice([4, 5])]}}
        return self.send("POST", "/projects/1/memberships.json", content, made=self.made["member"])

    def write_member_change(self):
        return self.send("PUT", f"/memberships/{self.pick('member')}.json", {"membership": {"role_ids": [3]}})

    def write_member_delete(self):
        return self.send("DELETE", f"/memberships/{self.take('member')}.json")

    def write_group(self):
        return self.send("POST", "/groups.json", {"group": {"name": self.text(), "user_ids": [7]}}, made=self.made["group"])

    def write_group_user(self):
        return self.send("POST", f"/groups/{self.pick('group')}/users.json", {"user_id": 11})

    def write_group_user_delete(self):
        return self.send("DELETE", f"/groups/{self.pick('group')}/users/11.json")

    def write_group_delete(self):
        return self.send("DELETE", f"/groups/{self.take('group')}.json")

    def write_user(self):
        return self.send("PUT", "/users/7.json", {"user": {"firstname": self.text().title()}})

    def write_user_lock(self):
        return self.send("PUT", "/users/11.json", {"user": {"status": self.random.choice([1, 3])}})

    def write_account(self):
        return self.send("PUT", "/my/account.json", {"user": {"lastname": self.text().title()}}, "dora")

    def write_refused(self):
        """By one who may not: nothing is changed, and nothing need be dropped."""
        return self.send("PUT", f"/projects/{self.random.choice(PROJECTS)}.json", {"project": {"name": "No"}}, "olga")

    def write_unheard_of(self):
        return self.send("PROPFIND", "/issues.json", who="mona")
