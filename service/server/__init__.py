"""What stands around the application when it is served: the web server, TLS, who is let in, what is announced."""
