--- What a user can set, and what it is when nothing is set.
local M = {}

---@class roo.ChatConfig
---@field position 'right'|'left'|'bottom'|'tab' where the chat opens
---@field width number columns; below 1 a part of the screen
---@field height number lines, for `bottom`; below 1 a part of the screen
---@field open_on_start boolean `:Roo {prompt}` shows the chat, without going there
---@field lines_shown integer lines of one tool's output in the chat; the rest is in the transcript
---@field open_diff_lines integer a diff with no more lines is not folded

---@class roo.ApprovalsConfig
---@field without_chat 'float'|'select'|'none' how a question is shown while no chat is
---@field float_lines integer lines of the float at the most

---@class roo.ReviewConfig
---@field inline boolean show hunks in the buffers
---@field hints boolean name the keys at each hunk
---@field keys table<roo.ReviewAction, string|false> in buffers with hunks, while there are some

---@alias roo.ReviewAction 'next'|'previous'|'keep'|'revert'|'keep_file'|'revert_file'
---@alias roo.ChatAction 'send'|'send_insert'|'close'|'cancel'|'approve'|'always'|'deny'|'deny_because'|'details'|'help'

---@class roo.Config
---@field cmd string[]|nil the program and its arguments
---@field settings table the server's settings: what stands below `roo` in its documentation
---@field root_markers string[] what makes a folder a project's
---@field chat roo.ChatConfig
---@field approvals roo.ApprovalsConfig
---@field review roo.ReviewConfig
---@field keys table<roo.ChatAction, string|false> in Roo's own buffers

---@type roo.Config
M.defaults = {
  cmd = nil,
  settings = {},
  root_markers = { '.roo', '.git', '.hg', '.jj' },
  chat = {
    position = 'right',
    width = 0.45,
    height = 0.4,
    open_on_start = true,
    lines_shown = 200,
    open_diff_lines = 40,
  },
  approvals = { without_chat = 'float', float_lines = 12 },
  review = {
    inline = true,
    hints = true,
    keys = {
      next = ']r',
      previous = '[r',
      keep = 'grk',
      revert = 'grv',
      keep_file = 'grK',
      revert_file = 'grV',
    },
  },
  keys = {
    send = '<CR>',
    send_insert = '<C-s>',
    close = 'q',
    cancel = '<C-c>',
    approve = 'ga',
    always = 'gA',
    deny = 'gd',
    deny_because = 'gD',
    details = 'K',
    help = 'g?',
  },
}

---@type roo.Config
M.current = vim.deepcopy(M.defaults)

---@type string[] what was wrong with what the user gave, for `:checkhealth`
M.problems = {}

---@param name string
---@return boolean free whether what stands below it has no fixed names
local function is_free(name)
  return name == 'settings' or name == 'cmd' or name == 'root_markers'
end

--- What of this can be used: names that nothing reads and values of another type are left out, and told.
---@param given table
---@param known table
---@param prefix string
---@return table usable
local function usable(given, known, prefix)
  local good = {}
  for name, value in pairs(given) do
    local path = prefix .. tostring(name)
    local default = known[name]
    if default == nil and path ~= 'cmd' then
      table.insert(M.problems, ('%s is not a setting of the plugin'):format(path))
    elseif type(default or {}) ~= type(value) and value ~= false then
      table.insert(M.problems, ('%s has to be a %s'):format(path, type(default or {})))
    elseif type(value) == 'table' and not is_free(path) then
      good[name] = usable(value, default, path .. '.')
    else
      good[name] = value
    end
  end
  return good
end

--- Take what the user gave, over the defaults.
---@param given table?
function M.set(given)
  M.problems = {}
  local good = usable(given or {}, M.defaults, '')
  M.current = vim.tbl_deep_extend('force', vim.deepcopy(M.defaults), good)
  if #M.problems > 0 then
    local told = table.concat(M.problems, '; ')
    vim.notify(('Roo: %s. See :help roo-settings.'):format(told), vim.log.levels.WARN)
  end
end

return M
