"""Which process works a workspace, how it is started and stopped, and whether it lives."""
