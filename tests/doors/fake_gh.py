"""Stands in for GitHub's command line in tests of the recipes: `python fake_gh.py FILE ARGUMENT...`.

FILE holds the issues as JSON. It knows the calls that docs/ci/nightly.sh makes, and ends with 1 at any other.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

FIELDS = ("number", "title", "state", "stateReason")


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    calls = parser.add_subparsers(dest="call", required=True)
    create = calls.add_parser("label create")
    create.add_argument("name")
    create.add_argument("--force", action="store_true", required=True)
    for option in ("--color", "--description"):
        create.add_argument(option)
    listed = calls.add_parser("issue list")
    listed.add_argument("--label", required=True)
    listed.add_argument("--state", choices=["all"], required=True)
    listed.add_argument("--limit", type=int, required=True)
    listed.add_argument("--json", choices=[",".join(FIELDS)], required=True)
    opened = calls.add_parser("issue create")
    for option in ("--label", "--title"):
        opened.add_argument(option, required=True)
    opened.add_argument("--body-file", choices=["-"], required=True)
    closed = calls.add_parser("issue close")
    closed.add_argument("number", type=int)
    closed.add_argument("--reason", choices=["completed", "not planned"], required=True)
    closed.add_argument("--comment", required=True)
    return parser.parse_args([" ".join(words[:2]), *words[2:]])


def main(file: Path, words: list[str]) -> None:
    """Do what one call says to the issues in `file`."""
    given = _arguments(words)
    issues: list[dict[str, Any]] = json.loads(file.read_text("utf-8"))
    if given.call == "issue list":
        json.dump([{name: issue[name] for name in FIELDS} for issue in issues], sys.stdout)
    elif given.call == "issue create":
        made = {"number": len(issues) + 1, "title": given.title, "state": "OPEN", "stateReason": ""}
        issues.append({**made, "body": sys.stdin.read(), "comments": []})
    elif given.call == "issue close":
        issue = issues[given.number - 1]
        issue |= {"state": "CLOSED", "stateReason": given.reason.upper().replace(" ", "_")}
        issue["comments"].append(given.comment)
    file.write_text(json.dumps(issues), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
