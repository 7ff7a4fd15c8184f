"""The house: includes go downward only, and each library has one door."""

import re

from tree import matching, text, without_comments

# What a room may include besides its own files.
BELOW = {
    "base": set(),
    "conf": {"base"},
    "cache": {"base", "conf"},
    "upstream": {"base", "conf"},
    "redmine": {"base", "conf"},
    "engine": {"base", "conf", "cache", "upstream", "redmine"},
}
BELOW["flow"] = BELOW["engine"] | {"engine"}
BELOW["collect"] = BELOW["flow"] | {"flow"}
BELOW["front"] = BELOW["collect"] | {"collect"}
BELOW["control"] = BELOW["front"] | {"front"}
BELOW["main"] = BELOW["control"] | {"control"}
BELOW["cachectl"] = {"base", "control"}

# Who may include a library's header, or call a function.
DOORS = {
    r"<microhttpd\.h>": {"front"},
    r"<gnutls/.*>": {"front"},
    r"<curl/.*>": {"upstream"},
    r"<sqlite3\.h>": {"cache"},
    r"<json(-c/.*|\.h)?>": {"front", "control", "cachectl", "redmine"},
    r"<ini\.h>": {"conf"},
    r"<systemd/.*>": {"main"},
    r"<dlfcn\.h>": {"engine"},
    r"<redmine-cached/.*>": {"engine"},
    r"<nettle/.*>": {"base"},
    r"<zlib\.h>": {"upstream", "front"},
    r"<zstd\.h>": {"front"},
}


def room(path):
    """The room of a file in src/; what lies outside of the rooms belongs to main."""
    return path.parts[1] if len(path.parts) == 3 else "main"


def includes():
    """(file, its room, what is included)"""
    for path in matching(r"src/.*\.[ch]"):
        for name in re.findall(r'^#\s*include\s+(["<].*[">])', text(path), re.MULTILINE):
            yield path, room(path), name


def test_includes_go_downward():
    wrong = []
    for path, own, name in includes():
        if name.startswith('"'):
            other = name.strip('"').partition("/")[0] if "/" in name else "main"
            if other != own and other not in BELOW[own]:
                wrong.append(f"{path} includes {name}")
    assert not wrong, "\n".join(wrong)


def test_every_include_names_its_room():
    """A file is found from src/ only, so that its room shows."""
    wrong = [f"{path} includes {name}" for path, own, name in includes() if own != "main" and re.fullmatch('"[^/]*"', name)]
    assert not wrong, "\n".join(wrong)


def test_each_library_has_one_door():
    wrong = []
    for path, own, name in includes():
        for header, rooms in DOORS.items():
            if re.fullmatch(header, name) and own not in rooms:
                wrong.append(f"{path} includes {name}, which is for {' and '.join(rooms)}")
    assert not wrong, "\n".join(wrong)


def test_only_the_engine_forks():
    wrong = []
    for path in matching(r"src/.*\.c"):
        called = re.findall(r"\b(?:v?fork|posix_spawnp?|clone)\s*\(", without_comments(text(path)))
        if called and room(path) != "engine":
            wrong.append(f"{path} calls {called}")
    assert not wrong, "\n".join(wrong)
