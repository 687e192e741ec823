-- The receipt of a seller's line in a window; null where nothing was frozen for them.
select finance.receipt(%(window)s, %(seller)s) as receipt
