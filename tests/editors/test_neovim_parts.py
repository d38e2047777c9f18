"""Parts of the plugin in a real Neovim, without a model: commands, drawing, requests of the server."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.editors.neovim import PLUGIN, Neovim, neovim, plugin
from tests.editors.test_neovim import a_project
from tests.editors.test_neovim import pytestmark as real

pytestmark = real

NOWHERE = {"provider": {"baseUrl": "http://127.0.0.1:9/v1", "modelId": "none"}}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Neovim, Path]]:
    base = tmp_path_factory.mktemp("neovim")
    folder = a_project(base)
    own = {"ROO_STATE_DIR": str(base / "state"), "ROO_CONFIG_DIR": str(base / "config")}
    with patch.dict(os.environ, own), neovim(folder, plugin(NOWHERE)) as it:
        it.edit(folder / "app.py")
        yield it, folder


@pytest.fixture
def editor(opened: tuple[Neovim, Path]) -> Neovim:
    it, folder = opened
    it.reset()
    it.edit(folder / "app.py")
    return it


@pytest.fixture
def folder(opened: tuple[Neovim, Path]) -> Path:
    return opened[1]


# --- :Roo ---------------------------------------------------------------------------------------


def test_a_line_is_a_command_only_if_it_reads_as_one_to_its_end(editor: Neovim) -> None:
    lines = {
        "test": True,
        "test the parser": False,
        "review": True,
        "review my last commit": False,
        "keep file": True,
        "keep it simple": False,
        "mode ask": True,
        "mode of failure?": False,
        "deny": True,
        "deny because it is wrong": True,
        "send": False,
        "send it": True,
        "start test": True,
        "tasks 20261125-093245-9194f6": True,
        "tasks of mine": False,
        "resume": True,
        "restore c12": True,
        "Review": False,
        "fix it": False,
    }
    is_command = "return require('roo.commands').parse(...) ~= nil"
    assert {line: editor.lua(is_command, line) for line in lines} == lines
    assert editor.lua("return select(2, require('roo.commands').parse('start test'))") == "test"


def test_commands_and_what_they_take_are_completed(editor: Neovim) -> None:
    def completes(line: str, words: str) -> None:
        """To these words; the server is given a little time for it, so a slow one is asked again."""
        found = f"vim.fn.getcompletion({line!r}, 'cmdline')"
        editor.until(f"table.concat({found}, ' ') == {words!r}")

    completes("Roo re", "restart restore resume revert review")
    completes("Roo mode a", "architect ask")
    completes("1,2Roo mode a", "architect ask")
    completes("Roo keep ", "all file")
    completes("Roo /c", "/cancel /changes /compact")
    completes("Roo fix the mode ", "")


def test_the_help_is_found_and_names_every_command(editor: Neovim, tmp_path: Path) -> None:
    (tmp_path / "doc").mkdir()
    text = (PLUGIN / "doc" / "roo.txt").read_text("utf-8")
    (tmp_path / "doc" / "roo.txt").write_text(text, "utf-8")
    editor.nvim.command(f"helptags {tmp_path}/doc")
    tags = (tmp_path / "doc" / "tags").read_text("utf-8")
    for tag in ("roo.txt", ":Roo", "roo-settings", "RooEvent", "g:roo_status"):
        assert f"{tag}\t" in tags
    own = set(editor.lua("return vim.fn.getcompletion('Roo ', 'cmdline')"))
    part = text[
        text.index("2. Commands\t\t\t\t\t\t\t*:Roo*") : text.index("3. The chat\t\t\t\t\t\t\t*")
    ]
    named = {word for line in part.splitlines() for word in line[:24].replace(",", " ").split()}
    assert own <= named
    links = editor.lua(
        "local found = {} for link in (...):gmatch('|([%w:-]+)|') do found[#found + 1] = link end"
        " return found",
        text,
    )
    missing = [link for link in links if f"{link}\t" not in tags and not _known(editor, link)]
    assert missing == []
    defaults = editor.lua("return vim.tbl_keys(require('roo.config').defaults)")
    assert all(f"  {name} = " in text for name in defaults if name != "cmd")


def _known(editor: Neovim, tag: str) -> bool:
    return tag in editor.lua("return vim.fn.getcompletion(..., 'help')", tag)


def test_checkhealth_says_what_there_is(editor: Neovim) -> None:
    editor.nvim.command("checkhealth roo")
    health = editor.text
    assert "✅ OK It answers: version" in health
    assert "✅ OK It runs in" in health
    assert "Endpoint: http://127.0.0.1:9/v1" in health
    assert "parser `markdown_inline`" in health
    assert "ERROR" not in health


def test_a_setting_that_nothing_reads_is_told_and_left_out(editor: Neovim) -> None:
    editor.configure("{ caht = {}, chat = 'left', review = { keys = { next = false } } }")
    [note] = editor.lua("return person.notes")
    assert "caht is not a setting of the plugin" in note
    assert "chat has to be a table" in note
    assert editor.lua("return require('roo.config').current.chat.position") == "right"
    assert editor.lua("return require('roo.config').current.review.keys.next") is False


# --- the chat -----------------------------------------------------------------------------------

FEED = """
    local client = vim.lsp.get_clients({ name = 'roo' })[1]
    local stored = {}
    _G.replayed_since = {}
    function _G.feed(update, unseen)
      local seq = #stored + 1
      local roo = { v = 1, taskId = 'a task', seq = seq, ts = 1790000000 + seq, update = update }
      table.insert(stored, roo)
      if not unseen then
        require('roo.events').receive(client.id, roo)
      end
    end
    function _G.words(text, unseen)
      feed({ sessionUpdate = 'agent_message_chunk', content = { type = 'text', text = text } }, unseen)
    end
    rawset(client, 'request', function(self, method, params, handler, ...)
      local argument = params.arguments and params.arguments[1]
      if argument and argument.taskId == 'a task' then
        table.insert(replayed_since, argument.sinceSeq)
        handler(nil, { events = vim.list_slice(stored, argument.sinceSeq + 1) })
        return true, 1
      end
      return vim.lsp.client.request(self, method, params, handler, ...)
    end)
    require('roo.chat').forget_all()
    require('roo.chat').open_task(client.id, 'a task', false)
"""
"""`feed(update, unseen)`, `words(text, unseen)`: what a server says of a task; unseen: it got lost."""


@pytest.fixture
def chat(editor: Neovim) -> Neovim:
    editor.lua(FEED)
    return editor


def test_twenty_thousand_deltas_are_few_changes_of_the_buffer(chat: Neovim) -> None:
    before, after = chat.lua("""
        local buffer = vim.api.nvim_win_get_buf(require('roo.windows').find('chat'))
        local before = vim.api.nvim_buf_get_changedtick(buffer)
        for number = 1, 20000 do
          words(number % 10 == 0 and 'end\\n' or 'word ')
        end
        vim.wait(60000, function()
          return vim.api.nvim_buf_line_count(buffer) > 2000
        end, 5)
        return { before, vim.api.nvim_buf_get_changedtick(buffer) }
    """)
    assert after - before < 20
    assert chat.chat().count("word word word word word word word word word end\n") == 2000


def test_what_was_said_is_coloured_once_however_long_the_chat_gets(chat: Neovim) -> None:
    painted, marks = chat.lua("""
        local paint, buffer = require('roo.paint'), vim.api.nvim_win_get_buf(require('roo.windows').find('chat'))
        local original, painted = paint.paint, 0
        paint.paint = function(where, first, last)
          painted = painted + last - first + 1
          return original(where, first, last)
        end
        for number = 1, 40 do
          local before = vim.api.nvim_buf_line_count(buffer)
          words('Some **bold** words.\\n\\n```lua\\nlocal x = ' .. number .. '\\n```\\n\\n')
          vim.wait(60000, function() return vim.api.nvim_buf_line_count(buffer) > before end, 2)
        end
        paint.paint = original
        local space = vim.api.nvim_create_namespace('roo.markdown')
        local marks = {}
        for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(buffer, space, 0, -1, { details = true })) do
          marks[mark[4].hl_group] = (marks[mark[4].hl_group] or 0) + 1
        end
        return { painted, marks }
    """)
    assert painted < 40 * 10, "seven lines come each time"
    assert marks["@markup.strong.markdown_inline"] == 40
    assert marks["@keyword.lua"] == 40


def test_the_cursor_stays_where_the_reader_is_and_follows_at_the_end(chat: Neovim) -> None:
    chat.lua("words(('line\\n'):rep(100) .. 'last')")
    chat.shown("last")
    where = "vim.api.nvim_win_get_cursor(require('roo.windows').find('chat'))[1]"
    assert chat.lua(f"return {where}") == len(chat.chat().splitlines())
    chat.lua("vim.api.nvim_win_set_cursor(require('roo.windows').find('chat'), { 5, 0 })")
    chat.lua("words('\\nand more')")
    chat.shown("and more")
    assert chat.lua(f"return {where}") == 5


def test_calls_are_one_line_that_opens_to_their_output(chat: Neovim) -> None:
    chat.lua("""
        feed({ sessionUpdate = 'tool_call', toolCallId = 'one', title = 'execute_command',
          kind = 'execute', status = 'pending', _meta = { tool = 'execute_command' } })
        feed({ sessionUpdate = 'tool_call', toolCallId = 'two', title = 'read_file',
          kind = 'read', status = 'pending', _meta = { tool = 'read_file' } })
        for _, output in ipairs({ 'a', 'b\\nc', '\\n' }) do
          feed({ sessionUpdate = 'tool_call_update', toolCallId = 'one', title = 'Run make',
            status = 'in_progress', _meta = { output = output } })
        end
        feed({ sessionUpdate = 'tool_call_update', toolCallId = 'two', title = 'Read *all*',
          status = 'completed', rawOutput = '1 | x' })
        feed({ sessionUpdate = 'tool_call_update', toolCallId = 'one', title = 'Run make',
          status = 'completed', rawOutput = 'ab c', _meta = { exitCode = 2 } })
        words('Done.')
    """)
    closed = "## Roo\n\n    ✗ Run make\n    ✓ Read *all*\n\nDone.\n"
    assert chat.shown("Done.") == closed
    chat.type("<C-w>l<C-w>k3Gza")
    opened = closed.replace("make\n", "make\n      ab\n      c\n")
    assert chat.chat() == opened
    chat.type("zR")
    assert chat.chat() == opened.replace("*all*\n", "*all*\n      1 | x\n")
    chat.type("zM")
    assert chat.chat() == closed


def test_a_gap_in_the_numbers_is_fetched(chat: Neovim) -> None:
    chat.lua("""
        words('first ')
        words('second ', true)
        words('third ')
        words('fourth')
    """)
    assert chat.shown("fourth").endswith("first second third fourth\n")
    assert chat.lua("return replayed_since") == [0, 1]


def test_hooks_of_the_user_get_each_event_whole(chat: Neovim) -> None:
    heard: list[dict[str, Any]] = chat.lua("""
        local heard = {}
        local id = vim.api.nvim_create_autocmd('User', {
          pattern = 'RooEvent',
          callback = function(event) table.insert(heard, event.data) end,
        })
        words('hello')
        vim.api.nvim_del_autocmd(id)
        return heard
    """)
    assert heard[0]["roo"]["update"]["content"]["text"] == "hello"
    assert heard[0]["roo"]["seq"] == 1


def test_a_silent_model_is_seen_to_work_above_the_chat_until_it_speaks(chat: Neovim) -> None:
    bar = "vim.wo[require('roo.windows').find('chat')].winbar"
    chat.lua("""
        feed({ sessionUpdate = '_state', state = 'running' })
        feed({ sessionUpdate = '_at_work', seconds = 20, tokens = 1200, tokensPerSecond = 6.2 })
    """)
    chat.until(f"{bar}:find('● 1.2k tokens, 6.2/s', 1, true)")
    chat.lua("words('Now.')")
    chat.until(f"{bar}:find('● working', 1, true)")
    chat.lua("feed({ sessionUpdate = '_state', state = 'idle', stopReason = 'end_turn' })")


def test_the_status_line_says_what_runs_what_waits_and_how_it_ended(editor: Neovim) -> None:
    shown = editor.lua("""
        local status, seen = require('roo.statusline'), {}
        local function progress(kind, message)
          status.progress(0, { kind = kind, message = message })
          table.insert(seen, { require('roo').statusline(), vim.g.roo_status })
        end
        progress('begin', 'Fix it')
        progress('report', 'Read app.py')
        progress('end', 'Done: it works')
        progress('report', 'Kept app.py')
        status.lost(0)
        return seen
    """)
    assert shown == [
        [line, line]
        for line in ("Roo ● Fix it", "Roo ● Read app.py", "Roo Done: it works", "Roo Kept app.py")
    ]


# --- what the server asks of the editor ---------------------------------------------------------

OTHERS = """
    -- A language server in this process. It counts in UTF-16, Roo in UTF-8.
    function _G.serve(name, answers)
      return vim.lsp.start({
        name = name,
        root_dir = vim.fn.getcwd(),
        cmd = function(dispatchers)
          local closing = false
          return {
            request = function(method, params, callback)
              vim.schedule(function()
                local answer = method == 'initialize' and { capabilities = answers.capabilities }
                  or answers[method]
                answer = type(answer) == 'function' and answer(params) or answer
                if type(answer) == 'table' and answer.refuses then
                  callback({ code = -32803, message = answer.refuses })
                else
                  callback(nil, answer)
                end
              end)
              return true, 1
            end,
            notify = function() return true end,
            is_closing = function() return closing end,
            terminate = function() closing = true dispatchers.on_exit(0, 0) end,
          }
        end,
      }, { bufnr = 0 })
    end
    -- What Roo's server would get.
    function _G.ask(method, params)
      local own = vim.lsp.get_clients({ name = 'roo' })[1]
      assert(own.offset_encoding == 'utf-8')
      local over, result, err = false, nil, nil
      coroutine.wrap(function()
        result, err = own.handlers[method](nil, params, { client_id = own.id, method = method })
        over = true
      end)()
      assert(vim.wait(60000, function() return over end, 5))
      return { json = vim.json.encode(result), error = err and err.message }
    end
    function _G.stop_others()
      for _, client in ipairs(vim.lsp.get_clients()) do
        if client.name ~= 'roo' then client:stop(true) end
      end
    end
"""
AT = "{ textDocument = { uri = vim.uri_from_bufnr(0) }, position = { line = 0, character = %d } }"


@pytest.fixture
def others(editor: Neovim, folder: Path) -> Iterator[Neovim]:
    (folder / "wide.py").write_text("é𝄞 = 1\n", "utf-8")
    editor.edit(folder / "wide.py")
    editor.lua(OTHERS)
    yield editor
    editor.lua("stop_others()")


def test_definitions_are_asked_of_every_other_server_in_its_own_encoding(others: Neovim) -> None:
    found = others.lua(
        """
        local uri = vim.uri_from_bufnr(0)
        local function answer(params)
          _G.asked = params.position.character
          return { uri = uri, range = {
            start = { line = 0, character = 1 }, ['end'] = { line = 0, character = 3 } } }
        end
        local capabilities = { definitionProvider = true }
        serve('one', { capabilities = capabilities, ['textDocument/definition'] = answer })
        serve('two', { capabilities = capabilities, ['textDocument/definition'] = { answer({ position = { character = 0 } }) } })
        serve('three', { capabilities = {}, ['textDocument/definition'] = answer })
        vim.wait(60000, function()
          return #vim.lsp.get_clients({ bufnr = 0, method = 'textDocument/definition' }) == 2
        end, 5)
        local reply = vim.json.decode(ask('roo/definition', %s).json)
        return { asked, reply }
        """
        % (AT % 6)
    )
    asked, reply = found
    assert asked == 3, "six bytes are three units of UTF-16"
    assert len(reply) == 2
    assert reply[0]["range"] == {
        "start": {"line": 0, "character": 2},
        "end": {"line": 0, "character": 6},
    }


def test_roo_itself_is_never_asked(others: Neovim) -> None:
    asked = others.lua(
        """
        local own = vim.lsp.get_clients({ name = 'roo' })[1]
        local before, asked = own.request, {}
        own.server_capabilities.definitionProvider = true
        own.request = function(self, method, params, handler)
          table.insert(asked, method)
          handler(nil, {})
          return true, 1
        end
        local reply = ask('roo/definition', %s)
        own.request, own.server_capabilities.definitionProvider = before, nil
        return { asked, reply.json }
        """
        % (AT % 0)
    )
    assert asked == [[], "null"]


def test_no_server_is_null_and_one_that_finds_nothing_is_an_empty_list(others: Neovim) -> None:
    before = others.lua("return ask('roo/references', %s).json" % (AT % 0))
    after = others.lua(
        """
        serve('one', { capabilities = { referencesProvider = true }, ['textDocument/references'] = vim.NIL })
        vim.wait(60000, function()
          return #vim.lsp.get_clients({ bufnr = 0, method = 'textDocument/references' }) == 1
        end, 5)
        return ask('roo/references', %s).json
        """
        % (AT % 0)
    )
    assert (before, after) == ("null", "[]")


def test_a_rename_gives_the_edit_and_changes_nothing_and_a_refusal_its_words(
    others: Neovim, folder: Path
) -> None:
    ask = "ask('roo/rename', vim.tbl_extend('force', %s, { newName = 'b' }))" % (AT % 0)
    edited, refused = others.lua(
        f"""
        local uri = vim.uri_from_bufnr(0)
        local range = {{ start = {{ line = 0, character = 0 }}, ['end'] = {{ line = 0, character = 3 }} }}
        local answer = {{ changes = {{ [uri] = {{ {{ range = range, newText = 'b' }} }} }} }}
        serve('one', {{
          capabilities = {{ renameProvider = true }},
          ['textDocument/rename'] = function() return answer end,
        }})
        vim.wait(60000, function()
          return #vim.lsp.get_clients({{ bufnr = 0, method = 'textDocument/rename' }}) == 1
        end, 5)
        local edited = vim.json.decode({ask}.json)
        answer = {{ refuses = 'not a name' }}
        return {{ edited, {ask}.error }}
        """
    )
    [change] = edited["changes"].values()
    assert change[0]["range"]["end"]["character"] == 6, "in Roo's encoding"
    assert refused == "not a name"
    assert others.text == "é𝄞 = 1\n"


def test_a_file_that_is_not_open_is_opened_where_nobody_sees_it(
    others: Neovim, folder: Path
) -> None:
    (folder / "closed.py").write_text("x = 1\n", "utf-8")
    uri = (folder / "closed.py").as_uri()
    symbols, window, listed, own = others.lua(
        """
        local uri = ...
        vim.api.nvim_create_autocmd('FileType', { once = true, callback = function(event)
          if vim.api.nvim_buf_get_name(event.buf):find('closed.py') then
            vim.lsp.buf_attach_client(event.buf, serve('one', {
              capabilities = { documentSymbolProvider = true },
              ['textDocument/documentSymbol'] = { { name = 'x' } },
            }))
          end
        end })
        local reply = ask('roo/documentSymbol', { textDocument = { uri = uri } })
        local buffer = vim.uri_to_bufnr(uri)
        local own = #vim.lsp.get_clients({ bufnr = buffer, name = 'roo' })
        return { reply.json, vim.fn.bufwinid(buffer), vim.bo[buffer].buflisted, own }
        """,
        uri,
    )
    assert (symbols, window, listed) == ('[{"name":"x"}]', -1, False)
    assert own == 0, "an edit of a buffer that nobody sees would stay unsaved"
    others.edit(folder / "closed.py")


def test_diagnostics_are_those_of_others_once_they_have_spoken(others: Neovim) -> None:
    said, silent = others.lua("""
        local space = vim.api.nvim_create_namespace('other')
        local uri = vim.uri_from_bufnr(0)
        local function say(message)
          vim.diagnostic.set(space, 0, { {
            lnum = 0, col = 2, end_lnum = 0, end_col = 6, message = message, severity = 1, source = 'lint' } })
        end
        say('old')
        vim.api.nvim_buf_set_lines(0, 0, 1, false, { 'é𝄞 = 2' })
        vim.defer_fn(function() say('new') end, 20)
        local said = vim.json.decode(ask('roo/diagnostics', { uris = { uri }, wait = true }).json)
        vim.diagnostic.reset(space, 0)
        local all = vim.json.decode(ask('roo/diagnostics', {}).json)
        return { said, all }
    """)
    [item] = said["items"]
    assert [each["message"] for each in item["diagnostics"]] == ["new"]
    assert item["diagnostics"][0]["range"]["start"] == {"line": 0, "character": 2}
    assert [each["diagnostics"] for each in silent["items"]] == [[]], "looked at, and clean"


def test_what_is_saved_is_said_and_what_cannot_be_saved_is_told(
    editor: Neovim, folder: Path
) -> None:
    editor.lua(OTHERS)
    editor.type("ochanged<Esc>")
    reply, uri = editor.lua("""
        local uri = vim.uri_from_bufnr(0)
        return { vim.json.decode(ask('roo/saveDocuments', { uris = { uri } }).json), uri }
    """)
    assert reply == {"saved": [uri]}
    assert "changed" in (folder / "app.py").read_text("utf-8")
    reply = editor.lua("""
        vim.bo.readonly = true
        vim.api.nvim_buf_set_lines(0, 0, 1, false, { 'x' })
        return ask('roo/saveDocuments', { uris = { vim.uri_from_bufnr(0) } }).json
    """)
    assert reply == '{"saved":[]}'
    assert "Roo could not save app.py: E45" in editor.until("person.notes[1]")
