--- A task's events as text of a buffer. Text is only ever put in where it belongs, never written anew.
local Block = require('roo.block')
local diff = require('roo.diff')
local paint = require('roo.paint')
local windows = require('roo.windows')

local HEADINGS = vim.api.nvim_create_namespace('roo.headings')
local UNITS = vim.api.nvim_create_namespace('roo.units')

local MOST = 200 -- lines of an open code block that are coloured again with each frame

local PENDING = { '○', 'RooDim' }
local RUNNING = { '●', 'RooRunning' }
local WAITING = { '?', 'RooWaiting' }
local DONE = { '✓', 'RooDone' }
local FAILED = { '✗', 'RooFailed' }
local STOPPED = { '■', 'RooWaiting' }
local NOTE = { '·', 'RooDim' }

-- Their effect is shown in another way; they are named only if they fail.
local QUIET = { attempt_completion = true, update_todo_list = true, ask_followup_question = true }

---@class roo.Transcript
---@field buffer integer
---@field title string the task's first words
---@field blocks table<integer, roo.Block> by mark
---@field calls table<string, roo.Block>
---@field quiet table<string, string> tool by call, of calls that are not shown
---@field questions table<string, roo.Block> open ones, by request
---@field entries table<string, table> open permissions, by request
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

-- --- events ------------------------------------------------------------------------------------

---@type table<string, fun(self: roo.Transcript, update: table, event: roo.Event)>
local draw = {}

function draw.user_message_chunk(self, update)
  self:_speak('you')
  local content = update.content
  if content.type ~= 'text' then
    return self:_text(('\n*%s*'):format(content.name or content.uri or 'a file'))
  end
  if self.title == '' then
    self.title = one_line(content.text)
  end
  if self.tail == 'text' then
    self:_begin('text')
  end
  self:_text(content.text)
end

function draw.agent_message_chunk(self, update)
  self:_speak('roo')
  self:_text(update.content.text or '')
end

function draw.agent_thought_chunk(self, update, event)
  local block = self.thought
  if not block then
    block = self:_block(RUNNING, 'Thinking')
    block.title_group, block.began = 'RooDim', event.ts
    self.thought = block
  end
  block:output(update.content.text or '', limit())
  local last = block.details[#block.details]
  block.suffix = { { '  ' .. vim.fn.strcharpart(last and last.text or '', 0, 60), 'RooHint' } }
  block.ended = event.ts
  self.dirty[block] = true
end

---@param block roo.Block
local function thought_over(block)
  local seconds = math.floor((block.ended or 0) - (block.began or 0) + 0.5)
  block.icon, block.icon_group = NOTE[1], NOTE[2]
  block.title = seconds > 0 and ('Thought for %d s'):format(seconds) or 'Thought'
  block.suffix = {}
end

function draw.tool_call(self, update)
  local tool = (update._meta or {}).tool or update.title
  if QUIET[tool] then
    self.quiet[update.toolCallId] = tool
    return
  end
  self.calls[update.toolCallId] = self:_block(PENDING, update.title)
end

function draw._tool_call_arguments(self, update)
  local block, meta = self.calls[update.toolCallId], update._meta or {}
  if not block then
    return
  end
  block.title = meta.title and one_line(meta.title) or block.title
  local size = update.bytes > 400 and ('%.1f KB'):format(update.bytes / 1000) or ''
  local count = (meta.lines or 0) > 0 and ('%d lines'):format(meta.lines) or size
  block.suffix = count ~= '' and { { '  ' .. count, 'RooDim' } } or {}
  self.dirty[block] = true
end

---@param block roo.Block
---@param update table
local function take_diff(block, update)
  local lines, added, removed = diff.of_content(update.content)
  if #lines == 0 then
    return
  end
  if #block.details == 0 then
    block.open = #lines <= require('roo.config').current.chat.open_diff_lines
  end
  block.details, block.is_diff = lines, true
  block.counts = { { ('  +%d'):format(added), 'RooAddSign' }, { (' -%d'):format(removed), 'RooDeleteSign' } }
end

---@param block roo.Block
---@param update table
local function take_output(block, update)
  local output = (update._meta or {}).output
  if output then
    block.live = true
    block:output(output, limit())
  elseif update.rawOutput and not block.live and not block.is_diff then
    block.details, block.partial = {}, false
    block:output(tostring(update.rawOutput), limit())
  end
end

---@param block roo.Block
---@param update table
---@return [string, string][]
local function outcome(block, update)
  local meta, suffix = update._meta or {}, vim.list_extend({}, block.counts or {})
  if block.denied then
    table.insert(suffix, { '  denied', 'RooFailed' })
  elseif update.status == 'failed' then
    local why = vim.split(tostring(update.rawOutput or ''), '\n')[1]
    table.insert(suffix, { '  ' .. why, 'RooFailed' })
  elseif update.status == 'in_progress' and block.live then
    local last = block.details[#block.details]
    table.insert(suffix, { '  ' .. vim.fn.strcharpart(last and last.text or '', 0, 60), 'RooHint' })
  elseif (meta.exitCode or 0) ~= 0 then
    table.insert(suffix, { ('  exit code %d'):format(meta.exitCode), 'RooFailed' })
  elseif meta.range and meta.range.truncated then
    table.insert(
      suffix,
      { ('  lines %d-%d of %d'):format(meta.range.startLine, meta.range.endLine, meta.range.totalLines), 'RooDim' }
    )
  end
  return suffix
end

local SIGNS = { pending = PENDING, in_progress = RUNNING, completed = DONE, failed = FAILED }

function draw.tool_call_update(self, update)
  local id = update.toolCallId
  local tool = self.quiet[id]
  if tool == 'attempt_completion' and update.status == 'completed' then
    self:_speak('roo')
    if self.tail == 'text' then
      self:_begin('text')
    end
    return self:_text(tostring(update.rawOutput or ''))
  elseif tool and update.status ~= 'failed' then
    return
  end
  local block = self.calls[id] or self:_block(PENDING, tool or 'tool')
  self.calls[id], self.quiet[id] = block, nil
  block.title = update.title and one_line(update.title) or block.title
  take_diff(block, update)
  take_output(block, update)
  block.suffix = outcome(block, update)
  if not (block.request and update.status == 'pending') then
    self:_sign(block, (update._meta or {}).exitCode and update._meta.exitCode ~= 0 and FAILED or SIGNS[update.status])
  end
end

---@param keys {[1]: string|false, [2]: string}[]
---@return roo.Line
local function key_line(keys)
  local parts = {}
  for _, each in ipairs(keys) do
    if each[1] then
      table.insert(parts, ('%s %s'):format(each[1], each[2]))
    end
  end
  return { text = table.concat(parts, '  ·  '), group = 'RooKey' }
end

--- What is asked, whole, and the keys that answer it here.
---@param entry table
---@param is_edit boolean its diff stands above
---@return roo.Line[]
local function question_lines(entry, is_edit)
  local keys, lines = require('roo.config').current.keys, {}
  local command = entry.toolCall and entry.toolCall.kind == 'execute'
  for index, line in ipairs(entry.detail or {}) do
    local repeats = line == entry.title or (is_edit and line:match('^%+%d+ %-%d+ lines$'))
    if not repeats then
      table.insert(
        lines,
        { text = windows.short(line), group = command and index == 1 and 'RooPayload' or 'RooOutput' }
      )
    end
  end
  table.insert(
    lines,
    key_line({
      { keys.approve, 'approve' },
      { keys.always, 'always' },
      { keys.deny, 'deny' },
      { keys.deny_because, 'deny because…' },
      { keys.details, 'details' },
    })
  )
  return lines
end

--- An open permission is shown below its call; its details may come before or after its event.
---@param entry table as in `roo.approval.list`
function Transcript:ask(entry)
  local block = self.entries[entry.requestId]
  if not block then
    return
  end
  block.footer = question_lines(entry, block.is_diff or false)
  self.dirty[block] = true
end

local OUTCOMES = {
  allow_once = '  approved',
  allow_always = '  approved, also from now on',
  reject_once = '  denied',
  reject_always = '  denied, also from now on',
}

function draw._permission(self, update)
  if not update.outcome then
    local block = update.toolCallId and self.calls[update.toolCallId] or self:_block(WAITING, update.title)
    block.request = update.requestId
    block.title = one_line(update.title)
    self.entries[update.requestId] = block
    self:_sign(block, WAITING)
    self:ask(require('roo.approvals').get(update.requestId) or update)
    return
  end
  local block = self.entries[update.requestId]
  if block then
    self.entries[update.requestId], block.request = nil, nil
    block.footer = {}
    local rejected = vim.startswith(update.outcome, 'reject')
    block.denied = rejected
    block.suffix = vim.list_extend(vim.list_extend({}, block.counts or {}), {
      { OUTCOMES[update.outcome] or '  withdrawn', rejected and 'RooFailed' or 'RooDim' },
    })
    self:_sign(block, rejected and FAILED or PENDING)
  end
end

function draw._question(self, update)
  if update.question then
    self:_speak('roo')
    if self.tail == 'text' then
      self:_begin('text')
    end
    self:_text(update.question)
    local block = self:_block(WAITING, 'Write your answer below')
    block.suggestions = update.suggestions or {}
    for index, suggestion in ipairs(block.suggestions) do
      if index > 9 then
        break
      end
      table.insert(block.footer, { text = ('%d  %s'):format(index, one_line(suggestion)), group = 'RooKey' })
    end
    block.title = #block.footer > 0 and 'Type a number here, or write your answer below' or block.title
    block.title_group, block.request = 'RooWaiting', update.requestId
    self.questions[update.requestId] = block
    return
  end
  local block = self.questions[update.requestId]
  if block then
    self.questions[update.requestId], block.request = nil, nil
    block.footer = {}
    block.title = update.answer and 'You answered: ' .. one_line(update.answer) or 'Withdrawn'
    block.title_group = 'RooDim'
    self:_sign(block, update.answer and DONE or NOTE)
  end
end

local BOXES = { completed = { '✓', 'RooDone' }, in_progress = { '●', 'RooRunning' }, pending = { '○', 'RooDim' } }

function draw.plan(self, update)
  local entries, done = update.entries or {}, 0
  local lines = {}
  for _, entry in ipairs(entries) do
    local box = BOXES[entry.status] or BOXES.pending
    done = done + (entry.status == 'completed' and 1 or 0)
    table.insert(lines, { text = ('%s %s'):format(box[1], one_line(entry.content)), group = box[2] })
  end
  self:settle()
  local block = self.plan
  local at_end = block and block:row() + block.shown == self:_last_row()
  if not at_end then
    if block then -- an older plan folds
      block.open = false
      self.dirty[block] = true
    end
    block = self:_block(NOTE, 'Plan')
    self.plan = block
  end
  block.details, block.open = lines, true
  block.suffix = { { ('  %d of %d'):format(done, #entries), 'RooDim' } }
  self:_sign(block, done == #entries and DONE or RUNNING)
end

function draw.current_mode_update(self, update)
  if self.mode and self.mode ~= update.currentModeId then
    self:_note(NOTE, 'Mode: ' .. update.currentModeId)
  end
  self.mode = update.currentModeId
end

function draw._retry(self, update)
  local wait = update.delay >= 1 and ('in %d s'):format(update.delay) or 'now'
  local which = update.attempt > 0 and ('Retry %d of %d %s'):format(update.attempt, update.attempts, wait)
    or ('Next request ' .. wait)
  self:_note({ '↻', 'RooWaiting' }, ('%s: %s'):format(which, update.reason), 'RooWaiting')
end

function draw._condensed(self, update)
  local what = update.kind == 'summary' and 'Condensed the conversation' or 'Left out the oldest messages'
  self:_note(NOTE, ('%s: %d → %d tokens'):format(what, update.before, update.after))
end

function draw._changes(self, update)
  if update.state then
    local name = vim.fn.fnamemodify(vim.uri_to_fname(update.uri), ':~:.')
    local verb = update.state == 'kept' and 'You kept' or 'You took back'
    self:_note(NOTE, ('%s a change of %s'):format(verb, name))
  end
end

local STOPS = {
  max_tokens = "Stopped: the model's output limit cut the answer off",
  max_turn_requests = 'Stopped at a limit you set',
  refusal = 'The model refused to answer',
  cancelled = 'Cancelled',
}

---@param seconds number
---@return string
local function duration(seconds)
  if seconds < 60 then
    return ('%d s'):format(math.max(1, math.floor(seconds + 0.5)))
  end
  return ('%d min %d s'):format(math.floor(seconds / 60), math.floor(seconds % 60))
end

--- Whatever was still going on when a turn ended does not go on.
---@param self roo.Transcript
local function settle_all(self)
  for _, block in pairs(self.calls) do
    if block.icon == RUNNING[1] or block.icon == PENDING[1] then
      self:_sign(block, STOPPED)
    end
  end
  self.calls = {}
end

function draw._state(self, update, event)
  if update.state == 'running' then
    self.began = self.began or event.ts
    return
  elseif update.state == 'waiting' then
    return
  end
  settle_all(self)
  local began = self.began or event.ts
  self.began = nil
  if update.error then
    local error = update.error
    local block = self:_block(FAILED, error.message)
    block.title_group, block.open = 'RooFailed', true
    block.details = error.hint and error.hint ~= '' and { { text = error.hint, group = 'RooPayload' } } or {}
  elseif update.stopReason == 'end_turn' then
    self:_note(DONE, 'Done in ' .. duration(event.ts - began))
  elseif update.stopReason then
    self:_note(STOPPED, STOPS[update.stopReason] or 'Failed', 'RooWaiting')
  end
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
    if thought and update.sessionUpdate ~= 'agent_thought_chunk' and draw[update.sessionUpdate] then
      thought_over(thought)
      self.thought, self.dirty[thought] = nil, true
    end
    local one = draw[update.sessionUpdate]
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
  self:_note(STOPPED, title, 'RooWaiting')
  self:settle()
end

return Transcript
