"""The matrix has a case for every interaction that the service offers, in every form."""

from service.interactions.perform import INTERACTIONS, PUBLISHED, RECORDED, STANDING
from tests.security import asks
from tests.security.world import BEN


def test_every_row_of_the_tables_is_asked_for():
    tables = {"": INTERACTIONS, asks.PUBLISHED: PUBLISHED, asks.RECORDED: RECORDED, asks.STANDING: STANDING}
    offered = {
        (f"{kind}{shape}", method)
        for kind, table in tables.items()
        for shape, methods in table.items()
        for method in methods
    }
    assert {ask.row for ask in asks.asks(BEN)} == offered | {asks.BUNDLE}
