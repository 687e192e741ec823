"""Where a secret turned up: files, output, pages and databases are searched for planted ones."""

import base64
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

PREFIX = 12  # of a secret, as a careless log line would show it


def forms(secret: str) -> set[bytes]:
    """The secret as it may stand somewhere: plain, its beginning, percent-encoded, base64."""
    plain = secret.encode()
    found = {plain, quote(secret, safe="").encode()}
    if len(secret) > PREFIX + 8:
        found.add(plain[:PREFIX])
    for shift in range(3):  # wherever in a longer text it begins, its inner part looks like this
        encoded = base64.b64encode(b"\0" * shift + plain)
        found.add(encoded[-(-8 * shift // 6) : len(encoded) - len(encoded) % 4 - 4])
    return found | {form.replace(b"+", b"-").replace(b"/", b"_") for form in found}


class Search:
    """Looks for all secrets at once."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._forms = {form: name for name, secret in secrets.items() for form in forms(secret)}
        # The longest first: a prefix would hide what it is a prefix of.
        ordered = sorted(self._forms, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, ordered)))

    def text(self, where: str, content: str | bytes) -> Iterator[str]:
        """A line for each secret in it, which does not repeat the secret."""
        raw = content.encode() if isinstance(content, str) else content
        for name in sorted({self._forms[match] for match in self._pattern.findall(raw)}):
            yield f"{name} in {where}"

    def folder(self, folder: Path, *, private: Path) -> Iterator[str]:
        """All files under it but the private ones, which only their owner may read."""
        for file in sorted(folder.rglob("*")):
            if not file.is_file() or file.is_symlink():
                continue
            if file.is_relative_to(private):
                if file.stat().st_mode & 0o077:
                    yield f"{file} can be read by others"
            else:
                yield from self.text(str(file), file.read_bytes())
