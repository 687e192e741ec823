"""Addresses that are called or listened on, posting to them, and how often something may happen."""
