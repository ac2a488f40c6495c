"""What is to be said of two sections together: of one thing another value, or the same twice."""
