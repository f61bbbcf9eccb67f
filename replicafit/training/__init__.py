"""The engine: many replicas trained in one compiled loop, none feeling another."""
