--- Where things are shown: the windows of Roo, and those that are not Roo's.
local M = {}

---@param window integer
---@return 'chat'|'prompt'|'float'|'waiting'|nil role `float` is entered, `waiting` is not
function M.role(window)
  return vim.w[window].roo
end

---@return integer[] windows of this tab page that hold files
local function others()
  return vim.tbl_filter(function(window)
    return not M.role(window) and vim.api.nvim_win_get_config(window).relative == ''
  end, vim.api.nvim_tabpage_list_wins(0))
end

--- The window of this tab page that has a role.
---@param role string
---@return integer?
function M.find(role)
  for _, window in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    if M.role(window) == role then
      return window
    end
  end
end

--- Go to a window for files, if this one is Roo's: the last one the user was in, any, or a new one.
function M.leave()
  if not M.role(0) then
    return
  end
  if M.role(0) == 'float' then
    vim.api.nvim_win_close(0, true)
  end
  if not M.role(0) then
    return
  end
  local previous = vim.fn.win_getid(vim.fn.winnr('#'))
  local free = others()
  if vim.list_contains(free, previous) then
    vim.api.nvim_set_current_win(previous)
  elseif free[1] then
    vim.api.nvim_set_current_win(free[1])
  else
    vim.cmd('topleft vnew')
  end
end

---@return boolean whether this window is the only one for files, beside a chat
function M.is_last_for_files()
  local free = others()
  return M.find('chat') ~= nil and #free == 1 and free[1] == vim.api.nvim_get_current_win()
end

---@return integer a buffer that the user has open, else a new one
local function any_file()
  local alternate = vim.fn.bufnr('#')
  for _, buffer in ipairs(vim.list_extend({ alternate }, vim.api.nvim_list_bufs())) do
    if buffer > 0 and vim.api.nvim_buf_is_valid(buffer) and vim.bo[buffer].buflisted then
      return buffer
    end
  end
  return vim.api.nvim_create_buf(true, false)
end

--- After `:bdelete` the chat may be all that is left: then files get a window again.
function M.keep_one_for_files()
  local chat = M.find('chat')
  if chat and #others() == 0 then
    local width = vim.api.nvim_win_get_width(chat)
    local window = vim.api.nvim_open_win(any_file(), true, { split = 'left', win = -1 })
    vim.api.nvim_win_set_width(window, math.max(1, width - M.chat_width() - 1))
  end
end

---@param size number
---@param whole integer
---@param least integer
---@return integer
local function cells(size, whole, least)
  local wanted = size < 1 and math.floor(size * whole) or math.floor(size)
  return math.max(math.min(wanted, whole - 10), math.min(least, whole - 2))
end

--- Where the room for files ends: a float before that covers no chat at the right.
---@return integer column
function M.right_of_files()
  local chat = M.find('chat')
  local column = chat and vim.api.nvim_win_get_position(chat)[2] or 0
  return column > 0 and column or vim.o.columns
end

---@return integer columns of a chat at the side
function M.chat_width()
  return cells(require('roo.config').current.chat.width, vim.o.columns, 36)
end

--- Open a window for the chat, without going there.
---@param buffer integer
---@return integer window
function M.open_chat(buffer)
  local chat = require('roo.config').current.chat
  if chat.position == 'tab' then
    vim.cmd('tab split')
    vim.api.nvim_win_set_buf(0, buffer)
    return vim.api.nvim_get_current_win()
  elseif chat.position == 'bottom' then
    local height = cells(chat.height, vim.o.lines, 10)
    return vim.api.nvim_open_win(buffer, false, { split = 'below', win = -1, height = height })
  end
  local width = M.chat_width()
  return vim.api.nvim_open_win(buffer, false, { split = chat.position, win = -1, width = width })
end

--- Open a window below another one, without going there.
---@param window integer
---@param buffer integer
---@param height integer
---@return integer
function M.open_below(window, buffer, height)
  return vim.api.nvim_open_win(buffer, false, { split = 'below', win = window, height = height })
end

--- Scroll to where a buffer ends, in each window where the cursor is there.
---@param buffer integer
---@return integer[] windows that follow
function M.following(buffer)
  local last = vim.api.nvim_buf_line_count(buffer)
  return vim.tbl_filter(function(window)
    return vim.api.nvim_win_get_cursor(window)[1] == last
  end, vim.fn.win_findbuf(buffer))
end

---@param windows integer[]
---@param buffer integer
function M.follow(windows, buffer)
  local last = vim.api.nvim_buf_line_count(buffer)
  local text = vim.api.nvim_buf_get_lines(buffer, last - 1, last, false)[1] or ''
  for _, window in ipairs(windows) do
    if vim.api.nvim_win_is_valid(window) then
      vim.api.nvim_win_set_cursor(window, { last, #text })
    end
  end
end

--- A line about a folder or file, which names the user's home as people do.
---@param text string
---@return string
function M.short(text)
  local home = vim.uv.os_homedir() or ''
  local before, path = text:match('^(in )(/.*)$')
  path = path or text
  if #home > 1 and vim.startswith(path, home .. '/') then
    path = '~' .. path:sub(#home + 1)
  end
  return (before or '') .. path
end

--- Show lines in a window over the others, until `q`.
---@param title string
---@param lines roo.Line[]
---@param footer string?
---@return integer buffer
function M.popup(title, lines, footer)
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.bo[buffer].bufhidden = 'wipe'
  M.write(buffer, lines)
  local widest = math.max(vim.fn.strdisplaywidth(title) + 4, vim.fn.strdisplaywidth(footer or '') + 2)
  for _, line in ipairs(lines) do
    widest = math.max(widest, vim.fn.strdisplaywidth(line.text) + 2)
  end
  local width = math.min(widest, 100, vim.o.columns - 6)
  local height = 0
  for _, line in ipairs(lines) do
    height = height + math.max(1, math.ceil((vim.fn.strdisplaywidth(line.text) + 1) / width))
  end
  height = math.max(1, math.min(height, vim.o.lines - 6))
  local window = vim.api.nvim_open_win(buffer, true, {
    relative = 'editor',
    row = math.max(0, math.floor((vim.o.lines - height) / 2) - 1),
    col = math.floor((vim.o.columns - width) / 2),
    width = width,
    height = height,
    style = 'minimal',
    border = 'rounded',
    title = (' %s '):format(title),
    footer = footer or ' q close ',
    footer_pos = 'right',
    zindex = 70,
  })
  vim.w[window].roo = 'float'
  vim.wo[window].wrap = true
  vim.wo[window].linebreak = true
  for _, lhs in ipairs({ 'q', '<Esc>' }) do
    vim.keymap.set('n', lhs, function()
      vim.api.nvim_win_close(window, true)
    end, { buffer = buffer, nowait = true, desc = 'Roo: close' })
  end
  return buffer
end

local COLOURS = vim.api.nvim_create_namespace('roo.float')

--- Fill a buffer of ours.
---@param buffer integer
---@param lines roo.Line[]
function M.write(buffer, lines)
  vim.api.nvim_buf_set_lines(
    buffer,
    0,
    -1,
    false,
    vim.tbl_map(function(line)
      return ' ' .. line.text
    end, lines)
  )
  vim.bo[buffer].modifiable = false
  for index, line in ipairs(lines) do
    if line.group then
      local options = line.whole and { line_hl_group = line.group }
        or { end_col = #line.text + 1, hl_group = line.group }
      vim.api.nvim_buf_set_extmark(buffer, COLOURS, index - 1, 0, options)
    end
  end
end

return M
