"""The second opinion on search, and the parameters that it answers: see ``tests.support.oracle``."""

from tests.support.oracle.definitions import listed_parameters
from tests.support.oracle.matcher import Answer, Matcher

__all__ = ["Answer", "Matcher", "listed_parameters"]
