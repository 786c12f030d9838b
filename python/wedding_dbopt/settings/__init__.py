"""Advisers whose advice is not an index: settings, statistics, vacuum, caches, connections, and plans that flipped.

One module is one family. Its docstring says "Why" and "Sound when"; `precondition` asks the figures, `advise` returns
advice. No module here knows a server: the figures come from SQL functions (figures.py reads them).
"""
