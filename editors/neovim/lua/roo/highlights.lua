--- The groups that Roo draws with; a colour scheme or the user may set each.
local M = {}

local LINKS = {
  RooUser = 'Function',
  RooAgent = 'Statement',
  RooTitle = 'Title',
  RooDim = 'Comment',
  RooRunning = 'DiagnosticInfo',
  RooDone = 'DiagnosticOk',
  RooFailed = 'DiagnosticError',
  RooWaiting = 'DiagnosticWarn',
  RooTool = 'Identifier',
  RooOutput = 'Comment',
  RooPayload = 'Normal',
  RooKey = 'Special',
  RooAdd = 'DiffAdd',
  RooDelete = 'DiffDelete',
  RooAddSign = 'Added',
  RooDeleteSign = 'Removed',
  RooHint = 'NonText',
}

--- Links what nobody has set.
function M.define()
  for name, target in pairs(LINKS) do
    vim.api.nvim_set_hl(0, name, { link = target, default = true })
  end
end

return M
