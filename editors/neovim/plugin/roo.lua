-- What Neovim reads at start: as little as possible. Everything else is loaded when it is used.

if vim.g.loaded_roo then
  return
end
vim.g.loaded_roo = true

if vim.fn.has('nvim-0.11') == 0 then
  vim.api.nvim_echo({ { 'Roo needs Neovim 0.11 or newer.', 'WarningMsg' } }, true, {})
  return
end

vim.api.nvim_create_user_command('Roo', function(command)
  require('roo.commands').run(command)
end, {
  nargs = '*',
  range = true,
  desc = 'Roo: start a task, or do what the first word says',
  complete = function(lead, line)
    return require('roo.commands').complete(lead, line)
  end,
})

---@param name string
---@param line string what `:Roo` is given
local function plug(name, line)
  vim.keymap.set('n', ('<Plug>(%s)'):format(name), ('<Cmd>Roo %s<CR>'):format(line))
end

plug('RooChat', 'chat')
plug('RooApprove', 'approve')
plug('RooAlways', 'always')
plug('RooDeny', 'deny')
plug('RooDetails', 'details')
plug('RooCancel', 'cancel')
plug('RooReview', 'review')
plug('RooTasks', 'tasks')
for name, action in pairs({ RooNextHunk = 'next', RooPreviousHunk = 'previous', RooKeep = 'keep', RooRevert = 'revert' }) do
  vim.keymap.set('n', ('<Plug>(%s)'):format(name), function()
    require('roo.review')[action]()
  end)
end
vim.keymap.set('x', '<Plug>(RooAsk)', ':Roo ')

local group = vim.api.nvim_create_augroup('roo', {})

-- Neovim starts servers by file type; a file without one is Roo's, too.
vim.api.nvim_create_autocmd({ 'BufReadPost', 'BufNewFile' }, {
  group = group,
  callback = function(event)
    vim.schedule(function()
      require('roo.client').attach_untyped(event.buf)
    end)
  end,
})

vim.api.nvim_create_autocmd('BufWinEnter', {
  group = group,
  callback = function(event)
    -- `bufload` says this too, of a window that nobody sees.
    if vim.b[event.buf].roo_hidden and vim.fn.win_gettype() ~= 'autocmd' then
      require('roo.client').attach_shown(event.buf)
    end
    if package.loaded['roo.review'] then
      require('roo.review').opened(event.buf)
    end
  end,
})

vim.api.nvim_create_autocmd('LspAttach', {
  group = group,
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == 'roo' then
      require('roo.client').attached(client)
    end
  end,
})

vim.lsp.enable('roo')
