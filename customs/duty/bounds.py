"""The bounds under which every product of the engine fits int64; checked on entry, refused beyond.

With a value of at most 10^12 fen, a duty of at most 1,000 % and five additions of at most 1,000 % each, the base of VAT
stays below 1.4 * 10^14 fen, and twice its product with a rate of 17,000 (17 %) below 5 * 10^18 < 2^63. Consumption tax
rates up to 56 % keep 2 * 6.1 * 10^13 * 56,000 below 7 * 10^18. Rows with an amount per unit, a price threshold or an
unrounded full-tax chain are computed on Python integers by the same formulas, so they need no bound of their own.
"""

VALUE_MAX_FEN = 10**12  # ten thousand million yuan in one line
QUANTITY_PARTS = 10**5  # quantities are integers of 0.00001 units
QUANTITY_MAX = 10**9  # units in one line
SPECIFIC_PARTS = 10**7  # quantity parts times rate parts: one fen is 10^7 of them
