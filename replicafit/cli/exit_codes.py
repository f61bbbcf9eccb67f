"""What the commands tell the shell."""

FAILED = 1
"""The command ran, and not all is well: replicas missing, a law broken, runcards that differ."""
REFUSED = 2
"""What was given cannot be used; nothing was done. Click's own code for bad options."""
INTERRUPTED = 130
"""By Ctrl-C; as shells count a signal 2."""
