"""What every job store decides alike: pure, on plain values; it only reads and writes itself."""
