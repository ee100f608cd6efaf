"""`make run`: everything a first run needs, started in order, watched, and stopped together.

It imports nothing of the house but the embedded database; the processes it starts are those of the Procfile.
"""
