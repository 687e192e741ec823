"""Who has logged in. The database checked the password; nothing of it leaves this process."""

import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from orchestrator.database.people import reading_login

COOKIE = "settle_desk"
IDLE_S, LONGEST_S = 30 * 60, 8 * 3600
Clock = Callable[[], float]


@dataclass
class Session:
    """One person at one browser.

    Each page is read with the login that only reads, each decision made with the person's own.
    """

    name: str
    reader: str
    password: str = field(repr=False)
    may_decide: bool
    csrf: str
    begun: float
    seen: float
    # What came of the last decision, shown once.
    message: str | None = None
    is_refusal: bool = False

    def show_next(self, text: str, *, is_refusal: bool = False) -> None:
        """Show this on the next page."""
        self.message, self.is_refusal = text, is_refusal

    def take_message(self) -> tuple[str | None, bool]:
        """What is to be shown, and whether it is a refusal; gone once it was taken."""
        taken = (self.message, self.is_refusal)
        self.message, self.is_refusal = None, False
        return taken


class Sessions:
    """Sessions of this process; a restart ends them all. Safe for threads.

    The cookie is the session's id, signed: what we have not made is not even looked up.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock, self._key = clock, secrets.token_bytes(32)
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def begin(self, name: str, password: str, *, may_decide: bool) -> str:
        """A new session; returns the value of its cookie. Who decides reads with another login."""
        now, number = self._clock(), secrets.token_urlsafe(32)
        reader = reading_login(name) if may_decide else name
        session = Session(name, reader, password, may_decide, secrets.token_urlsafe(32), now, now)
        with self._lock:
            self._sessions = {k: s for k, s in self._sessions.items() if not _is_over(s, now)}
            self._sessions[number] = session
        return f"{number}.{self._signature(number)}"

    def find(self, cookie: str) -> Session | None:
        """The session of a cookie; None where it is not ours, or over."""
        number, now = self._number(cookie), self._clock()
        with self._lock:
            session = self._sessions.get(number or "")
            if session is None or _is_over(session, now):
                self._sessions.pop(number or "", None)
                return None
            session.seen = now
            return session

    def end(self, cookie: str) -> None:
        """Log out."""
        with self._lock:
            self._sessions.pop(self._number(cookie) or "", None)

    def _number(self, cookie: str) -> str | None:
        number, _, signature = cookie.rpartition(".")
        is_ours = hmac.compare_digest(self._signature(number).encode(), signature.encode())
        return number if is_ours else None

    def _signature(self, number: str) -> str:
        return hmac.new(self._key, number.encode(), "sha256").hexdigest()


def _is_over(session: Session, now: float) -> bool:
    return now - session.seen > IDLE_S or now - session.begun > LONGEST_S
