"""The editor as the agent's ports: its documents as files, its other language servers, its problems."""
