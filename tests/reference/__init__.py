"""An independent reading of SPEC.md, sections 1 to 5, in plain Python: the oracle for the SQL.

Written from the specification alone. It is slow, exact and easy to check by eye, and it shares
no code with what it checks. `model` is the face of it; `world` makes histories to compare on.
"""
