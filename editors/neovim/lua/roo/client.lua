--- The language server: how it is started, found and spoken to.
local M = {}

local READY_MS = 20000
local COMPLETION_MS = 400
local EXTENSIONS = {
  'roo/event',
  'roo/requestPermission',
  'roo/saveDocuments',
  'roo/diagnostics',
  'roo/definition',
  'roo/references',
  'roo/hover',
  'roo/documentSymbol',
  'roo/workspaceSymbol',
  'roo/rename',
}

M.INSTALL = 'uv tool install . (in a clone of roo-lsp)'

---@type integer? the client that was last used
local last = nil
---@type table<integer, true> clients that we stop ourselves
local stopping = {}

---@param text string
---@param level integer?
function M.tell(text, level)
  vim.notify(text, level or vim.log.levels.INFO, { title = 'Roo' })
end

---@return boolean
function M.installed()
  local cmd = vim.lsp.config.roo.cmd
  return type(cmd) == 'function' or vim.fn.executable(cmd[1]) == 1
end

---@return string the program, as a person would name it
local function program()
  local cmd = vim.lsp.config.roo.cmd
  return type(cmd) == 'table' and cmd[1] or 'roo-lsp'
end

---@param buffer integer
---@return string? folder nil where no marker says what the project is
local function root_of(buffer)
  local from = vim.api.nvim_buf_get_name(buffer)
  if from == '' or vim.bo[buffer].buftype ~= '' then
    from = vim.fn.getcwd()
  end
  return vim.fs.root(from, require('roo.config').current.root_markers)
end

---@param buffer integer
---@param on_dir fun(root_dir: string?)
local function root_dir(buffer, on_dir)
  if M.installed() and not vim.b[buffer].roo_hidden then
    on_dir(root_of(buffer))
  end
end

---@param code integer
---@param signal integer
---@param id integer
local function on_exit(code, signal, id)
  vim.schedule(function()
    require('roo.events').lost(id)
    if stopping[id] or vim.v.exiting ~= vim.NIL then
      stopping[id] = nil
      return
    end
    local how = signal ~= 0 and ('by signal %d'):format(signal) or ('with exit code %d'):format(code)
    M.tell(
      ('Roo ended %s. Tasks are kept: `:Roo restart`, then `:Roo tasks`. Why: `:Roo log`.'):format(how),
      vim.log.levels.ERROR
    )
  end)
end

--- What `lsp/roo.lua` returns.
---@return vim.lsp.Config
function M.lsp_config()
  local config = require('roo.config').current
  local settings = next(config.settings) and config.settings or vim.empty_dict()
  return {
    cmd = config.cmd or { 'roo-lsp' },
    root_dir = root_dir,
    settings = { roo = settings },
    init_options = { client = { extensions = EXTENSIONS } },
    handlers = require('roo.handlers'),
    on_exit = on_exit,
  }
end

---@param id integer?
---@return vim.lsp.Client?
local function alive(id)
  local client = id and vim.lsp.get_client_by_id(id)
  return client and not client:is_stopped() and client.initialized and client or nil
end

--- The running server for where the user is: of the buffer, of the chat, of the project, the last used.
---@return vim.lsp.Client?
function M.current()
  local own = alive(vim.b.roo_client) or vim.lsp.get_clients({ name = 'roo', bufnr = 0 })[1]
  if own then
    last = own.id
    return own
  end
  local root = root_of(0)
  for _, client in ipairs(vim.lsp.get_clients({ name = 'roo' })) do
    if client.root_dir == root then
      return client
    end
  end
  return vim.bo.buftype ~= '' and alive(last) or nil
end

---@return integer? id of a client that runs or begins to, or was started now
local function begin()
  if not M.installed() then
    M.tell(
      ('`%s` is not there. Install it with `%s`, or name it: require("roo").setup({ cmd = { "/path/to/roo-lsp" } })'):format(
        program(),
        M.INSTALL
      ),
      vim.log.levels.ERROR
    )
    return nil
  end
  local config = vim.deepcopy(vim.lsp.config.roo)
  config.root_dir = root_of(0)
  if vim.bo.buftype == '' and vim.api.nvim_buf_get_name(0) ~= '' then
    return vim.lsp.start(config, { bufnr = 0 })
  end
  for _, client in ipairs(vim.lsp.get_clients({ name = 'roo', _uninitialized = true })) do
    if client.root_dir == config.root_dir then
      return client.id
    end
  end
  return vim.lsp.start(config, { attach = false })
end

--- Calls back with the server for where the user is, started if need be.
---@param on_ready fun(client: vim.lsp.Client)
function M.with(on_ready)
  local running = M.current()
  if running then
    return on_ready(running)
  end
  local id = begin()
  if not id then
    return
  end
  local timer, waited = assert(vim.uv.new_timer()), 0
  timer:start(
    0,
    20,
    vim.schedule_wrap(function()
      if timer:is_closing() then
        return
      end
      waited = waited + 20
      local client = vim.lsp.get_client_by_id(id)
      if client and client.initialized then
        timer:close()
        last = id
        on_ready(client)
      elseif not client or waited > READY_MS then
        timer:close()
        M.tell('Roo did not start. `:checkhealth roo` says what is missing, `:Roo log` why.', vim.log.levels.ERROR)
      end
    end)
  )
end

---@param client vim.lsp.Client
---@param command string
---@return boolean
local function knows(client, command)
  local provider = client.server_capabilities.executeCommandProvider or {}
  return vim.list_contains(provider.commands or {}, command)
end

--- Run a command of the server. An error is told to the user.
---@param client vim.lsp.Client
---@param command string
---@param argument table?
---@param on_result fun(result: any)?
---@param on_refused fun()?
function M.execute(client, command, argument, on_result, on_refused)
  last = client.id
  if not knows(client, command) then
    local version = (client.server_info or {}).version or 'of unknown version'
    M.tell(
      ('This roo-lsp (%s) has no %s: update it, `uv tool upgrade roo-lsp`.'):format(version, command),
      vim.log.levels.WARN
    )
    return
  end
  argument = next(argument or {}) and argument or vim.empty_dict()
  client:request('workspace/executeCommand', { command = command, arguments = { argument } }, function(err, result)
    if err then
      M.tell(err.message, vim.log.levels.ERROR)
      if on_refused then
        on_refused()
      end
    elseif on_result then
      on_result(result)
    end
  end)
end

--- The same, at the server for where the user is.
---@param command string
---@param argument table?
---@param on_result fun(result: any, client: vim.lsp.Client)?
---@param on_refused fun()?
function M.run(command, argument, on_result, on_refused)
  M.with(function(client)
    M.execute(client, command, argument, on_result and function(result)
      on_result(result, client)
    end, on_refused)
  end)
end

--- What a command answers at once, while the user waits for it: for completion. Nothing where no server runs.
---@param command string
---@param argument table?
---@return any
function M.ask(command, argument)
  local server = M.current()
  if not server or not knows(server, command) then
    return nil
  end
  local params = { command = command, arguments = { argument or vim.empty_dict() } }
  local answer = server:request_sync('workspace/executeCommand', params, COMPLETION_MS)
  return answer and answer.result
end

---@param buffer integer
local function attach(buffer)
  local config = vim.deepcopy(vim.lsp.config.roo)
  if type(config.root_dir) ~= 'function' then
    return vim.lsp.start(config, { bufnr = buffer })
  end
  config.root_dir(buffer, function(folder)
    config.root_dir = folder
    vim.lsp.start(config, { bufnr = buffer })
  end)
end

--- Neovim attaches by file type; this does it for a file that has none.
---@param buffer integer
function M.attach_untyped(buffer)
  if
    vim.lsp.is_enabled('roo')
    and vim.api.nvim_buf_is_loaded(buffer)
    and vim.bo[buffer].buftype == ''
    and vim.bo[buffer].filetype == ''
    and vim.api.nvim_buf_get_name(buffer) ~= ''
    and not vim.lsp.config.roo.filetypes
  then
    attach(buffer)
  end
end

--- A buffer that was opened for another server's sake is shown now.
---@param buffer integer
function M.attach_shown(buffer)
  if vim.b[buffer].roo_hidden then
    vim.b[buffer].roo_hidden = nil
    vim.bo[buffer].buflisted = true
    attach(buffer)
  end
end

--- Prepares what a running server needs. Its hints at what it changed are drawn by the review.
---@param client vim.lsp.Client
function M.attached(client)
  require('roo.commands') -- its code actions start tasks
  require('roo.highlights').define()
  if require('roo.config').current.review.inline then
    local quiet = { virtual_text = false, virtual_lines = false, signs = false, underline = false }
    vim.diagnostic.config(quiet, vim.lsp.diagnostic.get_namespace(client.id))
  end
end

--- Stop every server of ours and start them again for the buffers that are open.
function M.restart()
  local left = vim.lsp.get_clients({ name = 'roo' })
  for _, client in ipairs(left) do
    stopping[client.id] = true
  end
  vim.lsp.enable('roo', false)
  local function again()
    vim.lsp.enable('roo', true)
    M.with(function()
      M.tell('Roo runs again.')
    end)
  end
  local timer, waited = assert(vim.uv.new_timer()), 0
  timer:start(
    0,
    20,
    vim.schedule_wrap(function()
      if timer:is_closing() then
        return
      end
      waited = waited + 20
      local gone = vim.iter(left):all(function(client)
        return vim.lsp.get_client_by_id(client.id) == nil
      end)
      if not gone and waited > 2000 then
        for _, client in ipairs(left) do
          client:stop(true)
        end
      end
      if gone or waited > 4000 then
        timer:close()
        again()
      end
    end)
  )
end

return M
