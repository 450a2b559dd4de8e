"""FHIRPath, compiled: paths of search parameters and invariants (http://hl7.org/fhirpath/N1/).

From a text to what is run: ``tokens`` and ``syntax`` make a tree of it. ``compiler`` makes a ``collection`` of the tree:
functions of a JSON value, with the types of their results known as far as the definitions tell (``kinds``,
``navigation``). What the operators and functions do stands in tables in ``operators`` and ``functions``.
``conditions`` are the invariants; ``paths`` are what the search index takes out of a resource.
"""
