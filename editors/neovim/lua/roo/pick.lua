--- Picking from what there is, by `vim.ui.select`.
local client = require('roo.client')

local M = {}

---@class roo.Pick
---@field prompt string
---@field kind string
---@field items (fun(result: any): table[])? what there is, in what the command results in
---@field none string? said where there is nothing
---@field line (fun(item: any, result: any): string)? how an item is shown

--- Let the user pick from what a command of the server lists.
---@param command string
---@param argument table?
---@param spec roo.Pick
---@param picked fun(item: any, server: vim.lsp.Client, result: any)
function M.from(command, argument, spec, picked)
  client.run(command, argument, function(result, server)
    local items = spec.items and spec.items(result) or result
    if #items == 0 then
      return client.tell(spec.none)
    end
    vim.ui.select(items, {
      prompt = spec.prompt,
      kind = spec.kind,
      format_item = function(item)
        return spec.line and spec.line(item, result) or item
      end,
    }, function(item)
      if item then
        picked(item, server, result)
      end
    end)
  end)
end

--- Let the user pick what to do: a list of names with functions.
---@param actions table[]
---@param prompt string
---@param kind string
---@param ... any what the function gets
function M.action(actions, prompt, kind, ...)
  local given = { ... }
  vim.ui.select(actions, {
    prompt = prompt,
    kind = kind,
    format_item = function(action)
      return action[1]
    end,
  }, function(action)
    if action then
      action[2](unpack(given))
    end
  end)
end

---@param text string
---@return string
function M.on_one_line(text)
  return (text:gsub('%s+', ' '))
end

return M
