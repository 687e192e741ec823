"""Checks of files for pre-commit: `python -m tools.check_files yaml|secrets FILE...`."""

import re
import sys
from pathlib import Path

import yaml

SECRETS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a key of a cloud": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a token of a code host": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40,})\b"),
    "a live key of a rail": re.compile(r"\b(?:sk|pk)_live_[A-Za-z0-9]{16,}\b"),
}


def yaml_problems(path: Path) -> list[str]:
    try:
        list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        return [f"{path}: {' '.join(str(error).split())}"]
    return []


def secret_problems(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8", errors="replace")
    return [
        f"{path}:{number}: looks like {what}; remove it, and revoke it if it is real"
        for number, line in enumerate(text.splitlines(), 1)
        for what, pattern in SECRETS.items()
        if pattern.search(line)
    ]


CHECKS = {"yaml": yaml_problems, "secrets": secret_problems}


def main() -> int:
    name, *files = sys.argv[1:]
    problems = [problem for file in files for problem in CHECKS[name](Path(file))]
    print("\n".join(problems), end="\n" if problems else "")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
