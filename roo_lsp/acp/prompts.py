"""What a prompt is made of: the user's words, what they point at, and pictures."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urldefrag

from acp.schema import (
    AudioContentBlock,
    BlobResourceContents,
    EmbeddedResourceContentBlock,
    ImageContentBlock,
    ResourceContentBlock,
    TextContentBlock,
)

from roo_lsp.tasks.inputs import DocumentRange
from roo_lsp.tasks.refusals import Invalid

PromptBlock = (
    TextContentBlock
    | ImageContentBlock
    | AudioContentBlock
    | ResourceContentBlock
    | EmbeddedResourceContentBlock
)
WITHOUT_WORDS = "Look at what is attached."
LINES = re.compile(r"L(\d{1,9})(?:C\d+)?(?:[-:]L?(\d{1,9}))?")
"""Lines in an address, as editors write them: `#L3`, `#L3-L5`, `#L3:5`; counted from 1."""


@dataclass(slots=True)
class Prompt:
    """What the user says, as the verbs take it."""

    words: str = ""
    context: list[DocumentRange] = field(default_factory=list[DocumentRange])
    images: list[str] = field(default_factory=list[str])
    """As `data:` addresses."""


def prompt_of(blocks: Sequence[PromptBlock]) -> Prompt:
    """The prompt that these blocks are.

    Raises:
        Invalid: it has a block of a kind that was not offered.
    """
    prompt = Prompt()
    parts: list[str] = []
    after_text = False
    for number, block in enumerate(blocks):
        match block:
            case TextContentBlock(text=text):
                # Two in a row are two things said; between pointers they are one sentence.
                parts.append(f"\n\n{text}" if after_text else text)
            case ImageContentBlock(data=data, mime_type=kind):
                prompt.images.append(f"data:{kind};base64,{data}")
            case ResourceContentBlock(uri=uri, name=name):
                place = _place(uri)
                if place is None:
                    parts.append(f" [{name}]({uri})")
                else:
                    parts.append(f" `{name}`")
                    prompt.context.append(place)
            case EmbeddedResourceContentBlock(resource=resource):
                parts.append(_embedded(prompt, resource.uri, resource))
            case AudioContentBlock():
                raise Invalid(f"prompt.{number}: sound is not taken")
        after_text = isinstance(block, TextContentBlock)
    prompt.words = _joined(parts) or WITHOUT_WORDS
    return prompt


def _joined(parts: Sequence[str]) -> str:
    """The words, with one blank before what is pointed at."""
    texts, blank = list[str](), True
    for part in parts:
        texts.append(part[1:] if blank and part[:1] == " " else part)
        blank = part[-1:].isspace()
    return "".join(texts).strip()


def _embedded(prompt: Prompt, uri: str, resource: object) -> str:
    """Put it where it belongs; what stands for it among the words."""
    if isinstance(resource, BlobResourceContents):
        if (resource.mime_type or "").startswith("image/"):
            prompt.images.append(f"data:{resource.mime_type};base64,{resource.blob}")
            return ""
        place, text = _place(uri), None  # a file can be read by its name
    else:
        place, text = _place(uri), str(getattr(resource, "text", ""))
    place = place or DocumentRange(uri=uri)
    prompt.context.append(place.model_copy(update={"text": text}))
    return f" `{uri.rpartition('/')[2] or uri}`"


def _place(uri: str) -> DocumentRange | None:
    """The file, or the part of one, that an address names; None for what is no file."""
    bare, fragment = urldefrag(uri)
    if not bare.startswith("file:"):
        return None
    if found := LINES.match(fragment):
        first = max(int(found[1]), 1)
        last = max(int(found[2] or first), first)
        lines = {
            "start": {"line": first - 1, "character": 0},
            "end": {"line": last, "character": 0},
        }
        return DocumentRange(uri=bare, range=lines)
    return DocumentRange(uri=bare)
