"""The same service for the Agent Client Protocol (interface section 14)."""
