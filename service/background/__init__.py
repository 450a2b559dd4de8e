"""What runs in the background of each worker process, from the start of the application to its end."""
