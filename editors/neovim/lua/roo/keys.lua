--- Keys in Roo's own buffers. Nowhere else does Roo have any.
local M = {}

---@return table<roo.ChatAction, string|false>
local function keys()
  return require('roo.config').current.keys
end

---@param buffer integer
---@param modes string|string[]
---@param lhs string|false
---@param description string
---@param action fun()
local function map(buffer, modes, lhs, description, action)
  if lhs then
    vim.keymap.set(modes, lhs, action, { buffer = buffer, nowait = true, desc = 'Roo: ' .. description })
  end
end

---@param buffer integer
---@param view roo.View
local function map_decisions(buffer, view)
  local approvals = require('roo.approvals')
  map(buffer, 'n', keys().approve, 'approve', function()
    approvals.respond('allow_once', nil, view)
  end)
  map(buffer, 'n', keys().always, 'always approve', function()
    approvals.respond('allow_always', nil, view)
  end)
  map(buffer, 'n', keys().deny, 'deny', function()
    approvals.respond('reject_once', nil, view)
  end)
  map(buffer, 'n', keys().deny_because, 'deny, and say why', function()
    approvals.deny_because(view)
  end)
  map(buffer, 'n', keys().details, 'all that is asked', function()
    approvals.show(view)
  end)
end

local function show_help()
  local lines = {}
  for _, each in ipairs(vim.api.nvim_buf_get_keymap(0, 'n')) do
    if vim.startswith(each.desc or '', 'Roo: ') then
      table.insert(lines, { text = ('%-8s %s'):format(each.lhs, each.desc:sub(6)) })
    end
  end
  table.sort(lines, function(one, other)
    return one.text < other.text
  end)
  require('roo.windows').popup('Keys here', lines)
end

---@param view roo.View
---@param number integer
local function map_number(view, number)
  vim.keymap.set('n', tostring(number), function()
    local chat = require('roo.chat')
    if not chat.has_question(view) then
      return tostring(number)
    end
    vim.schedule(function()
      chat.suggest(view, number)
    end)
    return ''
  end, { buffer = view.buffer, expr = true, desc = ('Roo: answer with suggestion %d'):format(number) })
end

---@param view roo.View
local function map_folds(view)
  local chat = require('roo.chat')
  local folds = {
    ['<Tab>'] = { 'open or close what is here' },
    za = { 'open or close what is here' },
    zo = { 'open what is here', true },
    zc = { 'close what is here', false },
  }
  for lhs, each in pairs(folds) do
    map(view.buffer, 'n', lhs, each[1], function()
      chat.fold(view, each[2])
    end)
  end
  map(view.buffer, 'n', 'zR', 'open everything', function()
    chat.fold_all(view, true)
  end)
  map(view.buffer, 'n', 'zM', 'close everything', function()
    chat.fold_all(view, false)
  end)
end

--- To the prompt, in insert mode.
local function write()
  local prompt = require('roo.windows').find('prompt')
  if prompt then
    vim.api.nvim_set_current_win(prompt)
    vim.cmd('startinsert!')
  end
end

--- The keys of a chat and its prompt.
---@param view roo.View
function M.chat(view)
  local chat = require('roo.chat')
  for _, buffer in ipairs({ view.buffer, view.prompt }) do
    map_decisions(buffer, view)
    map(buffer, 'n', keys().close, 'close the chat', chat.close)
    map(buffer, 'n', keys().help, 'these keys', show_help)
    map(buffer, { 'n', 'i' }, keys().cancel, 'stop the task', function()
      chat.cancel(view)
    end)
  end
  map(view.prompt, 'n', keys().send, 'send', function()
    chat.send(view)
  end)
  map(view.prompt, { 'n', 'i' }, keys().send_insert, 'send', function()
    chat.send(view)
  end)
  for _, lhs in ipairs({ 'i', 'a', 'o', 'I', 'A', 'O' }) do
    map(view.buffer, 'n', lhs, 'write below', write)
  end
  map(view.buffer, 'n', '<CR>', 'open or close what is here', function()
    chat.fold(view)
  end)
  map(view.buffer, 'n', ']]', 'next who speaks', function()
    vim.fn.search('^## ', 'W')
  end)
  map(view.buffer, 'n', '[[', 'previous who speaks', function()
    vim.fn.search('^## ', 'bW')
  end)
  map_folds(view)
  for number = 1, 9 do
    map_number(view, number)
  end
end

--- Whether an entry can be approved for more than this once; trust cannot.
---@param entry table
---@return boolean
function M.offers_always(entry)
  return vim.iter(entry.options or {}):any(function(option)
    return option.kind == 'allow_always'
  end)
end

---@param entry roo.Entry
---@return string
function M.details_hint(entry)
  local hints = {}
  for _, each in ipairs({
    { keys().approve, 'approve' },
    { M.offers_always(entry) and keys().always, 'always' },
    { keys().deny, 'deny' },
    { keys().deny_because, 'deny because…' },
    { keys().close, 'close' },
  }) do
    if each[1] then
      table.insert(hints, ('%s %s'):format(each[1], each[2]))
    end
  end
  return (' %s '):format(table.concat(hints, ' · '))
end

--- The keys of the window that shows one entry whole: they decide that one, and close it.
---@param buffer integer
---@param entry roo.Entry
function M.details(buffer, entry)
  local approvals = require('roo.approvals')
  local function close()
    local window = vim.fn.bufwinid(buffer)
    if window > 0 then
      vim.api.nvim_win_close(window, true)
    end
  end
  local function decide(decision)
    return function()
      close()
      approvals.decide(entry, decision)
    end
  end
  map(buffer, 'n', keys().approve, 'approve', decide('allow_once'))
  map(buffer, 'n', keys().always, 'always approve', decide('allow_always'))
  map(buffer, 'n', keys().deny, 'deny', decide('reject_once'))
  map(buffer, 'n', keys().deny_because, 'deny, and say why', function()
    vim.ui.input({ prompt = 'Deny, because: ' }, function(why)
      if why then
        close()
        approvals.decide(entry, 'reject_once', why)
      end
    end)
  end)
  map(buffer, 'n', keys().close, 'close', close)
end

return M
