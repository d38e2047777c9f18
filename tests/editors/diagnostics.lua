-- `roo/diagnostics` as a client answers it: what other sources say of these files; with `wait`, once
-- one of them has spoken about the text as it is now, and after 1.5 s at the latest.

local spoken = {} -- buffer → its changedtick when another source last spoke about it
local held = {} -- answers that wait

vim.api.nvim_create_autocmd('DiagnosticChanged', {
  callback = function(event)
    local first = event.data.diagnostics[1]
    if first and (first.source or ''):lower() == 'roo' then
      return
    end
    spoken[event.buf] = vim.b[event.buf].changedtick
    for look in pairs(held) do
      look()
    end
  end,
})

local function buffers(uris)
  local found = {}
  for _, uri in ipairs(uris) do
    local buffer = vim.fn.bufnr(vim.uri_to_fname(uri))
    if buffer > 0 and vim.api.nvim_buf_is_loaded(buffer) then
      found[uri] = buffer
    end
  end
  return found
end

local function all_spoken(found)
  for _, buffer in pairs(found) do
    if spoken[buffer] and spoken[buffer] < vim.b[buffer].changedtick then
      return false
    end
  end
  return true
end

local function hold(found)
  local thread = coroutine.running()
  local look
  look = function(late)
    if held[look] and (late or all_spoken(found)) then
      held[look] = nil
      coroutine.resume(thread)
    end
  end
  held[look] = true
  vim.defer_fn(function() look(true) end, 1500)
  coroutine.yield()
end

vim.lsp.config('roo', {
  init_options = { client = { extensions = { 'roo/diagnostics' } } },
  handlers = {
    ['roo/diagnostics'] = function(_, params)
      local found = buffers(params.uris)
      if params.wait and not all_spoken(found) then
        hold(found)
      end
      local items = {}
      for uri, buffer in pairs(found) do
        table.insert(items, {
          uri = uri,
          diagnostics = vim.tbl_map(function(each)
            return {
              range = { start = { line = each.lnum, character = each.col } },
              severity = each.severity,
              message = each.message,
              source = each.source,
            }
          end, vim.diagnostic.get(buffer)),
        })
      end
      return { items = items }
    end,
  },
})
