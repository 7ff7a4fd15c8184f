#!/usr/bin/python3
"""Ask a Redmine many things, as python-redmine does and byte by byte, and print a transcript of all it answered.

Two runs, one straight at Redmine and one through a cache, must print the same.

    parity.py --instance INSTANCE.json [--base URL] [--layer library|http [--reads-only]]

INSTANCE.json is what `tools/redmine-instance start` prints; --base is the address to ask at, if not the instance's own.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from http_layer import HttpScript  # noqa: E402
from http_requests import READS  # noqa: E402
from library import LibraryScript  # noqa: E402
from transcript import Names, Transcript  # noqa: E402


def transcript_of(instance, base=None, layer="library", **how):
    """The transcript, one long text. Asks at `base`, which leads to `instance` or a cache in front of it."""
    base = base or instance["url"]
    sample = instance["sample"]
    known_keys = [*sample["keys"].values(), *sample["feed_keys"].values()]
    transcript = Transcript(Names(base, known_keys, [instance["url"]]))
    if layer == "library":
        LibraryScript(base, sample, transcript).run()
    else:
        HttpScript(base, sample, transcript, **how).run()
    return str(transcript)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--instance", required=True, type=Path)
    parser.add_argument("--base")
    parser.add_argument("--layer", choices=("library", "http"), default="library")
    parser.add_argument("--reads-only", action="store_true", help="of the http layer")
    arguments = parser.parse_args()
    if arguments.reads_only and arguments.layer != "http":
        parser.error("only the http layer can do without writes")
    how = {"requests": READS} if arguments.reads_only else {}
    instance = json.loads(arguments.instance.read_text())
    sys.stdout.write(transcript_of(instance, arguments.base, arguments.layer, **how))


if __name__ == "__main__":
    main()
