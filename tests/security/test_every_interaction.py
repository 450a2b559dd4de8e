"""The matrix has a case for every interaction that the service offers, in every form."""

from service.interactions.perform import INTERACTIONS, PUBLISHED
from tests.security import asks
from tests.security.world import BEN


def test_every_row_of_the_tables_is_asked_for():
    offered = {(shape, method) for shape, methods in INTERACTIONS.items() for method in methods}
    offered |= {(f"{asks.PUBLISHED}{shape}", method) for shape, methods in PUBLISHED.items() for method in methods}
    assert {ask.row for ask in asks.asks(BEN)} == offered | {asks.BUNDLE}
