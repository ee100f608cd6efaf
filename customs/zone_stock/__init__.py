"""Bonded stock: goods enter a zone over the first line, stand on its account book, and leave it by a list or otherwise.

The account book is locked before lots, everywhere: items in id order, then what the floor above locks of its own.
"""
