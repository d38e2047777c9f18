"""The ground under the agent: files, paths, search, commands, the policy and the store. No LSP."""
