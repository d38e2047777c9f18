"""The editors of this machine: which there are, and what to paste into their configuration."""
