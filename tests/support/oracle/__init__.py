"""A second opinion on search: the R4 search page (https://hl7.org/fhir/R4/search.html) done plainly in memory.

It shares no code with the service and cares for nothing but being right. ``matcher`` is where to begin.
"""
