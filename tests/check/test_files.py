"""Files as they should be: documented, short, built, and free of leftovers."""

import os
import re

from tree import TOP, files, matching, text, without_comments

LONGEST = 500
CODE = r".*\.(c|h|py|sh|rb|mk)|(tools|bench|examples|\.ci)/[^.]*"


def prototypes(header):
    """(paragraph, position in it) of each function declared or defined in a header, outside of structs."""
    source = re.sub(r"^#.*?(?<!\\)$", "", header, flags=re.MULTILINE | re.DOTALL)
    for paragraph in re.split(r"\n\s*\n", source):
        code = without_comments(paragraph)
        depth = 0
        for found in re.finditer(r"[{}]|^[A-Za-z_][^;{}=]*?\b(\w+)\([^;{}]*\)[^;{}()]*[;{]", code, re.MULTILINE):
            macro = found.group(1) is None or found.group(1).isupper()
            if depth == 0 and not macro and not found.group().startswith("typedef"):
                yield paragraph, found.start(), found.group(1)
            depth += found.group().count("{") - found.group().count("}")


def test_every_prototype_has_a_comment():
    """Before it, without a blank line between, or on its own line; one comment may be for several in a row."""
    bare, seen = [], 0
    for path in matching(r"src/.*\.h"):
        for paragraph, start, name in prototypes(text(path)):
            seen += 1
            end = paragraph.find("\n", paragraph.find(";", start))
            if "/*" not in paragraph[: end if end >= 0 else None]:
                bare.append(f"{path}: {name}")
    assert seen > 100, "the headers are not understood"
    assert not bare, "\n".join(bare)


def test_no_file_is_too_long():
    long = []
    for path in matching(CODE):
        length = len(text(path).splitlines())
        if length > LONGEST:
            long.append(f"{path}: {length} lines")
    assert not long, f"more than {LONGEST} lines:\n" + "\n".join(long)


def test_everything_is_built():
    """Each C file of a room and of its tests is named in the local.mk beside it or in Makefile.am."""
    missing = []
    for path in matching(r"(src|tests/unit)/.*\.c"):
        lists = [path.parent / "local.mk", "Makefile.am"]
        named = "".join(text(place) for place in lists if (TOP / place).exists())
        shared = path.parent.name == "support"
        if not shared and not re.search(rf"(?<![\w/]){re.escape(str(path))}(?!\w)", named):
            missing.append(str(path))
    assert not missing, "in no local.mk:\n" + "\n".join(missing)


def test_every_fuzz_target_has_a_corpus():
    for target in matching(r"tests/fuzz/fuzz_\w+\.c"):
        corpus = f"tests/fuzz/corpus/{target.stem.removeprefix('fuzz_')}/"
        assert any(str(path).startswith(corpus) for path in files()), f"{target}: nothing in {corpus}"


def test_every_manual_page_is_installed():
    lists = "".join(text(path) for path in matching(r"Makefile\.am|(.*/)?local\.mk"))
    installed = set(re.findall(r"\bdoc/[\w.-]+\.[1-8]\b", lists))
    assert {str(path) for path in matching(r"doc/.*\.[1-8]")} == installed


def test_scripts_can_be_run():
    """What begins with #! is executable, and the other way round."""
    wrong = []
    for path in files():
        begins = (TOP / path).read_bytes()[:2] == b"#!"
        if begins != os.access(TOP / path, os.X_OK):
            wrong.append(str(path))
    assert not wrong, "\n".join(wrong)


def test_no_leftovers():
    left = []
    for path in matching(CODE + r"|.*\.(md|conf|service|[1-8])"):
        for number, line in enumerate(text(path).splitlines(), 1):
            if re.search(r"\b(TO[D]O|FIX[M]E|X[X]X)\b|^<{7}|^>{7}|[ \t]$", line):
                left.append(f"{path}:{number}: {line.strip()}")
    assert not left, "\n".join(left)


def test_links_in_documents_lead_somewhere():
    broken = []
    for path in matching(r".*\.md"):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text(path)):
            if "://" not in target and not (TOP / path.parent / target).exists():
                broken.append(f"{path}: {target}")
    assert not broken, "\n".join(broken)
