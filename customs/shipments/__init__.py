"""Crossings of direct purchases (9610): announced, given their orders, arrived, tallied (711), closed."""
