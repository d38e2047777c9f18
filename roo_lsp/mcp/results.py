"""What servers answer, as text and images for the model: all of it, and nothing of it believed."""

import json
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable, Iterator
from typing import cast

import mcp_types as types

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.figures import size_text
from roo_lsp.agent.json_values import Json, object_or_empty
from roo_lsp.agent.messages import Image
from roo_lsp.mcp.catalog import CallOutcome
from roo_lsp.workspace.images import MAX_TOTAL, picture_in

MAX_IMAGES = 20


class _Parts:
    """Text and images as they come."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.images: list[Image] = []
        self._bytes = 0

    def picture(self, data: str, kind: str, name: str) -> None:
        """An image, or what there is instead, as a note."""
        try:
            raw = b64decode(data, validate=True)
            picture = picture_in(raw, name)
        except NotBase64:
            self.texts.append(f"({name}: what should be base64 is not)")
            return
        except ToolError as error:
            self.texts.append(f"({error.text})")
            return
        if picture is None:
            self.texts.append(f"({name}: {kind}, {size_text(len(raw))}, which cannot be shown)")
        elif len(self.images) >= MAX_IMAGES or self._bytes + len(raw) > MAX_TOTAL:
            self.texts.append(f"({name}: left out, there are too many images)")
        else:
            self._bytes += len(raw)
            self.images.append(picture.image())
            self.texts.append(f"({name}: {picture.media_type}, {picture.width} x {picture.height})")


def outcome_of_call(result: types.CallToolResult) -> CallOutcome:
    """A tool's result: text, images, links, what is embedded, and structured content.

    Structured content is told where no text says the same already.
    """
    parts = _Parts()
    for block in result.content:
        _block(block, parts)
    told = list(parts.texts)
    if result.structured_content is not None and not _said(result):
        told.append(json.dumps(result.structured_content, ensure_ascii=False, default=str))
    text = "\n\n".join(told) or "(It answered with nothing.)"
    return CallOutcome(text, result.is_error, tuple(parts.images))


def outcome_of_read(
    contents: Iterable[types.TextResourceContents | types.BlobResourceContents],
) -> CallOutcome:
    """A resource's contents."""
    parts = _Parts()
    for each in contents:
        _resource(each, parts)
    return CallOutcome("\n\n".join(parts.texts) or "(It is empty.)", images=tuple(parts.images))


def outcome_of_prompt(result: types.GetPromptResult) -> CallOutcome:
    """A prompt's messages, in their order; who says each where not all are the user's."""
    parts = _Parts()
    roles = {message.role for message in result.messages}
    for message in result.messages:
        if roles != {"user"}:
            parts.texts.append(f"[{message.role}]")
        _block(message.content, parts)
    return CallOutcome("\n\n".join(parts.texts), images=tuple(parts.images))


def _block(block: types.ContentBlock, parts: _Parts) -> None:
    match block:
        case types.TextContent():
            parts.texts += [block.text] if block.text else []
        case types.ImageContent():
            parts.picture(block.data, block.mime_type, "image")
        case types.AudioContent():
            size = size_text(len(block.data) * 3 // 4)
            parts.texts.append(f"(audio, {block.mime_type}, {size}: it cannot be passed on)")
        case types.ResourceLink():
            parts.texts.append(" ".join(_link(block)))
        case types.EmbeddedResource():
            _resource(block.resource, parts)


def _link(link: types.ResourceLink) -> Iterator[str]:
    yield f"{link.title or link.name} <{link.uri}>"
    if link.mime_type:
        yield f"({link.mime_type})"
    if link.description:
        yield link.description


def _resource(
    resource: types.TextResourceContents | types.BlobResourceContents, parts: _Parts
) -> None:
    kind = resource.mime_type or "no type said"
    if isinstance(resource, types.TextResourceContents):
        parts.texts.append(f"Resource {resource.uri}:\n{resource.text}")
    else:
        parts.picture(resource.blob, kind, f"resource {resource.uri}")


def _said(result: types.CallToolResult) -> bool:
    """Whether the text says what the structured content does: as JSON, or as its only value."""
    texts = [block.text for block in result.content if isinstance(block, types.TextContent)]
    content = result.structured_content
    wrapped = object_or_empty(content)
    if len(wrapped) == 1:  # `result` is how the Python SDK wraps what is no object
        [only] = wrapped.values()
        each = cast("list[Json]", only) if isinstance(only, list) else [only]
        if [str(one) for one in each] == texts or [f"{only}"] == texts:
            return True
    for text in texts:
        try:
            if json.loads(text) == content:
                return True
        except (ValueError, RecursionError):
            continue
    return False
