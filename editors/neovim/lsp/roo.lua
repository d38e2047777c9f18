-- How Neovim starts roo-lsp: `vim.lsp.config('roo', …)` adds to it and wins over it.
return require('roo.client').lsp_config()
