"""A hostile world around the real SQL and the real payment code, the same for the same seed.

`history` lives one seed through; `invariants` and `closes` look at it after every step;
`mutants` are mistakes that `planting` makes on purpose, to see that the invariants notice;
`__main__` runs many.
"""
