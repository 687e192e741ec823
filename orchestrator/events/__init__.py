"""What concerns sellers leaves the database for SETTLE_EVENTS_URL."""
