--- What waits for the user: shown where it disturbs nothing, answered when the user wants to.
---
--- Nothing here takes the cursor or a key by itself. An entry shows in its task's chat; while that is
--- not on the screen, in a small float that cannot be entered; or, if the user wants it so, as `vim.ui.select`.
local client = require('roo.client')
local windows = require('roo.windows')

local M = {}

local UNHEARD_MS = 300 -- after this the list is asked for an entry that only its event told of

---@class roo.Entry as in `roo.approval.list`
---@field requestId string
---@field taskId string?
---@field kind 'permission'|'trust'|'question'
---@field title string
---@field detail string[]
---@field toolCall table?
---@field options {optionId: string, name: string, kind: string}[]
---@field suggestions string[]?
---@field client_id integer
---@field reply fun(answer: table?)? answers the server's own request, while that is open
---@field selecting boolean? a `vim.ui.select` was opened for it

---@type roo.Entry[] the oldest first
local pending = {}
---@type table<string, table[]> contents of calls that may be asked about, by call
local contents = {}
local float = {} ---@type {window: integer?, buffer: integer?}

---@return roo.Entry[]
function M.waiting()
  return pending
end

---@param request_id string
---@return roo.Entry?
function M.get(request_id)
  return vim.iter(pending):find(function(entry)
    return entry.requestId == request_id
  end)
end

-- --- showing -----------------------------------------------------------------------------------

---@return boolean whether there is room for a float
local function has_room()
  return windows.right_of_files() >= 50 and vim.o.lines >= 14
end

---@return 'float'|'select'|'none'
local function way()
  local wanted = require('roo.config').current.approvals.without_chat
  return wanted == 'float' and not has_room() and 'select' or wanted
end

--- Whether the agent's questions are shown by us, so that their dialog need not.
---@return boolean
function M.shows_questions()
  return way() ~= 'select' or require('roo.chat').is_open()
end

--- How a person does this from a file: by their own key, if there is one.
---@param plug string
---@param command string
---@return string
local function way_to(plug, command)
  for _, map in ipairs(vim.api.nvim_get_keymap('n')) do
    if map.rhs == ('<Plug>(%s)'):format(plug) then
      return map.lhs:gsub('^ ', '<Space>')
    end
  end
  return command
end

---@param entry roo.Entry
---@return roo.Line
local function ways_line(entry)
  if entry.kind == 'question' then
    return { text = ':Roo send {answer}  ·  :Roo opens the chat', group = 'RooKey' }
  end
  local ways = {
    way_to('RooApprove', ':Roo approve'),
    way_to('RooDeny', ':Roo deny'),
    way_to('RooDetails', ':Roo details'),
  }
  return { text = table.concat(ways, '  ·  '), group = 'RooKey' }
end

---@param text string
---@param width integer columns
---@return string[]
local function wrapped(text, width)
  local lines, line, used, blank = {}, {}, 0, nil
  for _, character in ipairs(vim.fn.split(text, '\\zs')) do
    local columns = vim.fn.strdisplaywidth(character, used)
    if used + columns > width and #line > 0 then
      local rest = blank and vim.list_slice(line, blank + 1) or {}
      table.insert(lines, table.concat(line, '', 1, blank and blank - 1 or #line))
      line, blank = rest, nil
      used = vim.fn.strdisplaywidth(table.concat(line))
    end
    table.insert(line, character)
    used = used + columns
    blank = character == ' ' and #line > 1 and #line or blank
  end
  return vim.list_extend(lines, { table.concat(line) })
end

--- The change that an entry is about.
---@param entry roo.Entry
---@return roo.Line[]
local function change(entry)
  return (require('roo.diff').of_content(contents[(entry.toolCall or {}).toolCallId]))
end

--- All that is to be known about an entry, payload first.
---@param entry roo.Entry
---@param width integer
---@return roo.Line[]
local function payload(entry, width)
  local lines = vim.list_extend({}, change(entry))
  local command, is_edit = (entry.toolCall or {}).kind == 'execute', #lines > 0
  for index, text in ipairs(entry.detail or {}) do
    local repeats = text == entry.title or (is_edit and text:match('^%+%d+ %-%d+ lines$'))
    for _, piece in ipairs(repeats and {} or wrapped(windows.short(text), width)) do
      table.insert(lines, { text = piece, group = command and index == 1 and 'RooPayload' or 'RooOutput' })
    end
  end
  for index, suggestion in ipairs(entry.suggestions or {}) do
    table.insert(lines, { text = ('%d  %s'):format(index, (suggestion:gsub('%s+', ' '))), group = 'RooKey' })
  end
  return lines
end

local function close_float()
  if float.window and vim.api.nvim_win_is_valid(float.window) then
    pcall(vim.api.nvim_win_close, float.window, true)
  end
  float = {}
end

---@param entry roo.Entry
---@param more integer how many wait besides
local function open_float(entry, more)
  close_float()
  local most = require('roo.config').current.approvals.float_lines
  local width = math.min(72, windows.right_of_files() - 8)
  local title = { text = ('? %s'):format((entry.title:gsub('%s+', ' '))), group = 'RooWaiting' }
  local lines = { title }
  local detail = payload(entry, width - 2)
  local room = math.min(most, vim.o.lines - 8) - 2
  vim.list_extend(lines, detail, 1, math.min(#detail, room))
  if #detail > room then
    table.insert(lines, {
      text = ('… %d more lines: %s'):format(#detail - room, way_to('RooDetails', ':Roo details')),
      group = 'RooDim',
    })
  end
  table.insert(lines, ways_line(entry))
  local widest = 0
  for _, line in ipairs(lines) do
    widest = math.max(widest, vim.fn.strdisplaywidth(line.text) + 2)
  end
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.bo[buffer].bufhidden = 'wipe'
  windows.write(buffer, lines)
  local status = vim.o.laststatus > 0 and 1 or 0
  local options = {
    relative = 'editor',
    anchor = 'SE',
    row = vim.o.lines - vim.o.cmdheight - status,
    col = windows.right_of_files(),
    width = math.min(widest, width),
    height = #lines,
    style = 'minimal',
    border = 'rounded',
    title = more > 0 and (' Roo asks, and %d more '):format(more) or ' Roo asks ',
    focusable = false,
    noautocmd = true,
    zindex = 60,
  }
  local window = vim.api.nvim_open_win(buffer, false, options)
  vim.w[window].roo = 'waiting'
  vim.wo[window].wrap = false
  vim.wo[window].winhighlight = 'FloatBorder:RooWaiting,FloatTitle:RooWaiting'
  float = { window = window, buffer = buffer }
end

---@param entry roo.Entry
local function open_select(entry)
  entry.selecting = true
  if entry.kind == 'question' then
    return -- Neovim shows the server's dialog
  end
  local text = table.concat(vim.list_extend({ ('Roo: %s?'):format(entry.title) }, entry.detail or {}), '\n')
  local items = { { name = 'Details…' } }
  vim.list_extend(items, entry.options)
  vim.ui.select(items, {
    prompt = text,
    kind = 'roo_approval',
    format_item = function(item)
      return item.name
    end,
  }, function(item)
    if item and item.optionId then
      M.decide(entry, item.optionId)
    elseif item then
      M.details(entry)
    end
  end)
end

--- Show what waits where it is to be shown now.
function M.refresh()
  local chat = require('roo.chat')
  local hidden = vim.tbl_filter(function(entry)
    return not chat.shows(entry)
  end, pending)
  local how = way()
  if how == 'float' and hidden[1] then
    open_float(hidden[1], #hidden - 1)
  else
    close_float()
  end
  if how == 'select' and hidden[1] and not hidden[1].selecting then
    open_select(hidden[1])
  end
  require('roo.statusline').refresh()
end

-- --- coming and going --------------------------------------------------------------------------

---@param entry roo.Entry
local function add(entry)
  local known = M.get(entry.requestId)
  if known then
    for name, value in pairs(entry) do
      known[name] = value
    end
    entry = known
  else
    table.insert(pending, entry)
  end
  vim.schedule(function()
    if M.get(entry.requestId) then
      require('roo.chat').ask(entry)
      M.refresh()
    end
  end)
end

---@param request_id string
---@param outcome string? how it was settled, where that is known
local function drop(request_id, outcome)
  local entry = M.get(request_id)
  if entry then
    vim.schedule(function()
      require('roo.chat').settled(entry, outcome)
    end)
    pending = vim.tbl_filter(function(each)
      return each ~= entry
    end, pending)
    if entry.reply then
      entry.reply(nil)
    end
    vim.schedule(M.refresh)
  end
end

--- `roo/requestPermission`: answered when the user has decided, or when it was settled elsewhere.
---@param client_id integer
---@param params table
---@return any
function M.requested(client_id, params)
  local thread, open = coroutine.running(), true
  local entry = vim.tbl_extend('force', params, { client_id = client_id })
  entry.reply = function(answer)
    if open then
      open = false
      vim.schedule(function()
        coroutine.resume(thread, answer)
      end)
    end
  end
  add(entry)
  return coroutine.yield() or vim.NIL
end

--- Bring the list in line with the server's.
---@param client_id integer
function M.look_again(client_id)
  local server = vim.lsp.get_client_by_id(client_id)
  if not server then
    return
  end
  client.execute(server, 'roo.approval.list', nil, function(entries)
    local there = {}
    for _, entry in ipairs(entries) do
      there[entry.requestId] = true
      entry.client_id = client_id
      entry.taskId = entry.taskId ~= vim.NIL and entry.taskId or nil
      add(entry)
    end
    for _, entry in ipairs(pending) do
      if entry.client_id == client_id and not there[entry.requestId] then
        drop(entry.requestId)
      end
    end
  end)
end

--- An event says that something is asked. What the server says of it comes by its own request; if it
--- does not, as from a server that has no such request, the list is looked at.
---@param client_id integer
---@param event roo.Event
local function asked(client_id, event)
  local update = event.update
  if not M.get(update.requestId) then
    add({
      requestId = update.requestId,
      taskId = event.taskId,
      kind = 'permission',
      title = update.title,
      detail = {},
      toolCall = { toolCallId = update.toolCallId },
      options = update.options,
      client_id = client_id,
    })
  end
  vim.defer_fn(function()
    local entry = M.get(update.requestId)
    if entry and #entry.detail == 0 then
      M.look_again(client_id)
    end
  end, UNHEARD_MS)
end

---@param client_id integer
---@param event roo.Event
function M.event(client_id, event)
  local update = event.update
  local kind = update.sessionUpdate
  if kind == 'tool_call_update' then
    local is_open = update.status == 'pending'
    contents[update.toolCallId] = is_open and update.content or nil
  elseif kind == '_permission' and update.outcome then
    drop(update.requestId, update.outcome)
  elseif kind == '_permission' then
    asked(client_id, event)
  elseif kind == '_question' and update.question then
    add({
      requestId = update.requestId,
      taskId = event.taskId,
      kind = 'question',
      title = vim.split(update.question, '\n')[1],
      detail = vim.split(update.question, '\n'),
      options = {},
      suggestions = update.suggestions,
      client_id = client_id,
    })
  elseif kind == '_question' then
    drop(update.requestId)
  end
end

--- A server ended; what it asked is not open any more.
---@param client_id integer
function M.lost(client_id)
  for _, entry in ipairs(pending) do
    if entry.client_id == client_id then
      entry.reply = nil
      drop(entry.requestId)
    end
  end
end

-- --- deciding ----------------------------------------------------------------------------------

---@param entry roo.Entry
---@param decision string an `optionId`
---@param feedback string?
local function settle(entry, decision, feedback)
  local offered = vim.iter(entry.options):any(function(option)
    return option.optionId == decision
  end)
  if not offered then
    client.tell(('“%s” can only be approved or denied this once.'):format(entry.title), vim.log.levels.WARN)
    return
  end
  local server = vim.lsp.get_client_by_id(entry.client_id)
  if entry.reply then
    entry.reply({ optionId = decision, feedback = feedback })
    entry.reply = nil
    drop(entry.requestId, (decision:gsub('_prefix$', '')))
  elseif server then
    local argument = { requestId = entry.requestId, decision = decision, feedback = feedback or '' }
    client.execute(server, 'roo.approval.respond', argument)
  end
end

--- Decide; how far an *always* reaches is picked where the server offers several reaches.
---@param entry roo.Entry
---@param decision string an `optionId`
---@param feedback string?
function M.decide(entry, decision, feedback)
  local reaches = vim.tbl_filter(function(option)
    return option.kind == decision
  end, decision == 'allow_always' and entry.options or {})
  if #reaches < 2 then
    return settle(entry, decision, feedback)
  end
  vim.ui.select(reaches, {
    prompt = ('“%s”, how far?'):format(entry.title),
    kind = 'roo_approval',
    format_item = function(option)
      return option.name
    end,
  }, function(option)
    if option then
      settle(entry, option.optionId, feedback)
    end
  end)
end

--- The entries that a decision may mean: by a key of a chat those that stand in it, if there are any.
--- A command may be read under any question on the screen, so it means each of them.
---@param view roo.View?
---@return roo.Entry[]
local function meant(view)
  local asked_ones = vim.tbl_filter(function(entry)
    return entry.kind ~= 'question'
  end, pending)
  local here = vim.tbl_filter(function(entry)
    return view ~= nil and view.transcript.entries[entry.requestId] ~= nil
  end, asked_ones)
  return #here > 0 and here or asked_ones
end

--- Calls back with the entry that is meant, asking the user where that could be several.
---@param on_entry fun(entry: roo.Entry)
---@param otherwise fun()
---@param view roo.View?
local function pick(on_entry, otherwise, view)
  local entries = meant(view)
  if #entries == 0 then
    otherwise()
  elseif #entries == 1 then
    on_entry(entries[1])
  else
    vim.ui.select(entries, {
      prompt = 'Several things wait. Which one?',
      kind = 'roo_approval',
      format_item = function(entry)
        local task = require('roo.chat').title(entry.taskId)
        return task and ('%s  (%s)'):format(entry.title, task) or entry.title
      end,
    }, function(entry)
      if entry then
        on_entry(entry)
      end
    end)
  end
end

--- Nothing is shown that could be meant. What the server may have besides is shown, not decided unseen.
local function nothing_shown()
  client.run('roo.approval.list', nil, function(entries, server)
    if #entries == 0 then
      client.tell('Nothing waits for you.')
    else
      M.look_again(server.id)
    end
  end)
end

--- Decide what waits; from anywhere.
---@param decision string
---@param feedback string?
---@param view roo.View? the chat whose key it was
function M.respond(decision, feedback, view)
  pick(function(entry)
    M.decide(entry, decision, feedback)
  end, nothing_shown, view)
end

--- Deny, and tell the model why.
---@param view roo.View? the chat whose key it was
function M.deny_because(view)
  pick(function(entry)
    vim.ui.input({ prompt = ('Deny “%s”, because: '):format(entry.title) }, function(why)
      if why then
        M.decide(entry, 'reject_once', why)
      end
    end)
  end, nothing_shown, view)
end

--- Show an entry whole, with its change, in a window that is entered. The keys of the chat work in it.
---@param entry roo.Entry
function M.details(entry)
  local width = math.min(100, vim.o.columns - 6)
  local lines = { { text = entry.title, group = 'RooTitle' }, { text = '' } }
  vim.list_extend(lines, payload(entry, width - 4))
  close_float()
  local buffer = windows.popup('Roo asks', lines, require('roo.keys').details_hint(entry))
  require('roo.keys').details(buffer, entry)
end

--- Show what waits, whole.
---@param view roo.View? the chat whose key it was
function M.show(view)
  pick(M.details, nothing_shown, view)
end

---@return string[] ids of what waits
function M.ids()
  return vim.tbl_map(function(entry)
    return entry.requestId
  end, pending)
end

local group = vim.api.nvim_create_augroup('roo.approvals', {})

local function refresh_soon()
  if #pending > 0 then
    vim.schedule(M.refresh)
  end
end

vim.api.nvim_create_autocmd({ 'VimResized', 'TabEnter' }, { group = group, callback = refresh_soon })

vim.api.nvim_create_autocmd('WinClosed', {
  group = group,
  callback = function(event)
    -- Not of the float itself: to refresh closes it.
    if
      windows.role(tonumber(event.match) --[[@as integer]]) ~= 'waiting'
    then
      refresh_soon()
    end
  end,
})

return M
