"""The Model Context Protocol: the tools, and the pipe they are served over.

Only `tools`, `server` and `wait` import the protocol's library. `answers` does not: what a tool
says is plain values and words.
"""
