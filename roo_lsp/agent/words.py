"""Words of other agents for what our tools do, as data: `vocabulary.py` reads them.

Names are folded: lower case, without `_`, `-` and blanks. Each comes from the tools that an agent
offers its models, which learn them by heart: Roo Code and Kilo Code, Cline, Claude Code, Codex,
Gemini CLI and Qwen Code, OpenCode and Crush, Cursor, GitHub Copilot in VS Code, OpenHands and
SWE-agent with Anthropic's text editor, Windsurf, Continue, Zed, Amp.
"""

from collections.abc import Mapping


def _each(of: Mapping[str, str]) -> dict[str, str]:
    """`{ours: "theirs theirs"}` the other way round."""
    return {word: ours for ours, words in of.items() for word in words.split()}


TOOLS: Mapping[str, str] = _each(
    {
        "read_file": "read view viewfile openfile open cat readtextfile readfilecontents readfiletool",
        "list_files": "ls list listdir listdirectory listfolder lstool listdirectorycontents",
        "search_files": "grep grepsearch grepfiles greptool ripgrep rg searchfilecontent "
        "searchfilecontents searchinfiles searchtext findinfiles",
        "write_to_file": "write writefile createfile createnewfile newfile savefile writefiletool",
        "edit": "editfile fileedit edittool replace searchreplace strreplace replacestringinfile "
        "singlefindandreplace stringreplace multiedit",
        "apply_diff": "replaceinfile",
        "apply_patch": "patch deletefile removefile",
        "execute_command": "bash shell sh exec terminal runcommand runshellcommand runshell runbash "
        "runterminalcmd runterminalcommand runinterminal executebash shellcommand execcommand "
        "bashtool localshell execute",
        "update_todo_list": "todowrite writetodos updateplan managetodolist updatetodos settodos",
        "ask_followup_question": "askuser askuserquestion askquestion question requestuserinput",
        "switch_mode": "setmode changemode",
        "new_task": "newtask",
        "attempt_completion": "finish done complete completetask taskcomplete finalanswer submit",
    }
)
"""Which of our tools a tool of another agent is: one that does the same."""

DELETING = frozenset(("deletefile", "removefile"))
"""Those of `apply_patch` that name a file to go away."""

EDITORS = frozenset(
    [
        "strreplaceeditor",
        "strreplacebasededittool",
        "texteditor",
        "texteditortool",
        "strreplacebasededit",
    ]
)
"""Tools that are several: their `command` says which (Anthropic's text editor and its likes)."""

EDITOR_COMMANDS: Mapping[str, str] = {
    "view": "read_file",
    "create": "write_to_file",
    "str_replace": "edit",
}
"""The ones that we have; `insert` and `undo_edit` would need the file as it is, or was."""

NEAREST: Mapping[str, str] = _each(
    {
        "list_files": "glob findfiles filesearch findpath findbyname fileglobsearch find tree",
        "search_files": "search codebasesearch semanticsearch codesearch searchcode searchcodebase",
        "apply_diff": "insertcontent insertedit inserteditintofile applyedit editexistingfile insert "
        "searchandreplace multireplacestringinfile replacefilecontent smartedit",
        "execute_command": "python ipython runpython executeipythoncell runtests test pythonrepl",
        "read_command_output": "bashoutput getterminaloutput readterminal checkcommandstatus",
        "document_symbols": "listcodedefinitionnames listsymbols codeoutline",
        "get_diagnostics": "geterrors readlints diagnostics getproblems",
        "new_task": "task agent subagent runsubagent dispatchagent delegate spawnagent",
        "read_file": "readmanyfiles readfiles viewimage readnotebook",
    }
)
"""What comes nearest to tools that do something else: told, never called in their place."""

PATH = (
    "filepath filename file targetfile absolutepath absolutefilepath relativepath "
    "relativeworkspacepath targetpath"
)
"""Names of a file."""
FOLDER = "directory dir dirpath directorypath folder targetdirectory searchpath searchdirectory"

ARGUMENTS: Mapping[str, Mapping[str, str]] = {
    "read_file": _each(
        {
            "path": PATH,
            "start_line": "startline startlineoneindexed linestart fromline",
            "end_line": "endline endlineoneindexedinclusive lineend toline",
        }
    ),
    "list_files": _each({"path": f"{PATH} {FOLDER}", "recursive": "recurse"}),
    "search_files": _each(
        {
            "path": f"{PATH} {FOLDER}",
            "regex": "pattern query search searchpattern regexp searchterm text",
            "file_pattern": "include includes includepattern glob fileglob globpattern filter",
        }
    ),
    "write_to_file": _each(
        {"path": PATH, "content": "contents filetext text codecontent filecontent body data"}
    ),
    "edit": _each(
        {
            "file_path": f"{PATH} path",
            "old_string": "oldstr oldtext old search find searchstring original",
            "new_string": "newstr newtext new replace replacement replacestring replacewith updated",
            "replace_all": "all allowmultiple",
        }
    ),
    "apply_diff": _each({"path": PATH}),
    "apply_patch": _each({"patch": "input patchtext patchcontent"}),
    "execute_command": _each(
        {
            "command": "cmd commandline shellcommand bashcommand script",
            "cwd": f"workdir workingdirectory workingdir cd basedir {FOLDER}",
            "timeout": "timeoutseconds timeoutsecs",
            "no_sandbox": "withescalatedpermissions dangerouslydisablesandbox",
        }
    ),
    "update_todo_list": _each({"todos": "todolist plan items tasks todo list"}),
    "ask_followup_question": _each(
        {
            "question": "message prompt text query",
            "follow_up": "options suggestions choices answers",
        }
    ),
    "new_task": _each({"mode": "modeslug slug", "message": "prompt task instructions"}),
    "switch_mode": _each({"mode_slug": "mode slug modename", "reason": "why explanation"}),
    "attempt_completion": _each(
        {"result": "message summary answer text finalanswer output final response"}
    ),
}
"""What other agents call the arguments of our tools, by ours."""

PURPOSES = frozenset(
    [
        "description",
        "explanation",
        "instruction",
        "instructions",
        "taskprogress",
        "displaydescription",
        "justification",
        "reason",
        "reasoning",
        "rationale",
        "thought",
        "thoughts",
        "thinking",
        "goal",
        "intent",
        "purpose",
        "securityrisk",
        "toolsummary",
        "toolaction",
        "waitforprevioustools",
        "activeform",
    ]
)
"""Arguments of any tool that say why, and change nothing."""

Harmless = Mapping[str, tuple[object, ...] | None]
"""Arguments that change nothing: with these values, or (None) with any."""

HARMLESS: Mapping[str, Harmless] = {
    "switch_mode": {},
    "new_task": {},
    "read_file": {
        "shouldreadentirefile": None,
        "encoding": ("utf-8", "utf8", "UTF-8"),
        "mode": ("slice",),
    },
    "list_files": {
        "ignore": None,
        "limit": None,
        "offset": (0, 1),
        "depth": (0, 1),
        "respectgitignore": (True,),
        "filefilteringoptions": None,
    },
    "search_files": {
        "outputmode": None,
        "headlimit": None,
        "limit": None,
        "maxresults": None,
        "maxmatches": None,
        "offset": (0,),
        "n": None,
        "isregexp": (True,),
        "isregex": (True,),
        "literaltext": (False,),
        "fixedstrings": (False,),
        "casesensitive": (True,),
        "i": (False,),
        "ignorecase": (False,),
        "multiline": (False,),
        "a": None,
        "b": None,
        "c": None,
        "contextlines": None,
        "matchperline": None,
        "excludepattern": ("",),
        "noignore": (False,),
    },
    "write_to_file": {
        "linecount": None,
        "emptyfile": (False,),
        "overwrite": (True,),
        "append": (False,),
        "encoding": ("utf-8", "utf8", "UTF-8"),
    },
    "edit": {"expectedreplacements": (1,), "useregex": (False,), "isregex": (False,)},
    "apply_diff": {},
    "apply_patch": {},
    "execute_command": {
        "requiresapproval": (False,),
        "requireuserapproval": (False,),
        "safetoautorun": (True,),
        "isinput": (False, "false"),
        "isbackground": (False, "false"),
        "runinbackground": (False,),
        "blocking": (True,),
        "waitforcommand": (True,),
        "restart": (False,),
        "login": (True, False),
        "withescalatedpermissions": (False,),
        "dangerouslydisablesandbox": (False,),
        "sandboxpermissions": ("use_default",),
        "yieldtimems": None,
        "maxoutputtokens": None,
        "waitmsbeforeasync": None,
        "shell": ("bash", "/bin/bash"),
        "tty": (False,),
    },
    "update_todo_list": {"merge": (False,), "operation": ("write",)},
    "ask_followup_question": {
        "header": None,
        "multiselect": (False,),
        "needsmoreexploration": None,
    },
    "attempt_completion": {"taskcompleted": None, "success": None},
}
"""What may be left out of a call of ours. Everything else that is not known is told to the model."""
