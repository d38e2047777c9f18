--- Roo: a coding agent that is a language server. `:help roo`
local M = {}

--- Set what is not to be as it is by default. Not needed otherwise.
---@param options roo.Config|table|nil see `:help roo-settings`
function M.setup(options)
  require('roo.config').set(options)
  vim.lsp.config('roo', {}) -- what Neovim read of us before is read again
end

--- Start a task.
---@param prompt string
---@param options {mode: string?, profile: string?, context: table[]?, images: string[]?}? as `roo.task.start` takes it
function M.start(prompt, options)
  require('roo.chat').start(prompt, options)
end

--- Send a message to the task that was last active.
---@param text string
function M.send(text)
  require('roo.commands').run({ args = 'send ' .. text, range = 0 })
end

--- Run any command of the server: `roo.request('roo.status', {}, function(result) … end)`.
---@param command string
---@param argument table?
---@param on_result fun(result: any)?
function M.request(command, argument, on_result)
  require('roo.client').run(command, argument, on_result)
end

--- For the status line: what runs, what waits for you, or how the last turn ended. Costs nothing.
---@return string
function M.statusline()
  return require('roo.statusline').get()
end

return M
