--- The lines above the chat and above the prompt.
local M = {}

---@param text string
---@return string
local function escaped(text)
  return (text:gsub('%%', '%%%%'))
end

---@param number integer
---@return string
local function thousands(number)
  if number < 1000 then
    return tostring(number)
  end
  return (number < 100000 and '%.1fk' or '%.0fk'):format(number / 1000)
end

local STATES = {
  running = { '● working', 'RooRunning' },
  waiting = { '? your turn', 'RooWaiting' },
  idle = { '✓', 'RooDone' },
  failed = { '✗ failed', 'RooFailed' },
}

---@param task roo.Task
---@return string
local function facts(task)
  local parts, usage = {}, task.usage
  table.insert(parts, task.mode)
  if usage then
    table.insert(parts, ('%s/%s'):format(thousands(usage.used), thousands(usage.size)))
    local cost = type(usage.cost) == 'table' and usage.cost.amount or 0
    if cost > 0 then
      table.insert(parts, ('$%.2f'):format(cost))
    end
  end
  return table.concat(parts, ' · ')
end

---@param text string
---@param width integer columns
---@return string
local function fitted(text, width)
  while vim.fn.strdisplaywidth(text) > math.max(width, 1) do
    text = vim.fn.strcharpart(text, 0, vim.fn.strchars(text) - 2) .. '…'
  end
  return text
end

--- The line above the chat: what the task is about, and how it stands.
---@param task roo.Task?
---@param title string
---@param width integer columns
---@param waits boolean something in it waits for the user
---@return string
function M.chat(task, title, width, waits)
  if not task then
    return '%#RooTitle# Roo %#RooDim#· a new task%*'
  end
  local state = waits and STATES.waiting or STATES[task.state] or STATES.idle
  if task.at_work and task.at_work.tokens > 0 and state == STATES.running then
    state = { ('● %s tokens, %.1f/s'):format(thousands(task.at_work.tokens), task.at_work.tokensPerSecond), state[2] }
  end
  local right = facts(task)
  local left = fitted(title, width - #' Roo  ' - vim.fn.strdisplaywidth(right .. state[1]) - 4)
  return (' %%#RooTitle#Roo%%* %s%%=%%#RooDim#%s %%#%s#%s%%* '):format(
    escaped(left),
    escaped(right),
    state[2],
    state[1]
  )
end

--- The line above the prompt: as many of its keys as there is room for.
---@param width integer columns
---@return string
function M.prompt(width)
  local keys = require('roo.config').current.keys
  local hints, used = {}, #' You  '
  for _, each in ipairs({ { keys.send_insert, 'send' }, { keys.help, 'keys' }, { keys.cancel, 'stop' } }) do
    local needed = each[1] and #(' · ' .. each[1] .. ' ' .. each[2]) or 0
    if each[1] and used + needed <= width then
      used = used + needed
      table.insert(hints, ('%%#RooKey#%s%%#RooDim# %s'):format(each[1], each[2]))
    end
  end
  return ' %#RooUser#▌ You%*%= ' .. table.concat(hints, ' %#RooDim#· ') .. '%* '
end

return M
