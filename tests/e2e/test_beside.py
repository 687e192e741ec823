"""What the demo starts beside a step ends with it, and says so where it fails."""

import sys
from pathlib import Path

import pytest

from orchestrator.demo import beside
from orchestrator.demo.beside import imported, made_ready, receiver_and_rail
from orchestrator.errors import SettleError

REFUSED = {"SETTLE_ENV": "nowhere"}


def test_what_the_first_close_needs_is_imported_by_the_end_of_the_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(beside, "NEEDED", ("wave",))
    monkeypatch.delitem(sys.modules, "wave", raising=False)
    with imported():
        pass
    assert "wave" in sys.modules
    monkeypatch.setattr(beside, "NEEDED", ("nowhere",))
    with pytest.raises(ModuleNotFoundError, match="nowhere"), imported():
        pass


def test_a_home_that_cannot_be_made_ready_is_told_after_the_step(tmp_path: Path) -> None:
    is_done = False
    told = pytest.raises(SettleError, match=f"settle home failed; see {tmp_path}/home.log")
    with told, made_ready(tmp_path, REFUSED):
        is_done = True
    assert is_done
    assert "SETTLE_ENV is 'nowhere'" in (tmp_path / "home.log").read_text()


def test_a_step_that_fails_is_what_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettleError, match="the step itself"), made_ready(tmp_path, REFUSED):
        raise SettleError("the step itself")


def test_a_receiver_that_does_not_start_is_told_to_who_waits_for_the_rail(tmp_path: Path) -> None:
    told = pytest.raises(SettleError, match="settle serve did not start; see")
    with told, receiver_and_rail(tmp_path, REFUSED) as rail:
        rail()
