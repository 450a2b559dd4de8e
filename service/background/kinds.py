"""The kinds of jobs, each with what does it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from service.interactions.bulk.export import EXPORT
from service.interactions.bulk.prepare import prepare_export
from service.interactions.bulk_import.run import run_import
from service.interactions.bulk_import.start import IMPORT
from service.interactions.context import Context
from service.store.jobs import Claim

Work = Callable[[Claim, Context], Awaitable[dict[str, Any]]]
"""Does a job with the access of who asked for it, from what was kept of it on, and returns what it comes to.

It keeps by `Claim.save` how far it is, raises LostClaimError where that cannot be kept any more, and OutcomeError where
the job cannot be done; one with the status 503 lets it be tried again.
"""

KINDS: Mapping[str, Work] = {EXPORT: prepare_export, IMPORT: run_import}
"""By the kind of a job what does it."""
