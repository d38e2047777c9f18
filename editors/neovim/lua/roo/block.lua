--- A part of the chat that is one line, and opens to more: a tool call, a thought, a question.
local Block = {}
Block.__index = Block

local MARKS = vim.api.nvim_create_namespace('roo.blocks')
local COLOURS = vim.api.nvim_create_namespace('roo.colours')

-- As code is in Markdown: copied elsewhere, nothing is read into what a tool or its output says.
local INDENT = '    '
local BODY = '      '

---@class roo.Block
---@field buffer integer
---@field mark integer where its first line is
---@field icon string
---@field icon_group string
---@field title string
---@field title_group string
---@field suffix [string, string][] what stands behind the title, with its highlights
---@field details roo.Line[] what it opens to
---@field dropped integer how many details were left out before them
---@field footer roo.Line[] lines that are always there
---@field open boolean
---@field shown integer lines of the buffer below its first one that are its own
---@field written string its first line, as it is in the buffer
---@field task string? the task that it stands for
---@field partial boolean the last detail is not yet a whole line

---@param buffer integer
---@param row integer an empty line that becomes its first one
---@param icon [string, string] sign and highlight
---@param title string
---@return roo.Block
function Block.new(buffer, row, icon, title)
  local block = setmetatable({
    buffer = buffer,
    mark = vim.api.nvim_buf_set_extmark(buffer, MARKS, row, 0, {}),
    icon = icon[1],
    icon_group = icon[2],
    title = title,
    title_group = 'RooTool',
    suffix = {},
    details = {},
    dropped = 0,
    footer = {},
    open = false,
    shown = 0,
    written = '',
    partial = false,
  }, Block)
  return block
end

--- The mark of the block that a line of the buffer may belong to: the last that begins there or above.
---@param buffer integer
---@param row integer
---@return integer? mark
---@return integer? first its first line
function Block.mark_at(buffer, row)
  local found = vim.api.nvim_buf_get_extmarks(buffer, MARKS, { row, -1 }, 0, { limit = 1 })[1]
  if found then
    return found[1], found[2]
  end
end

---@return integer
function Block:row()
  return vim.api.nvim_buf_get_extmark_by_id(self.buffer, MARKS, self.mark, {})[1]
end

--- Add output, which may end within a line; of a lot only the end is kept.
---@param text string
---@param limit integer lines to keep
function Block:output(text, limit)
  local lines = vim.split(text, '\n', { plain = true })
  for index, line in ipairs(lines) do
    line = line:gsub('\r', '')
    if index == 1 and self.partial and #self.details > 0 then
      local last = self.details[#self.details]
      last.text = last.text .. line
    elseif index < #lines or line ~= '' then
      table.insert(self.details, { text = line, group = 'RooOutput' })
    end
  end
  self.partial = lines[#lines] ~= ''
  if #self.details > 2 * limit then
    local extra = #self.details - limit
    self.details = vim.list_slice(self.details, extra + 1)
    self.dropped = self.dropped + extra
  end
end

---@param limit integer
---@return roo.Line[]
function Block:body(limit)
  local lines = {}
  if self.open then
    local first = math.max(1, #self.details - limit + 1)
    local hidden = self.dropped + first - 1
    if hidden > 0 then
      table.insert(lines, { text = ('… %d lines before'):format(hidden), group = 'RooDim' })
    end
    vim.list_extend(lines, self.details, first)
  end
  return vim.list_extend(lines, self.footer)
end

function Block:_draw_first(row)
  local line = ('%s%s %s'):format(INDENT, self.icon, self.title)
  if line ~= self.written then
    -- From behind the mark on: a replaced line would take the mark with it.
    local end_column = #self.written
    local from = math.min(#INDENT, end_column)
    vim.api.nvim_buf_set_text(self.buffer, row, from, row, end_column, { line:sub(from + 1) })
    self.written = line
  end
  vim.api.nvim_buf_clear_namespace(self.buffer, COLOURS, row, row + 1)
  local title_at = #INDENT + #self.icon + 1
  vim.api.nvim_buf_set_extmark(
    self.buffer,
    COLOURS,
    row,
    #INDENT,
    { end_col = title_at, hl_group = self.icon_group, priority = 200 }
  )
  vim.api.nvim_buf_set_extmark(self.buffer, COLOURS, row, title_at, {
    end_col = #line,
    hl_group = self.title_group,
    priority = 200,
    virt_text = self:_virtual(),
    virt_text_pos = 'eol',
    hl_mode = 'combine',
  })
end

---@return [string, string][]
function Block:_virtual()
  local virtual = vim.list_extend({}, self.suffix)
  if #self.details > 0 and not self.open then
    local count = #self.details + self.dropped
    table.insert(virtual, { (' ▸ %d line%s'):format(count, count == 1 and '' or 's'), 'RooHint' })
  end
  return virtual
end

function Block:_draw_body(row, limit)
  local body = self:body(limit)
  if #body == 0 and self.shown == 0 then
    return
  end
  vim.api.nvim_buf_clear_namespace(self.buffer, COLOURS, row + 1, row + 1 + self.shown)
  local texts = vim.tbl_map(function(line)
    return BODY .. line.text
  end, body)
  vim.api.nvim_buf_set_lines(self.buffer, row + 1, row + 1 + self.shown, false, texts)
  self.shown = #body
  for index, line in ipairs(body) do
    if line.group then
      local options = { end_col = #texts[index], hl_group = line.group, priority = 200 }
      vim.api.nvim_buf_set_extmark(self.buffer, COLOURS, row + index, #BODY, options)
      if line.whole then
        vim.api.nvim_buf_set_extmark(self.buffer, COLOURS, row + index, 0, { line_hl_group = line.group })
      end
    end
  end
end

--- Bring the buffer in line with the block.
---@param limit integer lines of details to show
function Block:draw(limit)
  local row = self:row()
  self:_draw_first(row)
  self:_draw_body(row, limit)
end

return Block
