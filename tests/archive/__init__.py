"""`settle export archive`."""
