"""Documents that sending has given up: when that is, what was tried, and how a person sends them again."""
