"""One closed year and its archive for all files of this folder, which one worker runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.archive.closed_year import ClosedYear, make_closed_year
from tests.archive.files import FOLDER
from tests.support.closed_week import end_copies


@pytest.fixture(scope="package", autouse=True)
def copies_of_a_closed_week() -> Iterator[None]:
    """The copy that has the year is gone when the folder is done, not the file."""
    yield
    end_copies()


@pytest.fixture(scope="package")
def year() -> ClosedYear:
    return make_closed_year()


@pytest.fixture(scope="package")
def archive(year: ClosedYear, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return year.write(tmp_path_factory.mktemp("archives"))


@pytest.fixture
def copy(archive: Path, tmp_path: Path) -> Path:
    """To spoil."""
    folder = tmp_path / FOLDER
    folder.mkdir()
    for file in archive.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder
