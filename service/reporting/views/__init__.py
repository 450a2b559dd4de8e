"""Flat tables of resources: ViewDefinitions of SQL on FHIR, run on our compiled FHIRPath (https://sql-on-fhir.org).

``definition`` reads a ViewDefinition, ``compilation`` makes it a ``View``: a function from a resource to its rows.
``formats`` writes rows; ``ready`` are the ViewDefinitions that the service brings, in ``schemas/r4/views``.
"""

from service.reporting.views.column import Column
from service.reporting.views.compilation import View, compile_view
from service.reporting.views.faults import ViewError
from service.reporting.views.paths import Surroundings

__all__ = ["Column", "Surroundings", "View", "ViewError", "compile_view"]
