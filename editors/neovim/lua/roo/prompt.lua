--- Where a prompt is typed: what was said before comes back by `<Up>`, `/` offers the commands, `@` what can
--- be mentioned.
local client = require('roo.client')

local M = {}

---@class roo.Recall
---@field prompts string[] the newest first
---@field at integer 0: what the user writes
---@field draft string[]

---@type table<integer, roo.Recall>
local recalled = {}

---@param buffer integer
---@param lines string[]
local function put(buffer, lines)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  for _, window in ipairs(vim.fn.win_findbuf(buffer)) do
    vim.api.nvim_win_set_cursor(window, { #lines, #lines[#lines] })
  end
end

---@param buffer integer
---@param step integer
local function go(buffer, step)
  local recall = recalled[buffer]
  local at = recall and recall.at + step
  if not recall or at < 0 or at > #recall.prompts then
    return
  end
  if recall.at == 0 then
    recall.draft = vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
  end
  recall.at = at
  put(buffer, at == 0 and recall.draft or vim.split(recall.prompts[at], '\n', { plain = true }))
end

--- Put what was said before this into a prompt.
---@param buffer integer
function M.older(buffer)
  if recalled[buffer] then
    return go(buffer, 1)
  end
  client.run('roo.prompt.history', { limit = 100 }, function(prompts)
    if vim.api.nvim_buf_is_valid(buffer) then
      recalled[buffer] = { prompts = prompts, at = 0, draft = {} }
      go(buffer, 1)
    end
  end)
end

--- Put what was said after this into a prompt; after the newest stands what the user was writing.
---@param buffer integer
function M.newer(buffer)
  go(buffer, -1)
end

--- The prompt is empty again: what is said next is the newest.
---@param buffer integer
function M.forget(buffer)
  recalled[buffer] = nil
end

--- What the word before the cursor may become, for 'omnifunc' and by itself behind a `/`.
---@return table[]
function M.commands()
  return vim.tbl_map(function(command)
    return {
      word = '/' .. command.name,
      menu = vim.trim(('%s %s'):format((command.argumentHint or ''):upper(), command.description)),
    }
  end, client.ask('roo.command.list') or {})
end

---@return string what stands before the cursor on its line
local function before()
  return vim.api.nvim_get_current_line():sub(1, vim.api.nvim_win_get_cursor(0)[2])
end

--- The mention that a text ends with, as far as it is typed.
---@param text string
---@return string? typed behind the `@`
---@return integer? at where the `@` stands, from 0
function M.mention(text)
  local at = vim.fn.match(text, [[\v%(^|[^0-9A-Za-z_@./`\\])\zs\@%(\\ |[^ \t@\\"])*$]])
  if at >= 0 then
    return text:sub(at + 2), at
  end
end

---@param offered table[]? what the server offers
---@return table[]
local function items(offered)
  return vim.tbl_map(function(each)
    return { word = each.text, menu = each.description ~= '' and each.description or each.kind, icase = 1, dup = 1 }
  end, offered or {})
end

--- What may be mentioned where so much is typed.
---@param typed string
---@return table[]
function M.mentions(typed)
  return items(client.ask('roo.mention.list', { text = typed }))
end

---@param find 0|1
---@param base string
---@return integer|table[]
function M.omnifunc(find, base)
  if find == 1 then
    local _, at = M.mention(before())
    return at or (before():match('^/[%w_.-]*$') and 0 or -3)
  elseif vim.startswith(base, '@') then
    return M.mentions(base:sub(2))
  end
  return vim.tbl_filter(function(item)
    return vim.startswith(item.word, base)
  end, M.commands())
end

--- An arrow that leaves the text at its edge goes through what was said; else it is Vim's own.
---@param buffer integer
---@param key '<Up>'|'<Down>'
---@return string
function M.arrow(buffer, key)
  local line = vim.api.nvim_win_get_cursor(0)[1]
  local is_edge = line == (key == '<Up>' and 1 or vim.api.nvim_buf_line_count(buffer))
  if not is_edge or vim.fn.pumvisible() == 1 then
    return key
  end
  vim.schedule(function()
    (key == '<Up>' and M.older or M.newer)(buffer)
  end)
  return ''
end

--- What is typed is a mention: offer what it may become, and others with each further letter.
---@param buffer integer
local function offer(buffer)
  local line = before()
  local typed, at = M.mention(line)
  if not typed or vim.fn.complete_info({ 'selected' }).selected >= 0 then
    return
  end
  client.run('roo.mention.list', { text = typed }, function(offered)
    local here = vim.api.nvim_get_current_buf() == buffer and vim.api.nvim_get_mode().mode:match('^i')
    if here and before() == line and vim.fn.complete_info({ 'selected' }).selected < 0 then
      vim.fn.complete(at + 1, items(offered))
    end
  end)
end

--- Put what is written in a prompt better; it is still the user's to send.
---@param buffer integer
function M.enhance(buffer)
  local text = vim.trim(table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n'))
  if text == '' then
    return client.tell('Write what Roo should do first: it is put better then.')
  end
  client.tell('Roo puts it better…')
  client.run('roo.prompt.enhance', { text = text }, function(result)
    if not vim.api.nvim_buf_is_valid(buffer) then
      return
    end
    local now = vim.trim(table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n'))
    if now ~= text then
      return client.tell('You have written on, so it was left as it is.')
    end
    put(buffer, vim.split(result.text, '\n', { plain = true }))
  end)
end

--- Make a buffer such a place.
---@param buffer integer
function M.set_up(buffer)
  vim.bo[buffer].omnifunc = "v:lua.require'roo.prompt'.omnifunc"
  vim.bo[buffer].completeopt = 'menuone,noselect'
  for _, key in ipairs({ '<Up>', '<Down>' }) do
    vim.keymap.set({ 'n', 'i' }, key, function()
      return M.arrow(buffer, key)
    end, { buffer = buffer, expr = true, desc = 'Roo: what you said ' .. (key == '<Up>' and 'before' or 'after') })
  end
  vim.api.nvim_create_autocmd({ 'TextChangedI', 'TextChangedP' }, {
    buffer = buffer,
    callback = function(event)
      if event.event == 'TextChangedI' and vim.api.nvim_get_current_line() == '/' then
        vim.fn.complete(1, M.commands())
      else
        offer(buffer)
      end
    end,
  })
  vim.api.nvim_create_autocmd('BufWipeout', {
    buffer = buffer,
    callback = function()
      M.forget(buffer)
    end,
  })
end

return M
