"""One module for each search parameter type: how a value is written to the index, and how a query reads it."""
