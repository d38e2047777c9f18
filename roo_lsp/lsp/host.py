"""A client as the host of tasks: what it said of itself, and the ports that its tasks act through."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lsprotocol import types

from roo_lsp.agent.json_values import object_or_empty
from roo_lsp.agent.ports import Asker, CommandRunner, FileSystem
from roo_lsp.agent.tool import AnyTool, Workspace
from roo_lsp.lsp.editor.diagnostics import Diagnostics
from roo_lsp.lsp.editor.files import EditAbilities, Editor
from roo_lsp.lsp.editor.language_servers import FEATURES, EditorLanguageServers, offers
from roo_lsp.lsp.editor.save_gate import SavingRunner
from roo_lsp.tasks.agents import Ground
from roo_lsp.workspace.uris import path_of

EXTENSIONS = frozenset({"roo/event", "roo/requestPermission", "roo/saveDocuments", *FEATURES})
"""The client extensions of interface section 8; `editors/PROTOCOL.md` has their shapes."""


@dataclass(frozen=True, slots=True)
class EditorGround:
    """What the tasks of one client act on: its documents before the disk, saved before a command runs."""

    editor: Editor
    workspace: Workspace
    extensions: frozenset[str]
    tell: Callable[[str], None]
    """Shows the user a message."""

    def __call__(self, disk: FileSystem, shell: CommandRunner, asker: Asker) -> Ground:
        """That of one task."""
        editor = self.editor
        files = editor.files(disk)
        commands = SavingRunner(
            shell,
            files,
            disk,
            asker,
            saves_documents="roo/saveDocuments" in self.extensions,
            tell=self.tell,
        )
        return Ground(files, commands, self.servers(), self._around_tool)

    def servers(self) -> EditorLanguageServers | None:
        """The client's other language servers, where it lets them be asked."""
        editor, offered = self.editor, offers(self.extensions)
        if not offered:
            return None
        return EditorLanguageServers(
            editor.documents,
            editor.protocol,
            self.workspace,
            encoding=editor.encoding,
            offered=offered,
        )

    def _around_tool(self, tool: AnyTool) -> AnyTool:
        if "roo/diagnostics" not in self.extensions:
            return tool
        return Diagnostics(self.editor.documents, self.editor.protocol).told_by(tool)


def client_of(params: types.InitializeParams) -> str:
    """The client's name and version, for people."""
    info = params.client_info
    return f"{info.name} {info.version or ''}".strip() if info else "unknown"


def extensions_of(options: object) -> frozenset[str]:
    """What the client opted into, of what there is."""
    listed: object = object_or_empty(object_or_empty(options).get("client")).get("extensions")
    given = cast("list[Any]", listed) if isinstance(listed, list) else []
    return frozenset(each for each in EXTENSIONS if each in given)


def is_attended(options: object) -> bool:
    """Whether somebody is there to be asked; our own headless client says where nobody is."""
    client = object_or_empty(object_or_empty(options).get("client"))
    return client.get("unattended") is not True


def folders_of(params: types.InitializeParams) -> tuple[Path, ...]:
    """The workspace folders that are files here; without any, where the server was started."""
    uris = [folder.uri for folder in params.workspace_folders or ()]
    if not uris and params.root_uri:
        uris = [params.root_uri]
    folders = [path for uri in uris if (path := path_of(uri)) is not None]
    return tuple(folders) or (Path(os.getcwd()),)  # noqa: PTH109 -- the spelling the shell uses


def edit_abilities(params: types.InitializeParams) -> EditAbilities:
    """What the client can do with edits."""
    workspace = params.capabilities.workspace
    edit = workspace.workspace_edit if workspace else None
    return EditAbilities(
        apply_edit=bool(workspace and workspace.apply_edit),
        versioned=bool(edit and (edit.document_changes or edit.resource_operations)),
        deletes=bool(
            edit and types.ResourceOperationKind.Delete in (edit.resource_operations or ())
        ),
        compares_zero="neovim" not in client_of(params).lower(),
    )
