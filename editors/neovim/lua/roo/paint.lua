--- Colours of Markdown, put in once for each piece of text.
---
--- Neovim's own highlighter follows a whole buffer: in a chat of some thousand lines every delta then
--- costs tens of milliseconds. What was said does not change any more, so only its end is ever read again.
local M = {}

local SPACE = vim.api.nvim_create_namespace('roo.markdown')

---@type boolean? whether there are parsers
local able = nil

---@return boolean
local function can()
  if able == nil then
    able = vim.treesitter.language.add('markdown') == true and vim.treesitter.language.add('markdown_inline') == true
  end
  return able
end

---@param buffer integer
---@param first integer row of the text in the buffer
---@param node TSNode
---@param options table
local function mark(buffer, first, node, options)
  local row, column, end_row, end_column = node:range()
  options.end_row, options.end_col, options.strict = first + end_row, end_column, false
  pcall(vim.api.nvim_buf_set_extmark, buffer, SPACE, first + row, column, options)
end

---@param buffer integer
---@param first integer
---@param text string
---@param tree TSTree
---@param language string
local function paint_tree(buffer, first, text, tree, language)
  local query = vim.treesitter.query.get(language, 'highlights')
  if not query then
    return
  end
  for id, node, metadata in query:iter_captures(tree:root(), text) do
    local name, own = query.captures[id], metadata[id] or {}
    if not vim.startswith(name, '_') and name ~= 'spell' and name ~= 'nospell' then
      mark(buffer, first, node, {
        hl_group = ('@%s.%s'):format(name, language),
        priority = tonumber(metadata.priority or own.priority) or 100,
        conceal = own.conceal or metadata.conceal,
        conceal_lines = own.conceal_lines or metadata.conceal_lines,
      })
    end
  end
end

--- Colour these lines, which are Markdown by themselves.
---@param buffer integer
---@param first integer
---@param last integer
function M.paint(buffer, first, last)
  if not can() then
    return
  end
  local lines = vim.api.nvim_buf_get_lines(buffer, first, last + 1, false)
  local text = table.concat(lines, '\n') .. '\n'
  vim.api.nvim_buf_clear_namespace(buffer, SPACE, first, last + 1)
  local parser = vim.treesitter.get_string_parser(text, 'markdown')
  parser:parse(true)
  parser:for_each_tree(function(tree, part)
    paint_tree(buffer, first, text, tree, part:lang())
  end)
end

return M
