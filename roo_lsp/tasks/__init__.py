"""Tasks, whoever shows them: no protocol of an editor, no error of JSON-RPC, no open document."""
