"""A year of closed windows as files that can be checked: contents.yml says which rows."""
