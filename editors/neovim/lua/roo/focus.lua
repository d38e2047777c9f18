--- Where the user is in their code, for the server: `context` of a message, with `focus`.
local M = {}

---@param buffer integer
---@return boolean
local function is_code(buffer)
  local name = vim.api.nvim_buf_get_name(buffer)
  return vim.bo[buffer].buftype == '' and name ~= '' and not vim.endswith(name, '.roo.md')
end

--- The window they are in, or were in before they went to the chat.
---@return integer?
local function window()
  local current = vim.api.nvim_get_current_win()
  if is_code(vim.api.nvim_win_get_buf(current)) then
    return current
  end
  local found, newest = nil, -1
  for _, each in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    local buffer = vim.api.nvim_win_get_buf(each)
    local used = vim.fn.getbufinfo(buffer)[1].lastused
    if is_code(buffer) and used > newest then
      found, newest = each, used
    end
  end
  return found
end

--- The lines that are selected there, or the cursor's, counted from 0.
---@param there integer
---@return integer first, integer? last
local function lines(there)
  local cursor = vim.api.nvim_win_get_cursor(there)[1] - 1
  if there == vim.api.nvim_get_current_win() and vim.fn.mode():find('^[vV\22]') then
    local other = vim.fn.line('v') - 1
    return math.min(cursor, other), math.max(cursor, other)
  end
  return cursor, nil
end

--- These entries of `context`, and where the user is.
---@param context table[]?
---@return table[]?
function M.with(context)
  local there = window()
  if not there then
    return context
  end
  local first, last = lines(there)
  local start = { line = first, character = 0 }
  local place = {
    uri = vim.uri_from_bufnr(vim.api.nvim_win_get_buf(there)),
    focus = true,
    range = { start = start, ['end'] = last and { line = last + 1, character = 0 } or start },
  }
  return vim.list_extend({ place }, context or {})
end

return M
