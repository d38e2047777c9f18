--- The other language servers of this editor, asked for the agent.
local positions = require('roo.positions')

local M = {}

local LOAD_MS = 1500 -- how long servers may take to attach to a buffer that was opened for a question
local ANSWER_MS = 15000

---@param milliseconds integer
---@param register fun(done: fun()): fun() begins to look, and returns what stops looking
local function wait(milliseconds, register)
  local thread = coroutine.running()
  local over, stop = false, nil
  local function done()
    if not over then
      over = true
      if stop then
        stop()
      end
      if coroutine.status(thread) == 'suspended' then
        coroutine.resume(thread)
      end
    end
  end
  stop = register(done)
  if over then
    return stop()
  end
  vim.defer_fn(done, milliseconds)
  coroutine.yield()
end

---@param buffer integer
---@param method string
---@param own integer id of Roo's client
---@return vim.lsp.Client[]
local function able(buffer, method, own)
  return vim.tbl_filter(function(client)
    return client.id ~= own and client.name ~= 'roo'
  end, vim.lsp.get_clients({ bufnr = buffer, method = method }))
end

--- The buffer of a file; a file that is not open is opened hidden, as its servers need it.
---@param uri string
---@return integer? buffer nil where there is no such file
---@return boolean fresh whether it was opened for this
local function buffer_of(uri)
  local path = vim.uri_to_fname(uri)
  local buffer = vim.fn.bufadd(path)
  if vim.api.nvim_buf_is_loaded(buffer) then
    return buffer, false
  end
  if vim.fn.filereadable(path) == 0 then
    return nil, false
  end
  -- Roo itself does not take it as open: edits of a buffer that nobody sees would stay unsaved.
  vim.b[buffer].roo_hidden = true
  local swap = vim.bo[buffer].swapfile
  vim.bo[buffer].swapfile = false -- no question about a swap file, whoever else has it open
  vim.fn.bufload(buffer)
  vim.bo[buffer].swapfile = swap
  return buffer, true
end

---@param buffer integer
---@param method string
---@param own integer
local function until_attached(buffer, method, own)
  wait(LOAD_MS, function(done)
    local id = vim.api.nvim_create_autocmd('LspAttach', {
      buffer = buffer,
      callback = function()
        if #able(buffer, method, own) > 0 then
          done()
        end
      end,
    })
    return function()
      pcall(vim.api.nvim_del_autocmd, id)
    end
  end)
end

---@class roo.Reply
---@field client vim.lsp.Client
---@field error lsp.ResponseError?
---@field result any

--- Ask these servers, in parallel.
---@param clients vim.lsp.Client[]
---@param method string
---@param params fun(client: vim.lsp.Client): table
---@param buffer integer?
---@return roo.Reply[] replies in the order of the servers; one that says nothing in time has none
local function ask(clients, method, params, buffer)
  local replies, left = {}, #clients
  wait(ANSWER_MS, function(done)
    for index, client in ipairs(clients) do
      local sent = client:request(method, params(client), function(err, result)
        replies[index] = { client = client, error = err, result = result ~= vim.NIL and result or nil }
        left = left - 1
        if left == 0 then
          done()
        end
      end, buffer)
      if not sent then
        left = left - 1
      end
    end
    if left == 0 then
      done()
    end
    return function() end
  end)
  local heard = {}
  for index = 1, #clients do
    table.insert(heard, replies[index])
  end
  return heard
end

--- A list of what each said; a single value counts as a list of one.
---@param replies roo.Reply[]
---@return table?
local function together(replies)
  local all, answered = {}, false
  for _, reply in ipairs(replies) do
    if not reply.error then
      answered = true
      local result = reply.result or {}
      vim.list_extend(all, vim.islist(result) and result or { result })
    end
  end
  return answered and all or nil
end

--- The first list that has something in it, else an empty one.
---@param replies roo.Reply[]
---@return table?
local function first_list(replies)
  local answered = nil
  for _, reply in ipairs(replies) do
    if not reply.error then
      answered = answered or reply.result or {}
      if reply.result and #reply.result > 0 then
        return reply.result
      end
    end
  end
  return answered
end

---@param replies roo.Reply[]
---@return any
local function first(replies)
  for _, reply in ipairs(replies) do
    if not reply.error and reply.result then
      return reply.result
    end
  end
end

local METHODS = {
  ['roo/definition'] = { 'textDocument/definition', together },
  ['roo/references'] = { 'textDocument/references', together },
  ['roo/hover'] = { 'textDocument/hover', first },
  ['roo/documentSymbol'] = { 'textDocument/documentSymbol', first_list },
  ['roo/workspaceSymbol'] = { 'workspace/symbol', together },
  ['roo/rename'] = { 'textDocument/rename', first },
}

---@param reply roo.Reply
---@param uri string
---@param to roo.Encoding
---@return roo.Reply
local function converted(reply, uri, to)
  local from = reply.client.offset_encoding
  local by = { from = from, to = to, lines = positions.lines() }
  return { client = reply.client, error = reply.error, result = positions.convert(reply.result, uri, by) }
end

---@param replies roo.Reply[]
---@return lsp.ResponseError?
local function refusal(replies)
  for _, reply in ipairs(replies) do
    if reply.error then
      return vim.lsp.rpc_response_error(vim.lsp.protocol.ErrorCodes.InvalidRequest, reply.error.message)
    end
  end
end

--- Answers one of the `roo/*` requests. Runs in the coroutine that Neovim gives such a handler.
---@param name string the request
---@param params table
---@param own integer id of the client that asks
---@return any result `vim.NIL` where no server can tell
---@return lsp.ResponseError?
local function forward(name, params, own)
  local method, merge = unpack(METHODS[name])
  local uri = (params.textDocument or {}).uri
  local buffer, fresh
  if uri then
    buffer, fresh = buffer_of(uri)
    if not buffer then
      return vim.NIL
    end
    if fresh and #able(buffer, method, own) == 0 then
      until_attached(buffer, method, own)
    end
  end
  local clients = able(buffer, method, own)
  if #clients == 0 then
    return vim.NIL
  end
  local asking = assert(vim.lsp.get_client_by_id(own)).offset_encoding
  local replies = ask(clients, method, function(client)
    local by = { from = asking, to = client.offset_encoding, lines = positions.lines() }
    return positions.convert(params, uri or '', by)
  end, buffer)
  replies = vim.tbl_map(function(reply)
    return converted(reply, uri or '', asking)
  end, replies)
  local answer = merge(replies)
  if answer ~= nil then
    return answer
  end
  local why = name == 'roo/rename' and refusal(replies) or nil
  if why then
    return nil, why
  end
  return vim.NIL
end

---@return table<string, lsp.Handler>
function M.handlers()
  local handlers = {}
  for name in pairs(METHODS) do
    handlers[name] = function(_, params, context)
      return forward(name, params, context.client_id)
    end
  end
  return handlers
end

return M
