"""The bench of search: plans by the million, the listed queries, and what they cost (``make bench-search``)."""
