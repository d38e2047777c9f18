-- What a person at this Neovim sees: dialogs, messages, progress. `_G.person` is read by the tests.

local person = {}
_G.person = person

-- Forget all that was seen.
function person.forget()
  person.dialogs, person.notes, person.values, person.may_fail = {}, {}, {}, false
end
person.forget()

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

-- The message with these words, or nil.
function person.noted(words)
  return vim.iter(person.notes):find(function(note)
    return note:find(words, 1, true)
  end)
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

-- The lines, from 1, at which the changes that are drawn in this buffer begin.
function person.hunks()
  local marks = person.marks()
  return vim.tbl_map(function(mark)
    return mark[2] + 1
  end, marks)
end

-- The marks of these changes: each has lines above its first one.
function person.marks()
  local space = vim.api.nvim_create_namespace('roo.review')
  return vim.tbl_filter(function(mark)
    return mark[4].virt_lines ~= nil
  end, vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true }))
end

-- The first line that is drawn above one of these changes.
function person.above(number)
  return person.marks()[number][4].virt_lines[1][1][1]
end

-- The lines that are shown as taken out.
function person.taken_out()
  local lines = {}
  for _, mark in ipairs(person.marks()) do
    for _, line in ipairs(vim.list_slice(mark[4].virt_lines, 2)) do
      table.insert(lines, vim.trim(line[1][1]))
    end
  end
  return lines
end

return person
