--- Positions of LSP, from one server's encoding to another's.
local M = {}

---@alias roo.Encoding 'utf-8'|'utf-16'|'utf-32'

--- Texts of files by URI, read once for one conversion.
---@class roo.Lines
---@field known table<string, string[]>
local Lines = {}
Lines.__index = Lines

---@return roo.Lines
function M.lines()
  return setmetatable({ known = {} }, Lines)
end

---@param uri string
---@return string[]
local function read(uri)
  if not vim.startswith(uri, 'file:') then
    return {}
  end
  local path = vim.uri_to_fname(uri)
  local buffer = vim.fn.bufnr(path)
  if buffer > 0 and vim.api.nvim_buf_is_loaded(buffer) and vim.api.nvim_buf_get_name(buffer) == path then
    return vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
  end
  local ok, lines = pcall(vim.fn.readfile, path)
  return ok and lines or {}
end

---@param uri string
---@param row integer from 0
---@return string
function Lines:get(uri, row)
  self.known[uri] = self.known[uri] or read(uri)
  return self.known[uri][row + 1] or ''
end

---@param line string
---@param character integer
---@param from roo.Encoding
---@param to roo.Encoding
---@return integer
function M.character(line, character, from, to)
  if from == to then
    return character
  end
  local byte = vim.str_byteindex(line, from, character, false)
  return vim.str_utfindex(line, to, byte, false)
end

---@class roo.Conversion
---@field from roo.Encoding
---@field to roo.Encoding
---@field lines roo.Lines

---@param position lsp.Position
---@param uri string
---@param by roo.Conversion
---@return lsp.Position
local function position(position, uri, by)
  local line = by.lines:get(uri, position.line)
  return { line = position.line, character = M.character(line, position.character, by.from, by.to) }
end

--- A copy of an LSP value with every position in it converted. A position belongs to the nearest
--- URI around it.
---@param value any
---@param uri string the document the value is about
---@param by roo.Conversion
---@return any
function M.convert(value, uri, by)
  if by.from == by.to or type(value) ~= 'table' then
    return value
  end
  if type(value.line) == 'number' and type(value.character) == 'number' then
    return position(value, uri, by)
  end
  local own = value.targetUri or value.uri or (value.textDocument or {}).uri or uri
  local copy = setmetatable({}, getmetatable(value))
  for key, each in pairs(value) do
    local about = own
    if key == 'originSelectionRange' then
      about = uri
    elseif type(key) == 'string' and vim.startswith(key, 'file:') then
      about = key -- of `WorkspaceEdit.changes`
    end
    copy[key] = M.convert(each, about, by)
  end
  return copy
end

return M
