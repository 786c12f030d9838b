"""Rewrites that are proven equal to the statement they replace, and offers that change its result."""
