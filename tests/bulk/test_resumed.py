"""An export whose worker dies whenever it has kept how far it is: who goes on begins where that was, and no earlier."""

from typing import Any

import pytest

from service.interactions.bulk import prepare
from service.store.jobs import Claim, LostClaimError
from tests.bulk.conftest import GONE, NOW, Records
from tests.support.exports import export

MOST_DEATHS = 60


@pytest.mark.parametrize("begin", [None, "the moment before what was changed last"])
async def test_nothing_is_counted_twice(records: Records, begin: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    deaths = 0
    save = Claim.save

    async def save_and_die(claim: Claim, progress: dict[str, Any], words: str) -> None:
        nonlocal deaths
        await save(claim, progress, words)
        if deaths < MOST_DEATHS:
            deaths += 1
            await claim.release()
            raise LostClaimError

    asked = {} if begin is None else {"_since": records.moment}
    undisturbed = await export(records.client, **asked)
    monkeypatch.setattr(prepare, "_BETWEEN_SAVES", -1.0)
    monkeypatch.setattr(Claim, "save", save_and_die)
    exported = await export(records.client, **asked)
    assert 5 < deaths < MOST_DEATHS
    assert exported.resources == undisturbed.resources
    assert exported.names == (NOW if begin is None else {"Goal/ann-1", "Goal/new"})
    assert exported.deleted == ([] if begin is None else [GONE])
