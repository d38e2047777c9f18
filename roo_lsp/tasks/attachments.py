"""Images that the user adds to a message: read from where they point, checked, and named in the text."""

from collections.abc import Sequence
from dataclasses import dataclass

from roo_lsp.agent.columns import one_line
from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.messages import Image
from roo_lsp.agent.tool import Workspace
from roo_lsp.settings import Settings
from roo_lsp.tasks.refusals import Invalid, Refused
from roo_lsp.workspace.disk import DiskFileSystem
from roo_lsp.workspace.images import MAX_BYTES, MAX_TOTAL, Picture, data_of, picture_in
from roo_lsp.workspace.uris import path_of


@dataclass(frozen=True, slots=True)
class Attached:
    """A message's images, and the words that name them in its text; both empty without images."""

    text: str = ""
    images: tuple[Image, ...] = ()


async def attached(uris: Sequence[str], workspace: Workspace) -> Attached:
    """What these `file:` and `data:` URIs hold; a file may be anywhere: the user chose it.

    Raises:
        Invalid: it names the URI's place in `images` and the file.
    """
    if not uris:
        return Attached()
    lines: list[str] = []
    images: list[Image] = []
    total = 0
    for number, uri in enumerate(uris):
        path = path_of(uri)
        name = one_line(workspace.show(path)) if path else ""
        picture = await _picture(uri, name or "the data: URI", f"images.{number}")
        lines.append(f"Image {number + 1}: {f'{name}, ' if name else ''}{picture}")
        images.append(picture.image(uri if path else ""))
        total += len(picture.data)
        if total > MAX_TOTAL:
            raise Invalid(
                f"images: together they have more than {MAX_TOTAL} bytes, which is what a request "
                "may have of them. Send them in several tasks, or smaller ones."
            )
    return Attached("\n\nThe user attaches:\n" + "\n".join(lines), tuple(images))


async def _picture(uri: str, name: str, field: str) -> Picture:
    path, disk = path_of(uri), DiskFileSystem(max_file_bytes=MAX_BYTES)
    try:
        data = await disk.read_bytes(path) if path else data_of(uri)
        picture = picture_in(data, name) if data is not None else None
    except ToolError as error:
        raise Invalid(f"{field}: {error.brief}") from None
    if data is None:
        raise Invalid(
            f"{field}: expected a file: URI, or a data: URI whose base64 is whole; "
            f"got {one_line(uri[:60])!r}"
        )
    if picture is None:
        raise Invalid(f"{field}: {name} is not an image that models take: PNG, JPEG, GIF or WebP")
    return picture


def require_support(settings: Settings, profile: str) -> None:
    """Refuse images for a model that takes none; the settings are those of the profile.

    Raises:
        Refused: `images_unsupported`.
    """
    if settings.model.supports_images:
        return
    model = settings.provider.model_id or "the model"
    where = f"roo.profiles.{profile}.model" if profile else "roo.model"
    raise Refused(
        f"The settings say that {model} takes no images, so the message was not sent. If it does, "
        f"set {where}.supportsImages to true; else choose a profile whose model does.",
        "images_unsupported",
    )
