"""Do orders, declarations, allowance, taxes and guarantees agree? Nightly, and as `flask window reconcile`."""
