"""Reports: sums of what was declared and released, to the fen, the same bytes each time they are asked."""
