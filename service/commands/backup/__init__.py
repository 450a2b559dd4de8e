"""Backup and restore: ``recovery-plan export`` and ``recovery-plan import``.

A backup is a directory. Of each type it has ``CarePlan.ndjson``, the current resources as they are served, and
``CarePlan.versions.ndjson``, which has a line for every version, an entry of a history Bundle
(https://hl7.org/fhir/R4/http.html#history): without its resource where that stands in the other file, too. What is in
``manifest.json`` is checked before anything is restored; it is written last.
"""
