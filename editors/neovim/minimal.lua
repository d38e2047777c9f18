-- Roo in Neovim 0.11 or newer, without a plugin: paste this into init.lua.
--
--   :Roo {prompt}       start a task; with a range (:'<,'>Roo …) about these lines
--   :RooSend {text}     follow up, or answer a question
--   :RooApprove         approve what waits;  :RooDeny [why]  refuse it
--   :RooCancel          stop the task
--   :RooOpen            what was said and done, as a document

vim.lsp.config('roo', {
  cmd = { 'roo-lsp' },
  root_markers = { '.git' },
  settings = {
    roo = {
      provider = {
        baseUrl = '', -- empty: Ollama, LM Studio, llama.cpp or vLLM on this machine
        modelId = '', -- empty: the only one that is served
      },
    },
  },
})
vim.lsp.enable('roo') -- no filetypes: every file that has one

local function roo(command, argument, range)
  local client = vim.lsp.get_clients({ name = 'roo' })[1]
  if not client then
    return vim.notify('Roo is not running: open a file of your project first.', vim.log.levels.WARN)
  end
  if range and range.range > 0 then
    local last = vim.fn.getbufoneline(0, range.line2)
    argument.context = { {
      uri = vim.uri_from_bufnr(0),
      range = {
        start = { line = range.line1 - 1, character = 0 },
        ['end'] = { line = range.line2 - 1, character = vim.str_utfindex(last, client.offset_encoding) },
      },
    } }
  end
  client:exec_cmd({ title = command, command = command, arguments = { argument } }, nil, function(err)
    if err then
      vim.notify(err.message, vim.log.levels.ERROR)
    end
  end)
end

local command = vim.api.nvim_create_user_command
command('Roo', function(a) roo('roo.task.start', { prompt = a.args }, a) end, { nargs = '+', range = true })
command('RooSend', function(a) roo('roo.task.send', { text = a.args }) end, { nargs = '+' })
command('RooApprove', function() roo('roo.approval.respond', { decision = 'allow_once' }) end, {})
command('RooDeny', function(a)
  roo('roo.approval.respond', { decision = 'reject_once', feedback = a.args })
end, { nargs = '*' })
command('RooCancel', function() roo('roo.task.cancel', vim.empty_dict()) end, {})
command('RooOpen', function() roo('roo.task.open', vim.empty_dict()) end, {})

-- What Roo does, for the status line: vim.o.statusline = '%f %m %= %{get(g:, "roo_status", "")}'
vim.api.nvim_create_autocmd('LspProgress', {
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == 'roo' then
      vim.g.roo_status = event.data.params.value.message or ''
      vim.cmd.redrawstatus()
    end
  end,
})
