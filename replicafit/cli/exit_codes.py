"""What the commands tell the shell."""

FAILED = 1
"""The command ran, and not all is well: replicas missing, a disk full, a law broken."""
REFUSED = 2
"""What was given cannot be used; nothing was done. Click's own code for bad options."""
INCOMPLETE = 3
"""All replicas are fitted, and an exporter failed; ``--resume`` makes up for it."""
INTERRUPTED = 130
"""By Ctrl-C; as shells count a signal 2."""
