"""Finance's console under /desk: read, then decide, under one's own database login."""
