"""Taxes that customs bills: where a bill differs and why, what is paid together, and by which day."""
