"""Opening a store that an earlier or a later version of the service has used."""

import pytest
from pymongo import ASCENDING, IndexModel

from service.store.driver import Driver
from service.store.open import FORMAT, NewerFormatError, check_format, prepare


@pytest.fixture
async def driver(mongodb_uri, settings):
    driver = Driver("pymongo", mongodb_uri, settings.mongodb_database)
    yield driver
    await driver.database.client.drop_database(settings.mongodb_database)
    await driver.close()


async def test_index_in_an_older_form_is_made_anew(driver):
    old = IndexModel([("words", ASCENDING)], partialFilterExpression={"deleted": {"$exists": True}})
    await driver.collection("Goal").create_indexes([old])
    await prepare(driver, {"Goal": []})
    indexes = await driver.collection("Goal").index_information()
    assert indexes["words_1"]["partialFilterExpression"] == {"words": {"$exists": True}}


async def test_store_of_a_newer_format_is_refused(driver):
    await check_format(driver)
    await driver.collection("service").update_one({"_id": "format"}, {"$set": {"version": FORMAT + 1}})
    with pytest.raises(NewerFormatError, match=f"format {FORMAT + 1}"):
        await prepare(driver, {})
