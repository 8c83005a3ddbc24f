"""Scripts that are run by hand and kept."""
