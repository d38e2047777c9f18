"""Speaking with a client on standard streams, whatever the protocol: the streams, the log."""
