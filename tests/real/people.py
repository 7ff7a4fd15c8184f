"""Everybody who may ask, in every way in which Redmine lets one say who one is; and comparing what they are shown."""

from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from http_layer import ask, kind_of, readable
from transcript import LAST_LOGIN, Names


@dataclass(frozen=True)
class Person:
    name: str
    headers: tuple = ()
    query: str = ""

    def target(self, target):
        return target + ("&" if "?" in target else "?") + self.query if self.query else target


def basic(user, password):
    return ("Authorization", "Basic " + b64encode(f"{user}:{password}".encode()).decode())


USERS = ("admin", "mona", "marc", "dora", "rita", "klaus", "tomoko", "olga", "otto")


def everybody(sample):
    """Users by header first; then the odd ways."""
    keys, passwords = sample["keys"], sample["passwords"]

    def header(login):
        return ("X-Redmine-API-Key", keys[login])

    return [
        *(Person(login, (header(login),)) for login in USERS),
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


def shown(base, target, person, instance):
    """What that person is shown by the instance, asked at `base`: status, type and body. No more is replaced than the
    address and when one last logged in: both are of the same Redmine."""
    answer = ask(base, "GET", person.target(target), person.headers)
    text = readable(answer.body)
    if text is None:
        return answer.status, answer.type, answer.body
    text = Names.addresses(base, text)
    if kind_of(answer) == "feed":
        text = Names.addresses(instance.url, text)
    return answer.status, answer.type, LAST_LOGIN.sub("{last login}", text)


def shown_all(base, rows, instance):
    """The same for rows of (target, person), four at a time."""
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(rows, pool.map(lambda row: shown(base, *row, instance), rows)))


def told_apart(expected, actual):
    """Who was shown something else than they must be, for people; empty if nobody."""
    return "\n".join(
        f"{person.name} asking {target}:\n{apart(expected[target, person], found)}"
        for (target, person), found in actual.items()
        if found != expected[target, person]
    )


def apart(expected, found):
    """The first place where two answers differ, with a little around it."""
    if expected[:2] != found[:2]:
        return f"  must be {expected[:2]}\n  but was {found[:2]}"
    at = next((n for n, (a, b) in enumerate(zip(expected[2], found[2])) if a != b), min(len(expected[2]), len(found[2])))
    return "\n".join(
        f"  {what} …{text[max(0, at - 60):at + 60]!r}…" for what, text in (("must be", expected[2]), ("but was", found[2]))
    )
