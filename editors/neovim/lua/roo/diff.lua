--- Changes as lines to show.
local M = {}

---@class roo.Line
---@field text string
---@field group string? its highlight
---@field whole boolean? the highlight goes to the edge of the window

---@param old string
---@param new string
---@return roo.Line[] lines
---@return integer added
---@return integer removed
function M.lines(old, new)
  local text = vim.diff(old, new, { ctxlen = 2, algorithm = 'histogram' }) --[[@as string]]
  local lines, added, removed = {}, 0, 0
  for _, line in ipairs(vim.split(text, '\n', { plain = true, trimempty = true })) do
    local sign = line:sub(1, 1)
    if sign == '@' then
      local at = line:match('%+(%d+)') or '1'
      table.insert(lines, { text = ('line %s'):format(at), group = 'RooDim' })
    elseif sign == '+' then
      added = added + 1
      table.insert(lines, { text = line, group = 'RooAdd', whole = true })
    elseif sign == '-' then
      removed = removed + 1
      table.insert(lines, { text = line, group = 'RooDelete', whole = true })
    elseif sign ~= '\\' then
      table.insert(lines, { text = line, group = 'RooOutput' })
    end
  end
  return lines, added, removed
end

--- Every diff in the content of a tool call.
---@param content table[]?
---@return roo.Line[] lines
---@return integer added
---@return integer removed
function M.of_content(content)
  local all, added, removed, files = {}, 0, 0, 0
  for _, each in ipairs(content or {}) do
    if each.type == 'diff' then
      local lines, more, less = M.lines(each.oldText or '', each.newText or '')
      files = files + 1
      if files > 1 then
        table.insert(all, { text = vim.fn.fnamemodify(each.path, ':~:.'), group = 'RooTitle' })
      end
      vim.list_extend(all, lines)
      added, removed = added + more, removed + less
    end
  end
  return all, added, removed
end

return M
