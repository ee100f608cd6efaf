"""Editions of the law side by side: what one changes against another, and an official annex written as a new one.

`difference` compares two folders by code and day; `importing` reads an annex (CSV or XLSX), checks every row of it
against the law and writes a new folder. Files are read and written here; nothing here knows Flask or the database.
"""
