--- What Roo changed, in the buffers: what it put in, what it took out, and keys to keep or revert each.
local client = require('roo.client')

local M = {}

local SPACE = vim.api.nvim_create_namespace('roo.review')
local LATER_MS = 80 -- changes that come close together are fetched once

---@class roo.Hunk
---@field id string
---@field task_id string
---@field client_id integer
---@field uri string
---@field range lsp.Range
---@field before string
---@field after string
---@field state 'pending'|'edited'|'kept'|'reverted'
---@field mark integer? where it is in its buffer

---@type table<string, roo.Hunk[]> open hunks by task
local by_task = {}
---@type table<string, integer> client by task
local clients = {}
---@type table<string, true> tasks that are being fetched or will be
local soon = {}
---@type table<integer, table<string, true>> keys that we put into a buffer, where they stay: without our
--- mapping `grv` is Vim's `gr{char}`, which writes a `v` over the text
local mapped = {}

-- --- drawing -----------------------------------------------------------------------------------

---@param text string
---@return string[]
local function lines_of(text)
  local lines = vim.split(text, '\n', { plain = true })
  if lines[#lines] == '' then
    table.remove(lines)
  end
  return lines
end

---@param uri string
---@return integer? buffer
local function buffer_of(uri)
  local path = vim.uri_to_fname(uri)
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buffer) and vim.api.nvim_buf_get_name(buffer) == path then
      return buffer
    end
  end
end

---@param buffer integer
---@return roo.Hunk[] in the order of the text
local function hunks_in(buffer)
  local found = {}
  for _, hunks in pairs(by_task) do
    for _, hunk in ipairs(hunks) do
      if buffer_of(hunk.uri) == buffer then
        table.insert(found, hunk)
      end
    end
  end
  table.sort(found, function(one, other)
    return one.range.start.line < other.range.start.line
  end)
  return found
end

---@param hunk roo.Hunk
---@param tabstop integer
---@return [string, string][][]
local function taken_out(hunk, tabstop)
  return vim.tbl_map(function(line)
    local text = line:gsub('\r$', ''):gsub('\t', (' '):rep(tabstop))
    return { { text .. (' '):rep(math.max(0, 200 - vim.fn.strdisplaywidth(text))), 'RooDelete' } }
  end, lines_of(hunk.before))
end

--- The line above a hunk: which one it is, and the keys for it.
---@param number integer
---@param count integer
---@param hunk roo.Hunk
---@return [string, string][]
local function hint(number, count, hunk)
  local keys = require('roo.config').current.review.keys
  local parts = { ('Roo %d/%d'):format(number, count) }
  if hunk.state == 'edited' then
    table.insert(parts, 'you edited it since')
  end
  for _, each in ipairs({ { keys.keep, 'keep' }, { keys.revert, 'revert' } }) do
    if each[1] then
      table.insert(parts, ('%s %s'):format(each[1], each[2]))
    end
  end
  return { { table.concat(parts, ' · '), 'RooHint' } }
end

--- What is drawn above the first line of a hunk.
---@param buffer integer
---@param hunk roo.Hunk
---@param number integer
---@param count integer
---@return [string, string][][]
local function lines_above(buffer, hunk, number, count)
  local lines = taken_out(hunk, vim.bo[buffer].tabstop)
  if require('roo.config').current.review.hints then
    table.insert(lines, 1, hint(number, count, hunk))
  end
  return lines
end

---@param buffer integer
---@param hunk roo.Hunk
---@param number integer
---@param count integer
local function draw_hunk(buffer, hunk, number, count)
  local last = vim.api.nvim_buf_line_count(buffer) - 1
  local start = hunk.range.start.line
  local added = #lines_of(hunk.after)
  local options = {
    virt_lines = lines_above(buffer, hunk, number, count),
    virt_lines_above = start <= last,
  }
  if added == 0 then
    options.sign_text, options.sign_hl_group = '▁', 'RooDeleteSign'
  end
  hunk.mark = vim.api.nvim_buf_set_extmark(buffer, SPACE, math.min(start, last), 0, options)
  for row = start, math.min(start + added, last + 1) - 1 do
    vim.api.nvim_buf_set_extmark(buffer, SPACE, row, 0, {
      line_hl_group = 'RooAdd',
      sign_text = '▎',
      sign_hl_group = 'RooAddSign',
      priority = 20,
    })
  end
end

--- Lines above the first one of a buffer are only seen if the window is told to show them.
---@param buffer integer
---@param hunk roo.Hunk
local function show_above_first(buffer, hunk)
  local height = #lines_above(buffer, hunk, 1, 1)
  if hunk.range.start.line > 0 or height == 0 then
    return
  end
  for _, window in ipairs(vim.fn.win_findbuf(buffer)) do
    vim.api.nvim_win_call(window, function()
      if vim.fn.line('w0') == 1 then
        vim.fn.winrestview({ topline = 1, topfill = height })
      end
    end)
  end
end

---@param buffer integer
---@param lhs string
---@return boolean
local function is_taken(buffer, lhs)
  return vim.api.nvim_buf_call(buffer, function()
    local found = vim.fn.maparg(lhs, 'n', false, true)
    return found.buffer == 1
  end)
end

---@param buffer integer
local function map(buffer)
  local own = mapped[buffer] or {}
  mapped[buffer] = own
  for action, lhs in pairs(require('roo.config').current.review.keys) do
    if lhs and not own[lhs] and not is_taken(buffer, lhs) then
      own[lhs] = true
      vim.keymap.set('n', lhs, function()
        M[action]()
      end, { buffer = buffer, desc = 'Roo: ' .. action:gsub('_', ' ') })
    end
  end
end

---@param buffer integer
local function draw(buffer)
  vim.api.nvim_buf_clear_namespace(buffer, SPACE, 0, -1)
  local hunks = hunks_in(buffer)
  if #hunks > 0 then
    map(buffer)
  end
  vim.b[buffer].roo_hunks = #hunks > 0 and #hunks or nil
  if not require('roo.config').current.review.inline then
    return
  end
  for number, hunk in ipairs(hunks) do
    draw_hunk(buffer, hunk, number, #hunks)
    show_above_first(buffer, hunk)
  end
end

--- Draw the hunks of a buffer that was just opened.
---@param buffer integer
function M.opened(buffer)
  if next(by_task) and vim.api.nvim_buf_is_loaded(buffer) then
    draw(buffer)
  end
end

-- --- fetching ----------------------------------------------------------------------------------

---@param files table[] as `roo.changes.list` gives them
---@param task_id string
---@param client_id integer
---@return roo.Hunk[]
local function open_ones(files, task_id, client_id)
  local found = {}
  for _, file in ipairs(files) do
    for _, hunk in ipairs(file.hunks) do
      if hunk.state == 'pending' or hunk.state == 'edited' then
        hunk.uri, hunk.task_id, hunk.client_id = file.uri, task_id, client_id
        table.insert(found, hunk)
      end
    end
  end
  return found
end

---@param hunks roo.Hunk[]
---@param buffers table<integer, true>
local function add_buffers(hunks, buffers)
  for _, hunk in ipairs(hunks) do
    local buffer = buffer_of(hunk.uri)
    if buffer then
      buffers[buffer] = true
    end
  end
end

---@param task_id string
---@param files table[]
local function take(task_id, files)
  local buffers = {}
  add_buffers(by_task[task_id] or {}, buffers)
  local hunks = open_ones(files, task_id, clients[task_id])
  by_task[task_id] = #hunks > 0 and hunks or nil
  add_buffers(hunks, buffers)
  for buffer in pairs(buffers) do
    draw(buffer)
  end
end

---@param task_id string
---@param on_done fun(hunks: roo.Hunk[])?
local function fetch(task_id, on_done)
  local server = vim.lsp.get_client_by_id(clients[task_id] or -1)
  if not server then
    return
  end
  client.execute(server, 'roo.changes.list', { taskId = task_id }, function(files)
    take(task_id, files)
    if on_done then
      on_done(by_task[task_id] or {})
    end
  end)
end

---@param client_id integer
---@param task_id string
local function fetch_soon(client_id, task_id)
  clients[task_id] = client_id
  if soon[task_id] then
    return
  end
  soon[task_id] = true
  vim.defer_fn(function()
    soon[task_id] = nil
    fetch(task_id)
  end, LATER_MS)
end

---@param client_id integer
---@param event roo.Event
function M.event(client_id, event)
  if event.update.sessionUpdate == '_changes' then
    fetch_soon(client_id, event.taskId)
  end
end

--- The server's hints follow what the user types; so do we.
---@param client_id integer
---@param uri string
function M.published(client_id, uri)
  local buffer = buffer_of(uri)
  if not buffer then
    return
  end
  local tasks = {}
  for _, hunk in ipairs(hunks_in(buffer)) do
    tasks[hunk.task_id] = true
  end
  local namespace = vim.lsp.diagnostic.get_namespace(client_id)
  for _, each in ipairs(vim.diagnostic.get(buffer, { namespace = namespace })) do
    local data = vim.tbl_get(each, 'user_data', 'lsp', 'data')
    if type(data) == 'table' and data.hunk and data.taskId then
      tasks[data.taskId] = true
    end
  end
  for task_id in pairs(tasks) do
    fetch_soon(client_id, task_id)
  end
end

--- A task is deleted.
---@param task_id string
function M.deleted(task_id)
  take(task_id, {})
  clients[task_id] = nil
end

-- --- what the user does ------------------------------------------------------------------------

---@param buffer integer
---@param hunk roo.Hunk
---@return integer first row, as the buffer is now
---@return integer last row
local function rows(buffer, hunk)
  local place = hunk.mark and vim.api.nvim_buf_get_extmark_by_id(buffer, SPACE, hunk.mark, {}) or {}
  local first = place[1] or math.min(hunk.range.start.line, vim.api.nvim_buf_line_count(buffer) - 1)
  return first, first + math.max(#lines_of(hunk.after), 1) - 1
end

---@return roo.Hunk?
local function here()
  local buffer, row = vim.api.nvim_get_current_buf(), vim.api.nvim_win_get_cursor(0)[1] - 1
  for _, hunk in ipairs(hunks_in(buffer)) do
    local first, last = rows(buffer, hunk)
    if row >= first and row <= last then
      return hunk
    end
  end
end

---@param step 1|-1
local function go(step)
  local buffer, row = vim.api.nvim_get_current_buf(), vim.api.nvim_win_get_cursor(0)[1] - 1
  local hunks = hunks_in(buffer)
  local places = vim.tbl_map(function(hunk)
    return (rows(buffer, hunk))
  end, hunks)
  if #places == 0 then
    return client.tell('Roo changed nothing here that you have not reviewed.')
  end
  local wanted = step > 0 and places[1] or places[#places]
  for index = step > 0 and #places or 1, step > 0 and 1 or #places, -step do
    if (places[index] - row) * step > 0 then
      wanted = places[index]
    end
  end
  vim.cmd("normal! m'")
  vim.api.nvim_win_set_cursor(0, { wanted + 1, 0 })
end

function M.next()
  go(1)
end

function M.previous()
  go(-1)
end

---@param command string
---@param hunk roo.Hunk
---@param argument table
local function settle(command, hunk, argument)
  local server = vim.lsp.get_client_by_id(hunk.client_id)
  if server then
    argument.taskId = hunk.task_id
    client.execute(server, command, argument, function()
      fetch_soon(hunk.client_id, hunk.task_id)
    end)
  end
end

---@param command string
---@param whole_file boolean
local function settle_here(command, whole_file)
  local first = hunks_in(vim.api.nvim_get_current_buf())[1]
  local hunk = here() or (whole_file and first or nil)
  if not hunk then
    local key = require('roo.config').current.review.keys.next
    local where = first and ('%s goes to the next one.'):format(key or ':Roo review') or 'All of this file is reviewed.'
    client.tell(('There is no change of Roo here. %s'):format(where))
    return
  end
  settle(command, hunk, { uri = hunk.uri, hunk = not whole_file and hunk.id or nil })
end

function M.keep()
  settle_here('roo.changes.keep', false)
end

function M.revert()
  settle_here('roo.changes.revert', false)
end

function M.keep_file()
  settle_here('roo.changes.keep', true)
end

function M.revert_file()
  settle_here('roo.changes.revert', true)
end

---@param hunk roo.Hunk
---@return table item of the quickfix list
local function item(hunk)
  local before, after = lines_of(hunk.before), lines_of(hunk.after)
  local text = vim.trim(after[1] or before[1] or '')
  return {
    filename = vim.uri_to_fname(hunk.uri),
    lnum = hunk.range.start.line + 1,
    text = ('+%d -%d  %s'):format(#after, #before, text),
    user_data = { task_id = hunk.task_id, hunk = hunk.id },
  }
end

--- Every change of a task that is left to review: a quickfix list, and the first of them.
---@param client_id integer
---@param task_id string
function M.list(client_id, task_id)
  clients[task_id] = client_id
  fetch(task_id, function(hunks)
    if #hunks == 0 then
      return client.tell('There is nothing left to review.')
    end
    require('roo.windows').leave()
    vim.fn.setqflist({}, ' ', { title = 'Roo: changes to review', items = vim.tbl_map(item, hunks) })
    vim.cmd('botright copen ' .. math.min(#hunks + 1, 8))
    vim.cmd('wincmd p')
    vim.cmd('cfirst')
  end)
end

--- Keep or revert all that a task changed.
---@param command 'roo.changes.keep'|'roo.changes.revert'
---@param client_id integer
---@param task_id string
function M.all(command, client_id, task_id)
  local server = vim.lsp.get_client_by_id(client_id)
  if server then
    client.execute(server, command, { taskId = task_id }, function()
      fetch_soon(client_id, task_id)
    end)
  end
end

return M
