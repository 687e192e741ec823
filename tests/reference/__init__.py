"""An independent reading of the rules, in plain Python: the oracle for the SQL.

Written from the rules in words, never from the SQL. It is slow, exact and easy to check by eye,
and it shares no code with what it checks. `model` is the face of it; `world` makes histories to
compare on.
"""
