"""Measures: how recovery-oriented practice is, counted from plans (https://hl7.org/fhir/R4/measure.html).

``definition`` reads a Measure, whose facts and criteria are FHIRPath, and compiles it; ``evaluation`` counts in one
pass over the resources as they were at the end of a period; ``results`` is what comes out: exact counts, which are
never published as they are.
"""
