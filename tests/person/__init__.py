"""Commands about one person, on a real database."""
