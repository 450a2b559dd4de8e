"""What is written to a directory is there whole, or not at all."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.fhir.outcome import OutcomeError
from service.store.destination import Destination

_PARTS, _SIZE = 20, 1_000_000


async def parts(directory: Path, *, fail: bool = False) -> AsyncIterator[bytes]:
    for number in range(_PARTS):
        assert not (directory / "job" / "a.ndjson").exists()
        yield bytes([97 + number]) * _SIZE
    if fail:
        raise KeyError("what makes the parts")


def files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


async def test_a_file_is_visible_once_it_is_whole(tmp_path: Path) -> None:
    destination = Destination(tmp_path.as_uri())
    await destination.write("job/a.ndjson", parts(tmp_path))
    assert (tmp_path / "job" / "a.ndjson").read_bytes() == b"".join(bytes([97 + n]) * _SIZE for n in range(_PARTS))
    assert destination.address("job/a.ndjson") == (tmp_path / "job" / "a.ndjson").as_uri()
    await destination.remove("job")
    assert files(tmp_path) == []


async def test_nothing_is_left_of_a_file_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        await Destination(tmp_path.as_uri()).write("job/a.ndjson", parts(tmp_path, fail=True))
    assert files(tmp_path) == []


async def test_a_place_that_cannot_be_written_to_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "job").write_text("in the way")
    with pytest.raises(OutcomeError) as caught:
        await Destination(tmp_path.as_uri()).write("job/a.ndjson", parts(tmp_path))
    assert caught.value.status == 503
