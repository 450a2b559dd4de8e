"""What is told of the stored resources as a whole: flat tables, measures and pages with pictures of them."""
