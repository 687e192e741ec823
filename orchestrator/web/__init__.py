"""Webhooks, finance's console, and each seller's own pages. Server-rendered; SQL computes."""
