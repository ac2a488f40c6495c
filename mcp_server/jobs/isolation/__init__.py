"""Handlers outside the event loop: in threads, and in processes of their own."""
