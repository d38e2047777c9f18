"""The core: what an agent is, with the standard library and pydantic only, and no I/O."""
