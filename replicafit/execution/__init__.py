"""Who trains which replica, and what becomes of it. Importing the package imports no Keras."""
