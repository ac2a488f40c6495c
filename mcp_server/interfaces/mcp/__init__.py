"""The Model Context Protocol: the tools, and the pipe they are served over.

Only `arguments`, `tools`, `server` and `stdio` know the protocol's library; `replies` and
`sentences` are plain values and words.
"""
