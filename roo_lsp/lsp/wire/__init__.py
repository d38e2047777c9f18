"""JSON-RPC over stdio, and the log: nothing in here knows what a task is."""
