--- What the server tells of its tasks, and who hears it here.
local M = {}

---@class roo.Event the `roo` object of interface section 5
---@field v integer
---@field taskId string
---@field seq integer
---@field ts number
---@field update table

---@class roo.Task what is known of a task without its chat
---@field id string
---@field client_id integer
---@field state 'running'|'waiting'|'idle'|'failed'
---@field mode string?
---@field usage table? the last `usage_update`
---@field plan table[]?
---@field parent string? the task that it is a part of
---@field at_work table? the `_at_work` of a model that has said nothing since

---@type table<string, roo.Task>
M.tasks = {}
---@type string? the task that last did something, and is no part of another
M.latest = nil

---@param client_id integer
---@param id string
---@return roo.Task
function M.task(client_id, id)
  local task = M.tasks[id]
  if not task then
    task = { id = id, client_id = client_id, state = 'idle' }
    M.tasks[id] = task
  end
  task.client_id = client_id
  return task
end

---@param task roo.Task
---@param update table
function M.note(task, update)
  local kind = update.sessionUpdate
  task.at_work = kind == '_at_work' and update or nil
  if kind == '_state' then
    task.state = update.state
  elseif kind == 'current_mode_update' then
    task.mode = update.currentModeId
  elseif kind == 'usage_update' then
    task.usage = update
  elseif kind == 'plan' then
    task.plan = update.entries
  end
end

---@param client_id integer
---@param roo roo.Event
local function tell_autocommands(client_id, roo)
  vim.api.nvim_exec_autocmds('User', {
    pattern = 'RooEvent',
    modeline = false,
    data = { client_id = client_id, roo = roo },
  })
end

--- One event, as the server sent it.
---@param client_id integer
---@param roo roo.Event
function M.receive(client_id, roo)
  local task = M.task(client_id, roo.taskId)
  if type(roo.update._meta) == 'table' and roo.update._meta.parentTaskId then
    task.parent = roo.update._meta.parentTaskId
  end
  if not task.parent then
    M.latest = roo.taskId
  end
  M.note(task, roo.update)
  require('roo.approvals').event(client_id, roo)
  require('roo.chat').event(client_id, roo)
  require('roo.review').event(client_id, roo)
  tell_autocommands(client_id, roo)
end

--- A server ended: what it ran does not run any more.
---@param client_id integer
function M.lost(client_id)
  for _, task in pairs(M.tasks) do
    if task.client_id == client_id and (task.state == 'running' or task.state == 'waiting') then
      task.state = 'failed'
    end
  end
  require('roo.approvals').lost(client_id)
  require('roo.chat').lost(client_id)
  require('roo.statusline').lost(client_id)
end

return M
