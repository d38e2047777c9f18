--- `:checkhealth roo`
local M = {}

local health = vim.health

local function check_neovim()
  if vim.fn.has('nvim-0.11') == 1 then
    health.ok(('Neovim %s'):format(tostring(vim.version())))
  else
    health.error('Neovim is older than 0.11', 'Update Neovim.')
  end
end

---@return boolean
local function check_program()
  local cmd = vim.lsp.config.roo.cmd
  if type(cmd) == 'function' then
    health.ok('The server is started by a function of yours.')
    return true
  end
  if vim.fn.executable(cmd[1]) == 0 then
    health.error(('`%s` is not there.'):format(cmd[1]), {
      ('Install it: `%s`'):format(require('roo.client').INSTALL),
      'Or name it: `require("roo").setup({ cmd = { "/path/to/roo-lsp" } })`',
    })
    return false
  end
  local run = vim.system({ cmd[1], '--version' }, { text = true }):wait(10000)
  if run.code == 0 then
    health.ok(('`%s`: %s'):format(vim.fn.exepath(cmd[1]), vim.trim(run.stdout)))
  else
    health.error(('`%s --version` failed: %s'):format(cmd[1], vim.trim(run.stderr or '')))
  end
  return run.code == 0
end

local function check_settings()
  local problems = require('roo.config').problems
  for _, problem in ipairs(problems) do
    health.warn(problem, 'See `:help roo-settings`.')
  end
  if #problems == 0 then
    health.ok('The settings of the plugin are right.')
  end
  if not vim.lsp.is_enabled('roo') then
    health.warn('The server is not enabled.', "`vim.lsp.enable('roo')`")
  end
end

---@param client vim.lsp.Client
local function check_status(client)
  local params = { command = 'roo.status', arguments = { vim.empty_dict() } }
  local answer = client:request_sync('workspace/executeCommand', params, 5000)
  if not answer or answer.err then
    health.error('The server does not answer.', '`:Roo log` says why, `:Roo restart` starts it again.')
    return
  end
  local status = answer.result
  health.ok(('It answers: version %s, %d tasks open.'):format(status.version, #status.tasks))
  for _, problem in ipairs(status.settingsProblems) do
    health.warn(('Setting %s: %s'):format(problem.path, problem.problem))
  end
  local where = (status.provider or {}).baseUrl
  health.info(('Endpoint: %s'):format(where and where ~= '' and where or 'looked for on this machine'))
  health.info(('Model: %s'):format(status.model ~= '' and status.model or 'the only one that is served'))
  health.info('`:Roo test` asks the endpoint whether a task can run.')
end

local function check_server()
  local clients = vim.lsp.get_clients({ name = 'roo' })
  if #clients == 0 then
    health.warn('The server does not run here.', 'Open a file, or `:Roo`.')
  end
  for _, client in ipairs(clients) do
    local count = vim.tbl_count(client.attached_buffers)
    health.ok(('It runs in %s, with %d buffers.'):format(client.root_dir or vim.fn.getcwd(), count))
    check_status(client)
  end
end

local function check_markdown()
  for _, language in ipairs({ 'markdown', 'markdown_inline' }) do
    if vim.treesitter.language.add(language) then
      health.ok(('The chat has colours: parser `%s`'):format(language))
    else
      health.warn(
        ('No tree-sitter parser `%s`: the chat has fewer colours.'):format(language),
        'Neovim brings it; a package may leave it out.'
      )
    end
  end
end

local function check_others()
  local names = {}
  for _, client in ipairs(vim.lsp.get_clients()) do
    if client.name ~= 'roo' then
      names[client.name] = true
    end
  end
  local list = vim.tbl_keys(names)
  table.sort(list)
  if #list == 0 then
    health.info('No other language server runs: Roo searches for definitions and references as text.')
  else
    health.ok(('Roo can ask your other servers: %s'):format(table.concat(list, ', ')))
  end
end

function M.check()
  health.start('roo: this editor')
  check_neovim()
  check_settings()
  check_markdown()
  health.start('roo: the server')
  if check_program() then
    check_server()
  end
  health.start('roo: other language servers')
  check_others()
end

return M
