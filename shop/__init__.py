"""Top floor: carts, orders, money, and the composition root that joins the house."""
