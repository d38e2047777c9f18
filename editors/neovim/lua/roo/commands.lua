--- `:Roo`: a prompt, unless it reads as one of the commands below.
---
--- A line is a command when its first word is one and what follows is what that command takes:
--- `:Roo test` tests the endpoint, `:Roo test the parser` is a prompt. `:Roo start …` is always a prompt.
local about = require('roo.about')
local chat = require('roo.chat')
local client = require('roo.client')
local events = require('roo.events')
local pick = require('roo.pick')

local M = {}

---@class roo.Command
---@field takes 'nothing'|'words'|string[] words: any; a list: patterns of which the rest has to match one
---@field run fun(rest: string)
---@field complete (fun(): string[])?

local TASK_ID = '^%d+%-%d+%-%x+$'
local ONE_WORD = '^%S+$'

---@return string?
local function task_in_view()
  local view = chat.current()
  return view and view.task_id or events.latest
end

---@param extra table?
---@return table
local function of_task(extra)
  return vim.tbl_extend('force', { taskId = task_in_view() }, extra or {})
end

-- --- asking the server for words ---------------------------------------------------------------

---@return string[]
local function task_ids()
  return vim.tbl_map(function(task)
    return task.taskId
  end, client.ask('roo.task.list') or {})
end

---@return string[]
local function modes()
  return vim.tbl_map(function(mode)
    return mode.slug
  end, (client.ask('roo.mode.list') or {}).modes or {})
end

---@return string[]
local function profiles()
  return (client.ask('roo.profile.list') or {}).profiles or {}
end

-- --- tasks -------------------------------------------------------------------------------------

---@param seconds number since 1970
---@return string
local function ago(seconds)
  local minutes = math.floor((os.time() - seconds) / 60)
  if minutes < 1 then
    return 'just now'
  elseif minutes < 60 then
    return ('%d min ago'):format(minutes)
  elseif minutes < 24 * 60 then
    return ('%d h ago'):format(math.floor(minutes / 60))
  end
  return ('%d d ago'):format(math.floor(minutes / 60 / 24))
end

local SIGNS = { running = '●', waiting = '?', idle = '✓', failed = '✗' }

---@param task table
---@return string
local function task_line(task)
  local title = vim.fn.strcharpart(task.title, 0, 60)
  return ('%s %s · %s · %s'):format(SIGNS[task.state] or ' ', title, task.mode, ago(task.updatedAt))
end

---@param server vim.lsp.Client
---@param task_id string
local function resume(server, task_id)
  client.execute(server, 'roo.task.resume', { taskId = task_id }, function()
    chat.open_task(server.id, task_id, false)
  end)
end

---@param server vim.lsp.Client
---@param task_id string
local function delete(server, task_id)
  client.execute(server, 'roo.task.delete', { taskId = task_id }, function()
    chat.deleted(task_id)
    require('roo.review').deleted(task_id)
    client.tell('The task is deleted.')
  end)
end

local TASK_ACTIONS = {
  {
    'Open the chat',
    function(server, id)
      chat.open_task(server.id, id, true)
    end,
  },
  { 'Resume: go on where it stopped', resume },
  {
    'Review its changes',
    function(server, id)
      require('roo.review').list(server.id, id)
    end,
  },
  {
    'Open the transcript',
    function(server, id)
      client.execute(server, 'roo.task.open', { taskId = id })
    end,
  },
  { 'Delete', delete },
}

local function pick_task()
  pick.from('roo.task.list', { limit = 50 }, {
    prompt = 'Tasks of Roo',
    kind = 'roo_task',
    none = 'There are no tasks in this project yet. `:Roo {prompt}` starts one.',
    line = task_line,
  }, function(task, server)
    pick.action(TASK_ACTIONS, task.title, 'roo_task', server, task.taskId)
  end)
end

---@param task_id string
---@param action fun(server: vim.lsp.Client, task_id: string)
local function with_task(task_id, action)
  client.with(function(server)
    action(server, task_id)
  end)
end

-- --- modes, profiles, checkpoints --------------------------------------------------------------

---@param what 'mode'|'profile'
---@param value string
local function set(what, value)
  local task = task_in_view()
  if not task then
    chat.next[what] = value
    return client.tell(('The next task has the %s %s.'):format(what, value))
  end
  client.run(('roo.%s.set'):format(what), { taskId = task, [what] = value }, function()
    client.tell(('This task has the %s %s now.'):format(what, value))
  end)
end

local function pick_mode()
  pick.from('roo.mode.list', nil, {
    prompt = 'Mode',
    kind = 'roo_mode',
    items = function(result)
      return result.modes
    end,
    line = function(mode)
      return ('%s: may %s'):format(mode.name, table.concat(mode.groups, ', '))
    end,
  }, function(mode)
    set('mode', mode.slug)
  end)
end

local function pick_profile()
  pick.from('roo.profile.list', nil, {
    prompt = 'Profile',
    kind = 'roo_profile',
    none = 'There are no profiles: the setting roo.profiles is empty.',
    items = function(result)
      return result.profiles
    end,
  }, function(profile)
    set('profile', profile)
  end)
end

---@param argument table
local function switch_server(argument)
  argument.wait = true
  client.run('roo.mcp.restart', argument, function(result)
    local server = result[1]
    client.tell(('%s: %s%s'):format(server.name, server.state, server.error and ', ' .. server.error or ''))
  end)
end

local SERVER_ACTIONS = {
  {
    'Start it again',
    function(name)
      switch_server({ name = name, enabled = true })
    end,
  },
  {
    'Switch it off',
    function(name)
      switch_server({ name = name, enabled = false })
    end,
  },
  {
    'Log in to it',
    function(name)
      switch_server({ name = name, enabled = true, login = true })
    end,
  },
}

local function pick_server()
  pick.from('roo.mcp.list', nil, {
    prompt = 'MCP servers',
    kind = 'roo_mcp',
    none = 'No MCP server is set up here: roo.mcpServers, .roo/mcp.json, .mcp.json.',
    line = function(server)
      local tools = ('%d tools'):format(#server.tools)
      return ('%s: %s, %s'):format(server.name, server.state, server.error or tools)
    end,
  }, function(server)
    pick.action(SERVER_ACTIONS, server.name, 'roo_mcp', server.name)
  end)
end

---@param id string
---@param conversation boolean
local function restore(id, conversation)
  local argument = of_task({ checkpointId = id, conversation = conversation or nil })
  client.run('roo.checkpoint.restore', argument, function(result)
    vim.cmd('silent! checktime')
    local function name(uri)
      return vim.fn.fnamemodify(vim.uri_to_fname(uri), ':~:.')
    end
    local said = { ('%d files are as they were at %s.'):format(#result.restored, id) }
    if #result.unsaved > 0 then
      local names = table.concat(vim.tbl_map(name, result.unsaved), ', ')
      table.insert(said, ('Not on disk before you write it: %s.'):format(names))
    end
    for _, left in ipairs(result.left) do
      table.insert(said, ('Left as it is: %s: %s.'):format(name(left.uri), left.reason))
    end
    client.tell(table.concat(said, ' '))
  end)
end

--- What was said and the model has not been told: the picked message is written anew, or, left empty, dropped.
local function pick_queued()
  pick.from('roo.queue.list', of_task(), {
    prompt = 'With the next request',
    kind = 'roo_queued',
    none = 'Nothing waits for the next request.',
    line = function(message)
      return pick.on_one_line(message.text)
    end,
  }, function(message)
    vim.ui.input({ prompt = 'Say instead (empty drops it): ', default = message.text }, function(text)
      if text then
        local of_message = of_task({ messageId = message.messageId, text = text ~= '' and text or nil })
        client.run(text ~= '' and 'roo.queue.edit' or 'roo.queue.remove', of_message)
      end
    end)
  end)
end

--- Prompts that were said before in this workspace: the picked one is in the prompt.
local function pick_prompt()
  pick.from('roo.prompt.history', { limit = 100 }, {
    prompt = 'Said before',
    kind = 'roo_prompt',
    none = 'Nothing was said here yet.',
    line = pick.on_one_line,
  }, function(text)
    chat.open()
    chat.write(text)
  end)
end

local KINDS = { 'read', 'readOutside', 'edit', 'editOutside', 'editProtected', 'execute' }

--- Approve a kind of calls by itself, or ask again, until the server ends.
local function pick_auto()
  local function is_on(status, kind)
    return (status.autoApprove or {})[kind] == true
  end
  pick.from('roo.status', nil, {
    prompt = 'Approve without a question',
    kind = 'roo_auto',
    items = function()
      return KINDS
    end,
    line = function(kind, status)
      return ('%s %s'):format(is_on(status, kind) and '●' or '○', kind)
    end,
  }, function(kind, _, status)
    client.run('roo.approval.auto', { kind = kind, on = not is_on(status, kind) }, function(result)
      client.tell(('Roo %s before: %s'):format(result.autoApprove[kind] and 'does not ask' or 'asks', kind))
    end)
  end)
end

local CHECKPOINT_ACTIONS = {
  {
    'Show what changed since',
    function(id)
      client.run('roo.checkpoint.diff', of_task({ checkpointId = id }))
    end,
  },
  {
    'Restore the files',
    function(id)
      restore(id, false)
    end,
  },
  {
    'Restore the files and the conversation',
    function(id)
      restore(id, true)
    end,
  },
}

local function pick_checkpoint()
  pick.from('roo.checkpoint.list', of_task(), {
    prompt = 'Checkpoints',
    kind = 'roo_checkpoint',
    none = 'This task has no checkpoints yet.',
    line = function(each)
      return ('%s · %s · %s'):format(each.checkpointId, each.label, ago(each.createdAt))
    end,
  }, function(checkpoint)
    pick.action(CHECKPOINT_ACTIONS, checkpoint.label, 'roo_checkpoint', checkpoint.checkpointId)
  end)
end

-- --- the table ---------------------------------------------------------------------------------

---@param rest string
---@param command 'keep'|'revert'
local function settle(command, rest)
  local review = require('roo.review')
  if rest == 'all' then
    client.with(function(server)
      review.all(('roo.changes.%s'):format(command), server.id, task_in_view())
    end)
  elseif rest == 'file' then
    review[command .. '_file']()
  else
    review[command]()
  end
end

---@param text string
local function say(text)
  local task_id = task_in_view()
  local task = task_id and events.tasks[task_id]
  if task then
    return chat.say(task_id, task.client_id, text)
  end
  client.run('roo.task.send', { text = text })
end

---@param prompt string
---@param context table[]?
local function start(prompt, context)
  chat.start(prompt, { context = context })
end

local NOTHING_OR_SCOPE = { '^$', '^file$', '^all$' }

---@return string[]
local function scopes()
  return { 'file', 'all' }
end

---@type table<string, roo.Command>
local COMMANDS = {
  start = {
    takes = 'words',
    run = function(rest)
      start(rest)
    end,
  },
  send = { takes = 'words', run = say },
  chat = { takes = 'nothing', run = chat.open },
  new = { takes = 'nothing', run = chat.new },
  close = { takes = 'nothing', run = chat.close },
  cancel = {
    takes = { '^$', TASK_ID },
    complete = task_ids,
    run = function(rest)
      client.run('roo.task.cancel', rest ~= '' and { taskId = rest } or of_task())
    end,
  },
  approve = {
    takes = 'nothing',
    run = function()
      require('roo.approvals').respond('allow_once')
    end,
  },
  always = {
    takes = 'nothing',
    run = function()
      require('roo.approvals').respond('allow_always')
    end,
  },
  deny = {
    takes = 'words',
    run = function(rest)
      require('roo.approvals').respond('reject_once', rest)
    end,
  },
  details = {
    takes = 'nothing',
    run = function()
      require('roo.approvals').show()
    end,
  },
  review = {
    takes = { '^$', TASK_ID },
    complete = task_ids,
    run = function(rest)
      client.with(function(server)
        local id = rest ~= '' and rest or task_in_view()
        if not id then
          return client.tell('There is no task yet whose changes could be reviewed.')
        end
        require('roo.review').list(server.id, id)
      end)
    end,
  },
  keep = {
    takes = NOTHING_OR_SCOPE,
    complete = scopes,
    run = function(rest)
      settle('keep', rest)
    end,
  },
  revert = {
    takes = NOTHING_OR_SCOPE,
    complete = scopes,
    run = function(rest)
      settle('revert', rest)
    end,
  },
  tasks = {
    takes = { '^$', TASK_ID },
    complete = task_ids,
    run = function(rest)
      if rest == '' then
        return pick_task()
      end
      with_task(rest, function(server, id)
        chat.open_task(server.id, id, true)
      end)
    end,
  },
  resume = {
    takes = { '^$', TASK_ID },
    complete = task_ids,
    run = function(rest)
      client.run('roo.task.resume', rest ~= '' and { taskId = rest } or of_task(), function(result, server)
        chat.open_task(server.id, result.taskId, false)
      end)
    end,
  },
  delete = {
    takes = { TASK_ID },
    complete = task_ids,
    run = function(rest)
      with_task(rest, delete)
    end,
  },
  transcript = {
    takes = { '^$', TASK_ID },
    complete = task_ids,
    run = function(rest)
      client.run('roo.task.open', rest ~= '' and { taskId = rest } or of_task())
    end,
  },
  mode = {
    takes = { '^$', ONE_WORD },
    complete = modes,
    run = function(rest)
      if rest == '' then
        return pick_mode()
      end
      set('mode', rest)
    end,
  },
  profile = {
    takes = { '^$', ONE_WORD },
    complete = profiles,
    run = function(rest)
      if rest == '' then
        return pick_profile()
      end
      set('profile', rest)
    end,
  },
  mcp = { takes = 'nothing', run = pick_server },
  models = { takes = 'nothing', run = about.models },
  queue = { takes = 'nothing', run = pick_queued },
  prompts = { takes = 'nothing', run = pick_prompt },
  enhance = {
    takes = 'nothing',
    run = function()
      if not chat.current() then
        chat.open()
      end
      require('roo.prompt').enhance(chat.current().prompt)
    end,
  },
  auto = { takes = 'nothing', run = pick_auto },
  condense = {
    takes = 'nothing',
    run = function()
      client.run('roo.task.condense', of_task(), function(tokens)
        client.tell(('Condensed: %d → %d tokens.'):format(tokens.before, tokens.after))
      end)
    end,
  },
  checkpoints = { takes = 'nothing', run = pick_checkpoint },
  restore = {
    takes = { '^$', '^c%d+$' },
    run = function(rest)
      if rest == '' then
        return pick_checkpoint()
      end
      restore(rest, false)
    end,
  },
  status = { takes = 'nothing', run = about.status },
  test = { takes = 'nothing', run = about.test },
  log = { takes = 'nothing', run = about.log },
  restart = { takes = 'nothing', run = client.restart },
}

--- The command that a line is, or nil for a prompt.
---@param line string
---@return roo.Command?
---@return string rest
function M.parse(line)
  local word, rest = line:match('^(%a+)%s*(.*)$')
  local command = word and COMMANDS[word]
  if not command then
    return nil, line
  end
  rest = vim.trim(rest)
  local takes = command.takes
  local fits
  if takes == 'nothing' then
    fits = rest == ''
  elseif takes == 'words' then
    fits = rest ~= '' or word == 'deny'
  else
    fits = vim.iter(takes):any(function(pattern)
      return rest:match(pattern) ~= nil
    end)
  end
  if fits then
    return command, rest
  end
  return nil, line
end

---@param first integer line, from 1
---@param last integer
---@return table[]
local function selection(first, last)
  local text = vim.fn.getbufoneline(0, last)
  local server = client.current()
  local encoding = server and server.offset_encoding or 'utf-16'
  return {
    {
      uri = vim.uri_from_bufnr(0),
      range = {
        start = { line = first - 1, character = 0 },
        ['end'] = { line = last - 1, character = vim.str_utfindex(text, encoding) },
      },
    },
  }
end

--- What `:Roo …` does.
---@param command vim.api.keyset.create_user_command.command_args
function M.run(command)
  local line = vim.trim(command.args)
  local parsed, rest = M.parse(line)
  if command.range > 0 and line ~= '' then
    start(line:match('^start%s+(.*)$') or line, selection(command.line1, command.line2))
  elseif line == '' then
    chat.open()
  elseif parsed then
    parsed.run(rest)
  else
    start(line)
  end
end

--- What may follow on the command line.
---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local before = line:match('Roo%s+(.*)$') or ''
  local word = before:match('^(%a+)%s+%S*$')
  local found = {}
  if vim.startswith(lead, '@') then
    return vim.tbl_map(function(item)
      return item.word
    end, require('roo.prompt').mentions(lead:sub(2)))
  elseif before == lead and vim.startswith(lead, '/') then
    found = vim.tbl_map(function(item)
      return item.word
    end, require('roo.prompt').commands())
  elseif before == lead then
    found = vim.tbl_keys(COMMANDS)
  elseif word and COMMANDS[word] and COMMANDS[word].complete then
    found = COMMANDS[word].complete()
  end
  found = vim.tbl_filter(function(each)
    return vim.startswith(each, lead)
  end, found)
  table.sort(found)
  return found
end

-- Code actions of the server start tasks, too; their chat is shown as that of any other.
vim.lsp.commands['roo.task.start'] = function(command)
  local argument = (command.arguments or {})[1]
  if type(argument) == 'string' then
    return start(argument)
  end
  local extra = vim.tbl_extend('force', {}, argument or {})
  extra.prompt = nil
  chat.start((argument or {}).prompt or '', extra)
end

return M
