"""The finance desk: read, then decide, under one's own database login."""
