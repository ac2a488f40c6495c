"""Implementations of the store protocols that `jobs` and `entities` own."""
