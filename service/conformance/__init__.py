"""What the definitions in ``schemas`` say, compiled once: structures, terminology, search parameters, capabilities."""
