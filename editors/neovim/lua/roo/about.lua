--- What is to be known of Roo itself: how it is set, whether its endpoint works, what it logged.
local client = require('roo.client')
local pick = require('roo.pick')
local windows = require('roo.windows')

local M = {}

local SIGNS = { running = '●', waiting = '?', idle = '✓', failed = '✗' }

---@param status table
---@return roo.Line[]
local function status_lines(status)
  local provider = status.provider or {}
  local lines = {
    { text = ('roo-lsp %s'):format(status.version), group = 'RooTitle' },
    { text = ('workspace  %s'):format(table.concat(status.workspace, ', ')) },
    { text = ('endpoint   %s'):format(provider.baseUrl ~= '' and provider.baseUrl or 'looked for on this machine') },
    { text = ('model      %s'):format(status.model ~= '' and status.model or 'the only one that is served') },
    { text = ('mode       %s'):format(status.mode) },
  }
  for _, task in ipairs(status.tasks) do
    table.insert(lines, { text = ('%s %s'):format(SIGNS[task.state] or ' ', task.title) })
  end
  for _, entry in ipairs(status.pending) do
    table.insert(lines, { text = ('? %s'):format(entry.title), group = 'RooWaiting' })
  end
  for _, problem in ipairs(status.settingsProblems) do
    table.insert(lines, { text = ('%s: %s'):format(problem.path, problem.problem), group = 'RooFailed' })
  end
  return lines
end

function M.status()
  client.run('roo.status', nil, function(status)
    windows.popup('Roo', status_lines(status))
  end)
end

local CHECKS = { ok = { '✓', 'RooDone' }, failed = { '✗', 'RooFailed' }, skipped = { '○', 'RooDim' } }

---@param report table
---@return roo.Line[]
local function report_lines(report)
  local lines = {}
  for _, check in ipairs(report.checks or {}) do
    local sign = CHECKS[check.status] or CHECKS.skipped
    table.insert(lines, { text = ('%s %-12s %s'):format(sign[1], check.name, check.message or ''), group = sign[2] })
    if check.hint and check.hint ~= '' then
      table.insert(lines, { text = ('  %s'):format(check.hint) })
    end
  end
  return lines
end

function M.test()
  client.tell('Roo tests the endpoint…')
  client.run('roo.provider.test', { wait = true }, function(report)
    windows.popup(report.ok and 'A task can run' or 'A task cannot run yet', report_lines(report))
  end)
end

--- The endpoint's models: the one that is picked is asked from the next request on, as long as Neovim runs.
function M.models()
  pick.from('roo.provider.models', nil, {
    prompt = 'Model',
    kind = 'roo_model',
    none = 'The endpoint lists no models.',
    items = function(result)
      return result.models
    end,
  }, function(model, server)
    local settings = { roo = { provider = { modelId = model } } }
    server.settings = vim.tbl_deep_extend('force', server.settings or {}, settings)
    server:notify('workspace/didChangeConfiguration', { settings = server.settings })
    client.tell(('Roo asks %s now. To keep it: settings.provider.modelId in setup().'):format(model))
  end)
end

function M.log()
  windows.leave()
  vim.cmd.split(vim.fn.fnameescape(vim.lsp.log.get_filename()))
  vim.cmd('normal! G')
end

return M
