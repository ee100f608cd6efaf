"""What is on sale: merchants, listings and their lots, held to the law of the day."""
