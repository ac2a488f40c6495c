"""One way to hear of changes: the queue is read once for all in a process who subscribed."""
