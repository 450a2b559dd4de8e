"""Small resources and queries over few values, so that what is generated meets often."""
