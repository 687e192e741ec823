"""The pages: a finance desk, and each seller's own statement. Server-rendered; SQL computes."""
