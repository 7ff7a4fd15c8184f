"""A transcript of what a Redmine answered, without what must differ between two that were asked the same.

Two instances from one sample give the same ids and times, but for addresses, moments since the sample's clock, tokens of
sessions, and the ids of what a script itself creates. Those become names in braces; nothing else does.
"""

import json
import re
from difflib import unified_diff
from itertools import zip_longest
from urllib.parse import quote, urlsplit

# The sample's clock stands in 2024: a later day is a moment of the run.
MOMENT = re.compile(r"20(?:2[5-9]|[3-9]\d)-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:Z|\+00:00))?")
MOMENT_AS_SHOWN = re.compile(r"\d\d/\d\d/20(?:2[5-9]|[3-9]\d)(?: \d\d:\d\d [AP]M)?")
HTML_TOKENS = re.compile(r'(csrf-token" content="|name="authenticity_token" value=")[^"]*')
DOWNLOADS = re.compile(r'("downloads":\s?|<downloads>)\d+')  # counts what reached Redmine
LAST_LOGIN = re.compile(
    r'("last_login_on":\s?)(?:null|"[^"]*")|<last_login_on/>|<last_login_on>[^<]*</last_login_on>'
)  # so does this
KEY = re.compile(r"\b[0-9a-f]{40}\b")
FORM_NAME = re.compile(r'(name="[\w-]*form)-[0-9a-f]{8}"')
AGO = re.compile(r'(title="\{moment\}"[^>]*>)[^<]*')
FEED_LINK = re.compile(r"(<link\b[^>]*>)")
JUMP_BOX = re.compile(r'<div id="project-jump".*')  # projects recently used: by requests that reached Redmine
UPLOAD_TOKEN = re.compile(r"\b(\d+)\.([0-9a-f]{64})\b")


class Names:
    """What is replaced in one script's texts."""

    def __init__(self, base, known_keys, other_bases=()):
        """`other_bases`: addresses of the same Redmine that may show in pages for people and in feeds; see text().
        `known_keys`: the sample's; any other is one that Redmine drew for a user created in this run."""
        self.base = base
        self.known_keys = frozenset(known_keys)
        self.other_bases = other_bases
        self.created = {}

    def name(self, number, name):
        """From now on the id `number` is called `name`; ids of the sample keep their numbers."""
        self.created[int(number)] = "{" + name + "}"
        return number

    def text(self, text, kind=None):
        """In a "page" for people the Redmine's own address may stand, in a "feed" everywhere but in its links (an entry's
        id is a name, not a link). In all else only the address that was asked."""
        text = self.addresses(self.base, text)
        for base in self.other_bases if kind else ():
            parts = FEED_LINK.split(text) if kind == "feed" else [text]
            text = "".join(part if FEED_LINK.fullmatch(part) else self.addresses(base, part) for part in parts)
        text = MOMENT.sub("{moment}", text)
        text = MOMENT_AS_SHOWN.sub("{moment}", text)
        if kind == "page":
            text = HTML_TOKENS.sub(r"\1{token}", text)
            text = FORM_NAME.sub(r'\1-{random}"', text)
            text = JUMP_BOX.sub("{jump box}", text)
            text = AGO.sub(r"\1{a while}", text)
        text = DOWNLOADS.sub(r"\1{count}", text)
        text = LAST_LOGIN.sub("{last login}", text)
        text = KEY.sub(lambda m: m[0] if m[0] in self.known_keys else "{key}", text)
        text = UPLOAD_TOKEN.sub(lambda m: f"{self.created.get(int(m[1]), m[1])}.{m[2]}", text)
        for number, name in self.created.items():
            text = re.sub(rf'("(?:\w+_)?id":\s?|<id>|\bid="|#|/){number}\b', rf"\g<1>{name}", text)
        return text

    @staticmethod
    def addresses(base, text):
        """An address as it is, as part of a query, and its authority alone."""
        authority = urlsplit(base).netloc
        forms = [
            (base, "{base}"),
            (quote(base, safe=""), "{base}"),
            (authority, "{authority}"),
            (quote(authority), "{authority}"),
        ]
        for form, name in forms:
            text = re.sub(re.escape(form) + r"(?!\d)", name, text)
        return text

    def value(self, value, key=""):
        """JSON-like data with the same replacements."""
        if isinstance(value, dict):
            return {name: self.value(item, name) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item, key) for item in value]
        if isinstance(value, int) and not isinstance(value, bool) and (key == "id" or key.endswith("_id")):
            return self.created.get(value, value)
        if isinstance(value, str):
            return self.created.get(int(value), value) if value.isascii() and value.isdigit() else self.text(value)
        return value if value is None or isinstance(value, (bool, int, float)) else self.text(str(value))


def steps(transcript):
    """A transcript's steps: (title, what came of it)."""
    found = []
    for line in transcript.splitlines():
        if line.startswith(" "):
            found[-1][1].append(line)
        else:
            found.append((line, []))
    return found


def changes(lines, other_lines):
    """The lines that differ, without the two lines of heading that a diff begins with."""
    return [line[:400] for line in list(unified_diff(lines, other_lines, lineterm="", n=0))[2:]]


def differences(expected, actual, at_most=20):
    """Where two transcripts differ, for people; empty if nowhere."""
    told = []
    for (title, lines), (other_title, other_lines) in zip_longest(steps(expected), steps(actual), fillvalue=("(nothing)", [])):
        if title != other_title:
            told.append(f"{title}\n  became {other_title}")
            break
        if lines != other_lines:
            told.append("\n".join([title, *changes(lines, other_lines)]))
    left = len(told) - at_most
    return "\n".join(told[:at_most] + ([f"… and {left} more"] if left > 0 else []))


class Transcript:
    """Lines: a title for each step, indented what came of it."""

    def __init__(self, names):
        self.names = names
        self.lines = []

    def title(self, text):
        self.lines.append(self.names.text(text))

    def text(self, text, kind=None):
        self.lines += ["    " + line for line in self.names.text(text, kind).split("\n")]

    def data(self, value):
        self.text(json.dumps(self.names.value(value), ensure_ascii=False, indent=1, sort_keys=True))

    def __str__(self):
        return "\n".join(self.lines) + "\n"
