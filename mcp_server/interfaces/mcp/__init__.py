"""The Model Context Protocol: the tools, and the pipe they are served over.

`answers` and `stdio` do not import the protocol's library: what a tool says is plain values and
words, and the pipe is claimed before anything heavy is loaded.
"""
