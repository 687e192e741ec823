"""Policies of risk, tried on history: the same models, as if the policy had been in force."""
