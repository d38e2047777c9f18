--- What Roo's server may ask or tell this client beyond what Neovim answers by itself.

local function event(client_id, roo)
  require('roo.events').receive(client_id, roo)
end

---@type table<string, lsp.Handler>
local handlers = {
  ['$/progress'] = function(err, params, context)
    local value = params.value
    if type(value) == 'table' then
      require('roo.statusline').progress(context.client_id, value)
      if type(value.roo) == 'table' then
        event(context.client_id, value.roo)
      end
    end
    return vim.lsp.handlers['$/progress'](err, params, context)
  end,
  ['roo/event'] = function(_, params, context)
    event(context.client_id, params)
  end,
  ['roo/requestPermission'] = function(_, params, context)
    return require('roo.approvals').requested(context.client_id, params)
  end,
  ['$/cancelRequest'] = function(_, _, context)
    require('roo.approvals').look_again(context.client_id)
  end,
  ['window/showMessageRequest'] = function(err, params, context)
    if require('roo.approvals').shows_questions() then
      -- Decides nothing: the chat and the float show it, from its event, or where that came before
      -- this server, from the list.
      require('roo.approvals').look_again(context.client_id)
      return vim.NIL
    end
    return vim.lsp.handlers['window/showMessageRequest'](err, params, context)
  end,
  ['window/showDocument'] = function(err, params, context)
    require('roo.windows').leave()
    return vim.lsp.handlers['window/showDocument'](err, params, context)
  end,
  ['textDocument/publishDiagnostics'] = function(err, params, context)
    vim.lsp.handlers['textDocument/publishDiagnostics'](err, params, context)
    require('roo.review').published(context.client_id, params.uri)
  end,
}

return vim.tbl_extend('error', handlers, require('roo.others').handlers(), require('roo.documents').handlers())
