--- `roo/saveDocuments` and `roo/diagnostics`: what is on disk, and what others say of it.
local M = {}

local SILENCE_MS = 1500 -- how long others may take to speak about a text that changed

---@param uri string
---@return integer? buffer nil where it is not loaded
local function loaded(uri)
  local path = vim.uri_to_fname(uri)
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buffer) and vim.api.nvim_buf_get_name(buffer) == path then
      return buffer
    end
  end
end

--- Saves as `:update` does, so formatters and other hooks run. Says which are on disk now.
---@param params {uris: string[]}
---@return {saved: string[]}
local function save(params)
  local saved = {}
  for _, uri in ipairs(params.uris) do
    local buffer = loaded(uri)
    if buffer then
      local ok, problem = pcall(vim.api.nvim_buf_call, buffer, function()
        vim.cmd('silent update')
      end)
      if ok and not vim.bo[buffer].modified then
        table.insert(saved, uri)
      else
        local name = vim.fn.fnamemodify(vim.uri_to_fname(uri), ':~:.')
        local why = ok and 'it is still modified' or tostring(problem):gsub('^.-(E%d+:)', '%1')
        vim.notify(
          ('Roo could not save %s: %s. Save it yourself, then Roo goes on.'):format(name, why),
          vim.log.levels.WARN
        )
      end
    end
  end
  return { saved = saved }
end

local spoken = {} ---@type table<integer, integer> buffer → its changedtick when another source last spoke about it
local held = {} ---@type table<fun(late: boolean?), true> answers that wait

---@param diagnostic vim.Diagnostic
---@return boolean
local function is_own(diagnostic)
  return (diagnostic.source or ''):lower() == 'roo'
end

--- Look from now on at who speaks about which text.
local function watch()
  vim.api.nvim_create_autocmd('DiagnosticChanged', {
    group = vim.api.nvim_create_augroup('roo.diagnostics', {}),
    callback = function(event)
      local first = event.data.diagnostics[1]
      if (first and is_own(first)) or not vim.api.nvim_buf_is_valid(event.buf) then
        return
      end
      spoken[event.buf] = vim.api.nvim_buf_get_changedtick(event.buf)
      for look in pairs(held) do
        look()
      end
    end,
  })
end

---@param buffers table<string, integer>
---@return boolean
local function all_spoken(buffers)
  for _, buffer in pairs(buffers) do
    local tick = vim.api.nvim_buf_is_valid(buffer) and vim.api.nvim_buf_get_changedtick(buffer) or 0
    if spoken[buffer] and spoken[buffer] < tick then
      return false
    end
  end
  return true
end

--- Waits, in a handler's coroutine, until others have spoken about these texts as they are now.
---@param buffers table<string, integer>
local function hold(buffers)
  local thread = coroutine.running()
  local look
  look = function(late)
    if held[look] and (late or all_spoken(buffers)) then
      held[look] = nil
      coroutine.resume(thread)
    end
  end
  held[look] = true
  vim.defer_fn(function()
    look(true)
  end, SILENCE_MS)
  coroutine.yield()
end

---@param buffer integer
---@return boolean whether anybody but Roo looks at it
local function is_watched(buffer)
  if spoken[buffer] then
    return true
  end
  for _, client in ipairs(vim.lsp.get_clients({ bufnr = buffer })) do
    if client.name ~= 'roo' then
      return true
    end
  end
  return false
end

---@param uris string[]?
---@return table<string, integer>
local function asked(uris)
  local buffers = {}
  if not uris then
    for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
      if vim.api.nvim_buf_is_loaded(buffer) and vim.bo[buffer].buftype == '' and is_watched(buffer) then
        buffers[vim.uri_from_bufnr(buffer)] = buffer
      end
    end
    return buffers
  end
  for _, uri in ipairs(uris) do
    local buffer = loaded(uri)
    if buffer and is_watched(buffer) then
      buffers[uri] = buffer
    end
  end
  return buffers
end

---@param buffer integer
---@param row integer
---@param column integer bytes
---@param encoding roo.Encoding
---@return lsp.Position
local function position(buffer, row, column, encoding)
  local line = vim.api.nvim_buf_get_lines(buffer, row, row + 1, false)[1] or ''
  return { line = row, character = vim.str_utfindex(line, encoding, math.min(column, #line), false) }
end

---@param buffer integer
---@param encoding roo.Encoding
---@return lsp.Diagnostic[]
local function diagnostics(buffer, encoding)
  local found = {}
  for _, each in ipairs(vim.diagnostic.get(buffer)) do
    if not is_own(each) then
      table.insert(found, {
        range = {
          start = position(buffer, each.lnum, each.col, encoding),
          ['end'] = position(buffer, each.end_lnum or each.lnum, each.end_col or each.col, encoding),
        },
        severity = each.severity,
        message = each.message,
        source = each.source,
        code = each.code,
      })
    end
  end
  return found
end

--- Roo writes what the user has not opened to the disk; where a buffer was opened hidden for the other
--- servers, they learn of it here, and all of these texts wait to be spoken about again.
---@param buffers table<string, integer>
local function reread(buffers)
  local changed = false
  for _, buffer in pairs(buffers) do
    if vim.b[buffer].roo_hidden then
      local tick = vim.api.nvim_buf_get_changedtick(buffer)
      vim.bo[buffer].autoread = true
      vim.cmd(('silent! checktime %d'):format(buffer))
      changed = changed or vim.api.nvim_buf_get_changedtick(buffer) ~= tick
    end
  end
  for _, buffer in pairs(changed and buffers or {}) do
    spoken[buffer] = spoken[buffer] and -1
  end
end

---@param params {uris: string[]?, wait: boolean?}
---@param client vim.lsp.Client
---@return {items: table[]}
local function diagnose(params, client)
  local buffers = asked(params.uris)
  reread(buffers)
  if params.wait and not all_spoken(buffers) then
    hold(buffers)
  end
  local items = {}
  for uri, buffer in pairs(buffers) do
    if vim.api.nvim_buf_is_valid(buffer) then
      table.insert(items, { uri = uri, diagnostics = diagnostics(buffer, client.offset_encoding) })
    end
  end
  return { items = items }
end

---@return table<string, lsp.Handler>
function M.handlers()
  watch()
  return {
    ['roo/saveDocuments'] = function(_, params)
      return save(params)
    end,
    ['roo/diagnostics'] = function(_, params, context)
      return diagnose(params, assert(vim.lsp.get_client_by_id(context.client_id)))
    end,
  }
end

return M
