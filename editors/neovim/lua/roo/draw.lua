--- How each event of a task is drawn: a function for each kind, given the transcript it goes into.
local diff = require('roo.diff')
local windows = require('roo.windows')

local PENDING = { '○', 'RooDim' }
local RUNNING = { '●', 'RooRunning' }
local WAITING = { '?', 'RooWaiting' }
local DONE = { '✓', 'RooDone' }
local FAILED = { '✗', 'RooFailed' }
local STOPPED = { '■', 'RooWaiting' }
local NOTE = { '·', 'RooDim' }

---@return integer
local function limit()
  return require('roo.config').current.chat.lines_shown
end

---@param text string
---@return string
local function one_line(text)
  return vim.trim((text:gsub('%s+', ' ')))
end

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
  -- Its effect is shown in another way; it is named only if it fails.
  if (update._meta or {}).quiet then
    self.quiet[update.toolCallId] = (update._meta or {}).tool or update.title
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
  if (update._meta or {}).answer then
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
      { require('roo.keys').offers_always(entry) and keys.always, 'always' },
      { keys.deny, 'deny' },
      { keys.deny_because, 'deny because…' },
      { keys.details, 'details' },
    })
  )
  return lines
end

--- What is asked is known whole now: its lines below its call.
---@param self roo.Transcript
---@param entry table as in `roo.approval.list`
local function ask(self, entry)
  local block = self.entries[entry.requestId]
  if not block then -- it belongs to no call
    block = self:_block(WAITING, entry.title)
    block.request = entry.requestId
    self.entries[entry.requestId] = block
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

---@param self roo.Transcript
---@param request_id string
---@param outcome string?
local function answered(self, request_id, outcome)
  local block = self.entries[request_id]
  if block then
    self.entries[request_id], block.request = nil, nil
    block.footer = {}
    local rejected = outcome ~= nil and vim.startswith(outcome, 'reject')
    block.denied = rejected
    block.suffix = vim.list_extend(vim.list_extend({}, block.counts or {}), {
      { OUTCOMES[outcome] or '  withdrawn', rejected and 'RooFailed' or 'RooDim' },
    })
    self:_sign(block, rejected and FAILED or PENDING)
  end
end

function draw._permission(self, update)
  if not update.outcome then
    local block = update.toolCallId and self.calls[update.toolCallId] or self:_block(WAITING, update.title)
    block.request = update.requestId
    block.title = one_line(update.title)
    self.entries[update.requestId] = block
    self:_sign(block, WAITING)
    ask(self, require('roo.approvals').get(update.requestId) or update)
    return
  end
  answered(self, update.requestId, update.outcome)
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

local SETTLED = {
  delivered = '  told',
  removed = '  taken back',
  returned = '  not sent: it is in the prompt again',
}

function draw._queued(self, update)
  local block = self.queued[update.messageId]
  if not block then
    block = self:_block(NOTE, '')
    self.queued[update.messageId] = block
  end
  block.title = update.text and 'Next: ' .. one_line(update.text) or block.title
  block.title_group = 'RooDim'
  block.suffix = update.state and { { SETTLED[update.state], 'RooHint' } } or {}
  self.dirty[block] = true
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

local PARTS = { running = RUNNING, waiting = WAITING, idle = DONE, failed = FAILED }

--- A subtask is one line that says how it is; its own chat, which opens from there, has the rest.
function draw._subtask(self, update)
  self.parts = self.parts or {}
  local block = self.parts[update.taskId]
  if not block then
    block = self:_block(RUNNING, 'Subtask: ' .. one_line(update.title))
    block.task = update.taskId
    self.parts[update.taskId] = block
  end
  block.suffix = update.state == 'waiting' and { { '  waits for you', 'RooWaiting' } } or {}
  self:_sign(block, PARTS[update.state] or NOTE)
end

function draw._condensed(self, update)
  local what = update.kind == 'summary' and 'Condensed the conversation' or 'Left out the oldest messages'
  self:_note(NOTE, ('%s: %d → %d tokens'):format(what, update.before, update.after))
end

function draw._rewound(self)
  self:_note(NOTE, 'Went back to an earlier place: what was said since is taken back')
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
  if self.plan then -- it is of the turn that has ended
    self.plan.open = false
    self.dirty[self.plan] = true
    self.plan = nil
  end
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

return { events = draw, ask = ask, answered = answered, thought_over = thought_over, STOPPED = STOPPED }
