--- One short text for the status line: kept ready, so that drawing costs nothing.
local M = {}

local MAX = 50 -- characters

local text = ''
local said = {} ---@type table<integer, {line: string, running: boolean}> by client

---@param line string
---@return string
local function short(line)
  return vim.fn.strchars(line) <= MAX and line or vim.fn.strcharpart(line, 0, MAX - 1) .. '…'
end

---@return string
local function compose()
  local waiting = require('roo.approvals').waiting()
  if #waiting > 0 then
    return short(#waiting == 1 and ('Roo ? %s'):format(waiting[1].title) or ('Roo ? %d wait for you'):format(#waiting))
  end
  local ended = ''
  for _, each in pairs(said) do
    if each.running then
      return short(('Roo ● %s'):format(each.line))
    elseif each.line ~= '' then
      ended = short(('Roo %s'):format(each.line))
    end
  end
  return ended
end

--- Compose it again, and have it drawn if it is another.
function M.refresh()
  local now = compose()
  if now ~= text then
    text = now
    vim.g.roo_status = now
    vim.cmd.redrawstatus()
  end
end

---@param client_id integer
---@param value table a work-done progress value
function M.progress(client_id, value)
  local before = said[client_id] or { line = '', running = false }
  local running = value.kind == 'begin' or (value.kind == 'report' and before.running)
  said[client_id] = { line = value.message or before.line, running = running }
  M.refresh()
end

---@param client_id integer
function M.lost(client_id)
  said[client_id] = nil
  M.refresh()
end

--- The text: what runs, what waits for you, or how the last turn ended. Empty before the first one.
---@return string
function M.get()
  return text
end

return M
