--- A task's events as text of a buffer. Text is only ever put in where it belongs, never written anew.
local Block = require('roo.block')
local draw = require('roo.draw')
local paint = require('roo.paint')

local HEADINGS = vim.api.nvim_create_namespace('roo.headings')
local UNITS = vim.api.nvim_create_namespace('roo.units')

local MOST = 200 -- lines of an open code block that are coloured again with each frame

---@class roo.Transcript
---@field buffer integer
---@field title string the task's first words
---@field blocks table<integer, roo.Block> by mark
---@field calls table<string, roo.Block>
---@field quiet table<string, string> tool by call, of calls that are not shown
---@field questions table<string, roo.Block> open ones, by request
---@field entries table<string, table> open permissions, by request
---@field queued table<string, roo.Block> what was said and not told yet, by message
---@field dirty table<roo.Block, true>
---@field speaker 'you'|'roo'|nil
---@field tail 'heading'|'text'|'block'|nil what the buffer ends with
---@field fenced boolean a code fence of the text at the end is open
---@field line_start string the last line of that text, so far
---@field unit integer? mark where the text begins whose colours may still change
---@field thought roo.Block?
---@field plan roo.Block?
---@field mode string?
---@field began number? when the turn began
local Transcript = {}
Transcript.__index = Transcript

---@param buffer integer
---@return roo.Transcript
function Transcript.new(buffer)
  return setmetatable({
    buffer = buffer,
    title = '',
    blocks = {},
    calls = {},
    quiet = {},
    questions = {},
    entries = {},
    queued = {},
    dirty = {},
    fenced = false,
    line_start = '',
  }, Transcript)
end

---@return integer
local function limit()
  return require('roo.config').current.chat.lines_shown
end

---@param text string
---@return string
local function one_line(text)
  return vim.trim((text:gsub('%s+', ' ')))
end

---@param text string
---@return string[]
local function lines_of(text)
  return vim.split((text:gsub('\r\n?', '\n')), '\n', { plain = true })
end

-- --- the end of the buffer ---------------------------------------------------------------------

---@return string
function Transcript:_last_line()
  return vim.api.nvim_buf_get_lines(self.buffer, -2, -1, false)[1]
end

---@return integer row of the last line
function Transcript:_last_row()
  return vim.api.nvim_buf_line_count(self.buffer) - 1
end

--- What was said is over: a code fence that was left open is closed, so that it ends there.
function Transcript:_end_text()
  if self.tail == 'text' then
    if self.fenced then
      vim.api.nvim_buf_set_lines(self.buffer, -1, -1, false, { '```' })
    end
    self:_paint(true)
  end
  self.fenced, self.line_start = false, ''
end

---@param line string
---@return boolean
local function is_fence(line)
  return line:match('^%s*```') ~= nil or line:match('^%s*~~~') ~= nil
end

--- How many of these lines cannot change their colours any more: up to the last empty one outside of code.
---@param lines string[]
---@return integer
local function settled(lines)
  local fenced, count = false, 0
  for index, line in ipairs(lines) do
    if is_fence(line) then
      fenced = not fenced
    elseif line == '' and not fenced and index < #lines then
      count = index
    end
  end
  return count
end

--- Colour the text at the end.
---@param whole boolean whether it is complete
function Transcript:_paint(whole)
  if not self.unit then
    return
  end
  local first, last = vim.api.nvim_buf_get_extmark_by_id(self.buffer, UNITS, self.unit, {})[1], self:_last_row()
  if whole or last - first <= MOST or not self.fenced then
    paint.paint(self.buffer, first, last)
  end
  if whole then
    vim.api.nvim_buf_del_extmark(self.buffer, UNITS, self.unit)
    self.unit = nil
    return
  end
  local done = settled(vim.api.nvim_buf_get_lines(self.buffer, first, last + 1, false))
  if done > 0 then
    vim.api.nvim_buf_set_extmark(self.buffer, UNITS, first + done, 0, { id = self.unit, right_gravity = false })
  end
end

--- A new, empty line at the end for something of this kind, apart from what is of another kind.
---@param kind 'heading'|'text'|'block'
---@return integer row
function Transcript:_begin(kind)
  if self.tail then
    local close = self.tail == 'block' and kind == 'block'
    self:settle()
    self:_end_text()
    local lines = (close or self:_last_line() == '') and { '' } or { '', '' }
    vim.api.nvim_buf_set_lines(self.buffer, -1, -1, false, lines)
  end
  self.tail = kind
  self.thought = nil
  return self:_last_row()
end

--- The heading of who speaks from here on.
---@param who 'you'|'roo'
function Transcript:_speak(who)
  if self.speaker == who then
    return
  end
  local row = self:_begin('heading')
  local you = who == 'you'
  vim.api.nvim_buf_set_lines(self.buffer, row, row + 1, false, { you and '## You' or '## Roo' })
  self.speaker = who
  vim.api.nvim_buf_set_extmark(self.buffer, HEADINGS, row, 0, {
    virt_text = { { you and '▌ You ' or '▌ Roo ', you and 'RooUser' or 'RooAgent' } },
    virt_text_pos = 'overlay',
    priority = 300,
  })
end

--- Markdown at the very end.
---@param text string
function Transcript:_text(text)
  text = text:gsub('\r\n?', '\n')
  if self.tail ~= 'text' then
    text = text:gsub('^%s*\n', '')
    if text == '' then
      return
    end
    self:_begin('text')
  end
  local row, lines = self:_last_row(), lines_of(text)
  local column = #self:_last_line()
  self.unit = self.unit or vim.api.nvim_buf_set_extmark(self.buffer, UNITS, row, 0, { right_gravity = false })
  vim.api.nvim_buf_set_text(self.buffer, row, column, row, column, lines)
  for index, line in ipairs(lines) do
    self.line_start = index == 1 and self.line_start .. line or line
    if index < #lines and is_fence(self.line_start) then
      self.fenced = not self.fenced
    end
  end
end

--- One line that may open to more.
---@param icon [string, string]
---@param title string
---@return roo.Block
function Transcript:_block(icon, title)
  self:_speak('roo')
  local row = self:_begin('block')
  local block = Block.new(self.buffer, row, icon, one_line(title))
  self.blocks[block.mark] = block
  self.dirty[block] = true
  return block
end

---@param icon [string, string]
---@param title string
---@param group string?
function Transcript:_note(icon, title, group)
  self:_block(icon, title).title_group = group or 'RooDim'
end

---@param block roo.Block
---@param icon [string, string]
function Transcript:_sign(block, icon)
  block.icon, block.icon_group = icon[1], icon[2]
  self.dirty[block] = true
end

-- --- for the view ------------------------------------------------------------------------------

--- Neighbouring deltas of the same text as one event.
---@param events roo.Event[]
---@return roo.Event[]
local function merged(events)
  local found, texts, kind = {}, nil, nil
  local function close()
    if texts then
      local last = texts.event
      local update = { sessionUpdate = kind, content = { type = 'text', text = table.concat(texts.parts) } }
      table.insert(found, { taskId = last.taskId, seq = last.seq, ts = last.ts, update = update })
      texts = nil
    end
  end
  for _, event in ipairs(events) do
    local update = event.update
    local is_text = update.sessionUpdate == 'agent_message_chunk' or update.sessionUpdate == 'agent_thought_chunk'
    if not is_text then
      close()
      table.insert(found, event)
    else
      if not texts or kind ~= update.sessionUpdate then
        close()
        texts, kind = { parts = {} }, update.sessionUpdate
      end
      table.insert(texts.parts, update.content.text or '')
      texts.event = event
    end
  end
  close()
  return found
end

--- Put these events in, in their order. The buffer has to be modifiable.
---@param events roo.Event[]
function Transcript:take(events)
  for _, event in ipairs(merged(events)) do
    local update = event.update
    local thought = self.thought
    if thought and update.sessionUpdate ~= 'agent_thought_chunk' and draw.events[update.sessionUpdate] then
      draw.thought_over(thought)
      self.thought, self.dirty[thought] = nil, true
    end
    local one = draw.events[update.sessionUpdate]
    if one then
      one(self, update, event)
    end
  end
  self:settle()
  self:_paint(false)
end

--- Draw the blocks that changed.
function Transcript:settle()
  for block in pairs(self.dirty) do
    block:draw(limit())
  end
  self.dirty = {}
end

--- The block that a line belongs to.
---@param row integer from 0
---@return roo.Block?
function Transcript:block_at(row)
  local mark, first = Block.mark_at(self.buffer, row)
  local block = mark and self.blocks[mark]
  if block and row <= first + block.shown then
    return block
  end
end

--- An open permission is shown below its call; its details may come before or after its event.
---@param entry table as in `roo.approval.list`
function Transcript:ask(entry)
  draw.ask(self, entry)
end

--- What was asked is settled.
---@param request_id string
---@param outcome string?
function Transcript:answered(request_id, outcome)
  draw.answered(self, request_id, outcome)
end

--- Open or close a block.
---@param block roo.Block
---@param open boolean
function Transcript:fold(block, open)
  if block.open ~= open and #block.details > 0 then
    block.open = open
    block:draw(limit())
  end
end

--- Words of ours that are no event.
---@param title string
function Transcript:notice(title)
  self:_note(draw.STOPPED, title, 'RooWaiting')
  self:settle()
end

return Transcript
