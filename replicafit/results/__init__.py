"""What leaves a fit: one folder per replica, whole or not at all."""
