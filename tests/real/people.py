"""Everybody who may ask, in every way in which Redmine lets one say who one is; and comparing what they are shown."""

from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from http_layer import ask, readable
from transcript import Names


@dataclass(frozen=True)
class Person:
    name: str
    headers: tuple = ()
    query: str = ""

    def target(self, target):
        return target + ("&" if "?" in target else "?") + self.query if self.query else target


def basic(user, password):
    return ("Authorization", "Basic " + b64encode(f"{user}:{password}".encode()).decode())


def everybody(sample):
    """Users by header first; then the odd ways."""
    keys, passwords = sample["keys"], sample["passwords"]

    def header(login):
        return ("X-Redmine-API-Key", keys[login])

    return [
        *(Person(login, (header(login),)) for login in ("admin", "mona", "marc", "dora", "rita", "klaus", "tomoko", "olga", "otto")),
        Person("nobody"),
        Person("one locked", (header("lenny"),)),
        Person("a wrong key", (("X-Redmine-API-Key", "0" * 40),)),
        Person("admin by parameter", query=f"key={keys['admin']}"),
        Person("rita by parameter, with admin's header", (header("admin"),), f"key={keys['rita']}"),
        Person("a wrong parameter, with admin's header", (header("admin"),), "key=wrong"),
        Person("an empty parameter, with admin's header", (header("admin"),), "key="),
        Person("the last of two parameters", query=f"key={keys['admin']}&key={keys['olga']}"),
        Person("dora by password", (basic("dora", passwords["dora"]),)),
        Person("dora by a wrong password", (basic("dora", "wrong"),)),
        Person("mona by key as user name", (basic(keys["mona"], "x"),)),
        Person("olga's header, with admin's password", (header("olga"), basic("admin", passwords["admin"]))),
        Person("admin as rita", (header("admin"), ("X-Redmine-Switch-User", "rita"))),
        Person("admin as RITA", (header("admin"), ("X-Redmine-Switch-User", "RITA"))),
        Person("admin as nobody known", (header("admin"), ("X-Redmine-Switch-User", "nobody"))),
        Person("admin as one locked", (header("admin"), ("X-Redmine-Switch-User", "lenny"))),
        Person("rita as admin", (header("rita"), ("X-Redmine-Switch-User", "admin"))),
        Person("nobody as admin", (("X-Redmine-Switch-User", "admin"),)),
        Person("nobody, in German", (("Accept-Language", "de"),)),
    ]


def shown(base, target, person, sample):
    """What that person is shown: status, type and body, with what must differ replaced."""
    answer = ask(base, "GET", person.target(target), person.headers)
    names = Names(base, {*sample["keys"].values(), *sample["feed_keys"].values()})
    text = readable(answer.body)
    return answer.status, answer.type, answer.body if text is None else names.text(text)


def shown_all(base, targets, people, sample):
    """The same for everybody and every target, four at a time."""
    rows = [(target, person) for target in targets for person in people]
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(rows, pool.map(lambda row: shown(base, *row, sample), rows)))


def told_apart(expected, actual):
    """Who was shown something else than they must be, for people; empty if nobody."""
    return "\n".join(
        f"{person.name} asking {target}:\n  must be {str(expected[target, person])[:300]}\n  but was {str(found)[:300]}"
        for (target, person), found in actual.items()
        if found != expected[target, person]
    )
