"""``python -m replicafit``."""

from replicafit.cli import main

if __name__ == "__main__":
    main()
