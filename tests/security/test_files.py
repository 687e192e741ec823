"""What is written below a home is for its owner, whatever the umask and whichever verb is first."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.dbt.project import prepare_dbt
from orchestrator.errors import SettleError
from orchestrator.secret_files import generated_secret, home_mode, make_folder
from orchestrator.services.dagster_instance import prepare_dagster
from orchestrator.services.processes import LONGEST_LOG, process
from tests.support.settings import make_settings

URL = "postgresql://x:y@127.0.0.1:1/z"


@pytest.fixture(autouse=True)
def careless() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_missing_above_a_folder_is_its_owners(tmp_path: Path) -> None:
    """`settle home` as the first verb made SETTLE_HOME with the mode of the umask."""
    make_folder(tmp_path / "a" / "home" / "secrets", 0o700)
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "home") == home_mode()
    assert not home_mode() & 0o066
    assert mode(tmp_path / "a" / "home" / "secrets") == 0o700


def test_whichever_verb_makes_the_home(tmp_path: Path) -> None:
    for name in ("dagster", "dbt", "secrets"):
        home = tmp_path / name / "home"
        settings = make_settings(home, SETTLE_DBT_URL=URL, SETTLE_DATABASE_URL=URL)
        if name == "dagster":
            prepare_dagster(settings)
        elif name == "dbt":
            prepare_dbt(settings)
        else:
            generated_secret(settings, "HALFIN_API_KEY")
        assert (mode(home), mode(home / name)) == (home_mode(), 0o700)


@pytest.mark.parametrize("name", ["dagster", "dbt", "secrets", "."])
def test_a_folder_in_which_everybody_may_write_is_refused(tmp_path: Path, name: str) -> None:
    """They would put a secret there that they know, a profile, or a folder of theirs."""
    folder = tmp_path / "home" / name
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    with pytest.raises(SettleError, match=f"everybody may write in .*{folder.name}: chmod o-w it"):
        make_folder(folder, 0o700)
    folder.chmod(0o1777)  # as /tmp: nobody takes another's away
    make_folder(folder, 0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
@pytest.mark.parametrize("planted", ["a folder", "a link to ours"])
def test_what_somebody_else_planted_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: str
) -> None:
    folder = tmp_path / "secrets"
    if planted == "a folder":
        folder.mkdir(0o700)
    else:
        (tmp_path / "ours").mkdir(0o700)
        folder.symlink_to(tmp_path / "ours")
    os.chown(folder, 65534, -1, follow_symlinks=False)
    make_folder(folder, 0o700)  # root uses the home of whom it likes
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    with pytest.raises(SettleError, match="secrets is another user's: use a SETTLE_HOME of your"):
        make_folder(folder, 0o700)


def test_logs_of_our_processes_are_their_owners(tmp_path: Path) -> None:
    log = tmp_path / "receiver.log"
    for said in ("one", "two"):
        with process(["echo", said], {}, log) as running:
            running.wait()
    assert (log.read_text(), mode(log)) == ("one\ntwo\n", 0o600)


def test_a_long_log_is_put_aside_once(tmp_path: Path) -> None:
    log = tmp_path / "receiver.log"
    log.write_bytes(b"x" * (LONGEST_LOG + 1))
    (tmp_path / "receiver.log.1").write_text("older")
    with process(["echo", "new"], {}, log) as running:
        running.wait()
    assert log.read_text() == "new\n"
    assert (tmp_path / "receiver.log.1").stat().st_size == LONGEST_LOG + 1
