"""What the user sees in the editor. No surface decides: each leads to `tasks.approvals` or a command."""
