"""Who tells customs of a payment (411): the platform itself, or the payment enterprise through its own interface."""
