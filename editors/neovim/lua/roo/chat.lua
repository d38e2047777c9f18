--- The chat: a window with what was said and done, and one below it to write in.
---
--- They are two buffers, so that what streams in never gets into the undo of what you write.
local Transcript = require('roo.render')
local bars = require('roo.bars')
local client = require('roo.client')
local events = require('roo.events')
local windows = require('roo.windows')

local M = {}

local FRAME_MS = 25 -- what comes within one frame is drawn at once
local PAGE = 2000 -- events of one replay
local PROMPT_LINES = 3

---@class roo.View
---@field task_id string? nil before the first message
---@field client_id integer?
---@field buffer integer
---@field prompt integer the buffer to write in
---@field transcript roo.Transcript
---@field seq integer number of the last event drawn or queued
---@field queue roo.Event[]
---@field scheduled boolean
---@field catching_up boolean
---@field behind boolean events came while it was catching up

---@type table<string, roo.View> by task
local by_task = {}
---@type table<integer, roo.View> by buffer, of both kinds
local by_buffer = {}
---@type integer
local count = 0
---@type {mode: string?, profile: string?} for the next task
M.next = {}

---@param view roo.View
local function task_of(view)
  return view.task_id and events.tasks[view.task_id] or nil
end

-- --- drawing -----------------------------------------------------------------------------------

---@param view roo.View
local function draw_bars(view)
  for _, window in ipairs(vim.fn.win_findbuf(view.buffer)) do
    local waits = next(view.transcript.entries) ~= nil
    local bar = bars.chat(task_of(view), view.transcript.title, vim.api.nvim_win_get_width(window), waits)
    if vim.wo[window].winbar ~= bar then
      vim.wo[window][0].winbar = bar
    end
  end
end

--- Change the chat's text; a window whose cursor is at the end stays there, another is left alone.
---@param view roo.View
---@param change fun()
local function edit(view, change)
  if not vim.api.nvim_buf_is_valid(view.buffer) then
    return
  end
  local following = windows.following(view.buffer)
  vim.bo[view.buffer].modifiable = true
  local ok, problem = xpcall(change, debug.traceback)
  vim.bo[view.buffer].modifiable = false
  vim.bo[view.buffer].modified = false
  windows.follow(following, view.buffer)
  draw_bars(view)
  if not ok then
    error(problem, 0)
  end
end

---@param view roo.View
local function flush(view)
  view.scheduled = false
  local queue = view.queue
  view.queue = {}
  if #queue > 0 then
    edit(view, function()
      view.transcript:take(queue)
    end)
  end
end

---@param view roo.View
local function schedule(view)
  if not view.scheduled then
    view.scheduled = true
    vim.defer_fn(function()
      flush(view)
    end, FRAME_MS)
  end
end

---@param view roo.View
local catch_up

---@param view roo.View
---@param event roo.Event
local function queue(view, event)
  if event.seq == view.seq + 1 then
    view.seq = event.seq
    table.insert(view.queue, event)
    schedule(view)
  elseif event.seq > view.seq then
    catch_up(view)
  end
end

catch_up = function(view)
  if view.catching_up then
    view.behind = true
    return
  end
  local server = vim.lsp.get_client_by_id(view.client_id or -1)
  if not server then
    return
  end
  view.catching_up, view.behind = true, false
  local argument = { taskId = view.task_id, sinceSeq = view.seq, limit = PAGE }
  client.execute(server, 'roo.task.replay', argument, function(result)
    view.catching_up = false
    local task = events.task(view.client_id, view.task_id)
    for _, event in ipairs(result.events) do
      events.note(task, event.update)
      if event.seq > view.seq then
        view.seq = event.seq
        table.insert(view.queue, event)
      end
    end
    flush(view)
    if view.behind or #result.events == PAGE then
      catch_up(view)
    end
  end, function()
    view.catching_up = false
  end)
end

-- --- buffers -----------------------------------------------------------------------------------

---@param name string
---@param filetype string
---@return integer
local function scratch(name, filetype)
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(buffer, name)
  vim.bo[buffer].bufhidden = 'hide'
  vim.bo[buffer].swapfile = false
  vim.bo[buffer].filetype = filetype
  return buffer
end

---@param view roo.View
local function forget(view)
  by_buffer[view.buffer], by_buffer[view.prompt] = nil, nil
  if view.task_id and by_task[view.task_id] == view then
    by_task[view.task_id] = nil
  end
  for _, buffer in ipairs({ view.buffer, view.prompt }) do
    vim.schedule(function()
      pcall(vim.api.nvim_buf_delete, buffer, { force = true })
    end)
  end
end

---@return roo.View
local function new_view()
  require('roo.highlights').define()
  count = count + 1
  local buffer = scratch(('roo://chat/%d'):format(count), 'roo')
  local prompt = scratch(('roo://prompt/%d'):format(count), 'markdown')
  vim.bo[buffer].undolevels = -1
  vim.bo[buffer].modifiable = false
  local view = {
    buffer = buffer,
    prompt = prompt,
    transcript = Transcript.new(buffer),
    seq = 0,
    queue = {},
    scheduled = false,
    catching_up = false,
    behind = false,
  }
  by_buffer[buffer], by_buffer[prompt] = view, view
  require('roo.keys').chat(view)
  require('roo.prompt').set_up(prompt)
  vim.api.nvim_create_autocmd('BufWipeout', {
    buffer = buffer,
    callback = function()
      forget(view)
    end,
  })
  return view
end

---@param view roo.View
---@param client_id integer
---@param task_id string
local function belongs_to(view, client_id, task_id)
  view.task_id, view.client_id = task_id, client_id
  by_task[task_id] = view
  for _, buffer in ipairs({ view.buffer, view.prompt }) do
    vim.b[buffer].roo_client = client_id
    vim.b[buffer].roo_task = task_id
  end
end

-- --- windows -----------------------------------------------------------------------------------

---@param window integer
---@param role 'chat'|'prompt'
local function dress(window, role)
  vim.w[window].roo = role
  local options = {
    number = false,
    relativenumber = false,
    signcolumn = 'no',
    foldcolumn = '0',
    foldenable = false,
    spell = false,
    list = false,
    wrap = true,
    linebreak = true,
    breakindent = true,
    cursorline = false,
    colorcolumn = '',
    conceallevel = 2,
    concealcursor = role == 'chat' and 'nc' or '',
    winfixwidth = true,
    winfixheight = role == 'prompt',
    statusline = '%#WinSeparator#%{repeat("─", winwidth(0))}',
  }
  for name, value in pairs(options) do
    vim.wo[window][0][name] = value
  end
  vim.wo[window].winfixbuf = true
end

---@param window integer
---@param buffer integer
local function show_in(window, buffer)
  if vim.api.nvim_win_get_buf(window) ~= buffer then
    vim.wo[window].winfixbuf = false
    vim.api.nvim_win_set_buf(window, buffer)
  end
end

---@param view roo.View
local function show(view)
  local chat = windows.find('chat')
  if chat then
    show_in(chat, view.buffer)
  else
    chat = windows.open_chat(view.buffer)
    windows.follow({ chat }, view.buffer)
  end
  dress(chat, 'chat')
  local prompt = windows.find('prompt')
  if prompt then
    show_in(prompt, view.prompt)
  else
    prompt = windows.open_below(chat, view.prompt, PROMPT_LINES)
  end
  dress(prompt, 'prompt')
  vim.wo[prompt][0].winbar = bars.prompt(vim.api.nvim_win_get_width(prompt))
  draw_bars(view)
  for _, entry in ipairs(require('roo.approvals').waiting()) do
    M.ask(entry)
  end
  require('roo.approvals').refresh()
end

--- Close the chat of this tab page.
function M.close()
  for _, role in ipairs({ 'prompt', 'chat' }) do
    local window = windows.find(role)
    if window then
      pcall(vim.api.nvim_win_close, window, true)
    end
  end
  require('roo.approvals').refresh()
end

local function go_to_prompt()
  local prompt = windows.find('prompt')
  if prompt then
    vim.api.nvim_set_current_win(prompt)
  end
end

--- Whether a window of this tab page shows the task.
---@param task_id string?
---@return boolean
function M.is_shown(task_id)
  local view = task_id and by_task[task_id]
  return view ~= nil
    and vim.iter(vim.api.nvim_tabpage_list_wins(0)):any(function(window)
      return vim.api.nvim_win_get_buf(window) == view.buffer
    end)
end

--- Whether something that waits is drawn in a chat of this tab page: in its task's, or, where it belongs to
--- no task, in the one that is open.
---@param entry roo.Entry
---@return boolean
function M.shows(entry)
  if entry.taskId then
    return M.is_shown(entry.taskId)
  end
  local chat = windows.find('chat')
  local view = chat and by_buffer[vim.api.nvim_win_get_buf(chat)]
  return view ~= nil and view.transcript.entries[entry.requestId] ~= nil
end

--- What a task is about, in a few words.
---@param task_id string?
---@return string?
function M.title(task_id)
  local view = task_id and by_task[task_id]
  local title = view and view.transcript.title or ''
  return title ~= '' and vim.fn.strcharpart(title, 0, 40) or nil
end

---@return boolean whether any chat is open in this tab page
function M.is_open()
  return windows.find('chat') ~= nil
end

-- --- what the user does ------------------------------------------------------------------------

--- The view that the current window, or the chat of this tab page, shows.
---@return roo.View?
function M.current()
  local here = by_buffer[vim.api.nvim_get_current_buf()]
  local chat = windows.find('chat')
  return here or (chat and by_buffer[vim.api.nvim_win_get_buf(chat)]) or nil
end

--- Show a task's chat.
---@param client_id integer
---@param task_id string
---@param focus boolean
function M.open_task(client_id, task_id, focus)
  local view = by_task[task_id]
  if not view then
    view = new_view()
    belongs_to(view, client_id, task_id)
    catch_up(view)
  elseif view.client_id ~= client_id then -- it goes on in another server
    belongs_to(view, client_id, task_id)
  end
  show(view)
  if focus then
    go_to_prompt()
  end
end

--- Put a text into the prompt that is shown, in the place of what is there.
---@param text string
function M.write(text)
  local view = M.current()
  if view then
    vim.api.nvim_buf_set_lines(view.prompt, 0, -1, false, vim.split(text, '\n', { plain = true }))
  end
end

--- Show the chat: the one that is open, else the latest task's, else an empty one.
function M.open()
  if not M.is_open() then
    local latest = events.latest
    local task = latest and events.tasks[latest]
    if task then
      return M.open_task(task.client_id, latest, true)
    end
    show(new_view())
  end
  go_to_prompt()
end

--- An empty chat: what is sent from it starts a task.
function M.new()
  show(new_view())
  go_to_prompt()
end

---@param view roo.View
---@param text string
---@param extra table? more arguments of `roo.task.start`
---@param on_refused fun()?
local function start(view, text, extra, on_refused)
  local chosen = M.next
  local argument = vim.tbl_extend('force', chosen, extra or {}, { prompt = text })
  argument.context = require('roo.focus').with(argument.context)
  M.next = {}
  client.run('roo.task.start', argument, function(result, server)
    local task_id = result.taskId
    if type(task_id) ~= 'string' then -- it was a command, and is done
      M.next = chosen
      return
    end
    local early = by_task[task_id]
    if early and early ~= view then
      forget(early)
    end
    belongs_to(view, server.id, task_id)
    catch_up(view)
  end, on_refused)
end

--- Start a task. Its chat is shown, unless the user does not want that; the cursor stays where it is.
---@param prompt string
---@param extra table?
function M.start(prompt, extra)
  local here = M.current()
  local view = here and not here.task_id and here or new_view()
  if require('roo.config').current.chat.open_on_start or M.is_open() then
    show(view)
  end
  start(view, prompt, extra)
end

--- What was said and not sent is the user's again: above what they write now.
---@param view roo.View
---@param text string
local function give_back(view, text)
  if vim.api.nvim_buf_is_valid(view.prompt) then
    vim.api.nvim_buf_set_lines(view.prompt, 0, 0, false, vim.split(text, '\n', { plain = true }))
  end
end

--- Send what is written in the prompt. Where the server refuses it, it is there again.
---@param view roo.View
function M.send(view)
  local lines = vim.api.nvim_buf_get_lines(view.prompt, 0, -1, false)
  local text = vim.trim(table.concat(lines, '\n'))
  if text == '' then
    return
  end
  vim.api.nvim_buf_set_lines(view.prompt, 0, -1, false, { '' })
  require('roo.prompt').forget(view.prompt)
  windows.follow(vim.fn.win_findbuf(view.buffer), view.buffer)
  local function on_refused()
    give_back(view, table.concat(lines, '\n'))
  end
  if view.task_id then
    M.say(view.task_id, view.client_id, text, on_refused)
  else
    start(view, text, nil, on_refused)
  end
end

--- Say something in a task.
---@param task_id string
---@param client_id integer
---@param text string
---@param on_refused fun()?
function M.say(task_id, client_id, text, on_refused)
  local argument = { taskId = task_id, text = text, context = require('roo.focus').with() }
  local server = vim.lsp.get_client_by_id(client_id)
  if server and not server:is_stopped() then
    return client.execute(server, 'roo.task.send', argument, function(result)
      if type(result.taskId) ~= 'string' then -- `/new`, and nothing said in it yet
        M.new()
      elseif result.taskId ~= task_id then
        M.open_task(client_id, result.taskId, true)
      end
    end, on_refused)
  end
  client.run('roo.task.send', argument, function(_, other)
    local view = by_task[task_id]
    if view then
      belongs_to(view, other.id, task_id)
      catch_up(view)
    end
  end, on_refused)
end

--- Stop the turn of a chat.
---@param view roo.View
function M.cancel(view)
  local server = vim.lsp.get_client_by_id(view.client_id or -1)
  if server then
    client.execute(server, 'roo.task.cancel', { taskId = view.task_id })
  end
end

---@param view roo.View
---@return roo.Block?
function M.block_at_cursor(view)
  return view.transcript:block_at(vim.api.nvim_win_get_cursor(0)[1] - 1)
end

--- Open or close the block at the cursor; nil: the other way round. That of a subtask opens its chat.
---@param view roo.View
---@param open boolean?
function M.fold(view, open)
  local block = M.block_at_cursor(view)
  if block and block.task and view.client_id and open ~= false then
    M.open_task(view.client_id, block.task, false)
  elseif block then
    edit(view, function()
      view.transcript:fold(block, open == nil and not block.open or open == true)
    end)
  end
end

--- Open or close every block.
---@param view roo.View
---@param open boolean
function M.fold_all(view, open)
  edit(view, function()
    for _, block in pairs(view.transcript.blocks) do
      view.transcript:fold(block, open)
    end
  end)
end

--- Answer the open question with one of its suggestions.
---@param view roo.View
---@param number integer
---@return boolean whether there is one
function M.suggest(view, number)
  for request, block in pairs(view.transcript.questions) do
    local suggestion = block.suggestions[number]
    local server = vim.lsp.get_client_by_id(view.client_id or -1)
    if suggestion and server then
      client.execute(server, 'roo.question.answer', { requestId = request, answer = suggestion })
      return true
    end
  end
  return false
end

---@param view roo.View
---@return boolean
function M.has_question(view)
  return next(view.transcript.questions) ~= nil
end

-- --- what the server does ----------------------------------------------------------------------

---@param client_id integer
---@param event roo.Event
function M.event(client_id, event)
  local view = by_task[event.taskId]
  if view then
    view.client_id = client_id
    queue(view, event)
    if event.update.sessionUpdate == '_queued' and event.update.state == 'returned' then
      give_back(view, event.update.text)
    end
  end
end

--- The chat that something stands in that belongs to this task, or to none.
---@param task_id string?
---@return roo.View?
local function view_for(task_id)
  local chat = windows.find('chat')
  return task_id and by_task[task_id] or (not task_id and chat and by_buffer[vim.api.nvim_win_get_buf(chat)]) or nil
end

--- What is asked is known whole. A call's question comes as an event of its task, and is drawn there; others,
--- such as where a key may go, are no events.
---@param entry table as in `roo.approval.list`
function M.ask(entry)
  local view = view_for(entry.taskId)
  local is_event = entry.kind ~= 'trust'
  if view and (not is_event or view.transcript.entries[entry.requestId]) then
    edit(view, function()
      view.transcript:ask(entry)
      view.transcript:settle()
    end)
  end
end

--- What was asked is settled, here or elsewhere.
---@param entry roo.Entry
---@param outcome string?
function M.settled(entry, outcome)
  for _, view in pairs(by_buffer) do
    if entry.kind == 'trust' and view.transcript.entries[entry.requestId] then
      edit(view, function()
        view.transcript:answered(entry.requestId, outcome)
        view.transcript:settle()
      end)
    end
  end
end

---@param client_id integer
function M.lost(client_id)
  for _, view in pairs(by_task) do
    local task = task_of(view)
    if view.client_id == client_id and task and task.state == 'failed' then
      flush(view)
      edit(view, function()
        view.transcript:notice('Roo ended. Send a message to go on.')
      end)
    end
  end
end

--- As if no chat had been opened yet.
function M.forget_all()
  for _, view in pairs(by_task) do
    forget(view)
  end
end

--- A task is deleted.
---@param task_id string
function M.deleted(task_id)
  local view = by_task[task_id]
  events.tasks[task_id] = nil
  if events.latest == task_id then
    events.latest = nil
  end
  if view then
    if M.is_shown(task_id) then
      show(new_view())
    end
    forget(view)
  end
end

vim.api.nvim_create_autocmd('WinResized', {
  group = vim.api.nvim_create_augroup('roo.chat.bars', {}),
  callback = function()
    for _, view in pairs(by_task) do
      draw_bars(view)
    end
    local prompt = windows.find('prompt')
    if prompt then
      vim.wo[prompt][0].winbar = bars.prompt(vim.api.nvim_win_get_width(prompt))
    end
  end,
})

local group = vim.api.nvim_create_augroup('roo.chat', {})

-- Chat and prompt are one thing: who closes one closes both. And there is always a window for files.
vim.api.nvim_create_autocmd('WinClosed', {
  group = group,
  callback = function(event)
    local role = windows.role(tonumber(event.match) --[[@as integer]])
    local is_own = role == 'chat' or role == 'prompt'
    vim.schedule(is_own and M.close or windows.keep_one_for_files)
  end,
})

-- Who quits the last window for files means to quit.
vim.api.nvim_create_autocmd('QuitPre', {
  group = group,
  callback = function()
    if windows.is_last_for_files() then
      M.close()
    end
  end,
})

return M
