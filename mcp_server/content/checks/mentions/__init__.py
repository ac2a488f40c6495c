"""What a text says in figures: prices, numbers, dates, times, telephone numbers. Pure."""
