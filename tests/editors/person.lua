-- What a person at this Neovim sees: dialogs, messages, progress. `_G.person` is read by the tests.

local person = { dialogs = {}, notes = {}, values = {} }
_G.person = person

-- A picker, as plugins replace it: the list stays open until the person picks or dismisses.
vim.ui.select = function(items, options, on_choice)
  local titles = vim.tbl_map(options.format_item or tostring, items)
  table.insert(person.dialogs, {
    prompt = options.prompt,
    titles = titles,
    open = true,
    close = function(title)
      for index, each in ipairs(titles) do
        if each == title then
          return on_choice(items[index], index)
        end
      end
      on_choice(nil, nil)
    end,
  })
end

-- The open dialog whose text has these words, and its place in the list.
function person.asked(words)
  for index, dialog in ipairs(person.dialogs) do
    if dialog.open and dialog.prompt:find(words, 1, true) then
      return { index = index, prompt = dialog.prompt, titles = dialog.titles }
    end
  end
end

-- Pick an item of a dialog by its title; nil dismisses it.
function person.pick(index, title)
  person.dialogs[index].open = false
  person.dialogs[index].close(title)
end

vim.notify = function(text)
  table.insert(person.notes, text)
end

vim.api.nvim_create_autocmd('LspProgress', {
  callback = function(event)
    table.insert(person.values, event.data.params.value)
  end,
})

local create = vim.lsp.handlers['window/workDoneProgress/create']
vim.lsp.handlers['window/workDoneProgress/create'] = function(...)
  table.insert(person.values, { kind = 'create' })
  return create(...)
end

-- The last event of a kind (and state), or nil.
function person.event(kind, state)
  for index = #person.values, 1, -1 do
    local update = vim.tbl_get(person.values[index], 'roo', 'update')
    if update and update.sessionUpdate == kind and (not state or update.state == state) then
      return update
    end
  end
end
