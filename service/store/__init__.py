"""Documents, their history and their index in MongoDB: the only layer that knows the database."""
