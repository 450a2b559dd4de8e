"""FHIRPath, compiled: paths of search parameters and invariants (http://hl7.org/fhirpath/N1/).

From a text to what is run: ``tokens`` and ``syntax`` make a tree of it. ``compiler`` makes it a ``collection``,
that is functions of a JSON value; of which types the results are is known as far as definitions tell (``kinds``,
``navigation``). What the operators and functions do stands in tables in ``operators`` and ``functions``.
``conditions`` are the invariants; ``paths`` are what the search index takes out of a resource.
"""
