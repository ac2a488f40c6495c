"""What a text says in figures: prices, numbers, dates, times, telephone numbers. Pure.

`scan` reads a text from its start to its end; each other file reads one kind of thing at one place.
Each pattern reads a bounded number of characters, so it all takes time in proportion to the length.
"""
