"""Which images of a conversation a request has, and what is said in the place of the others."""

from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256

from roo_lsp.agent.messages import AssistantMessage, Image, Message
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.workspace.images import MAX_TOTAL

EVERY_IMAGE = "images"
"""Stands for all images among what an endpoint refused."""
_ONE = "image "
"""One image, by the beginning of its digest."""


def image_name(image: Image) -> str:
    """What an image is called among what an endpoint refused."""
    return _ONE + sha256(image.data.encode()).hexdigest()[:16]


def is_about_images(refused: str) -> bool:
    """True for what stands for one or all images among what an endpoint refused."""
    return refused == EVERY_IMAGE or refused.startswith(_ONE)


def images_left(images: Sequence[Image], refused: Collection[str]) -> Sequence[Image]:
    """Those that the endpoint has not refused."""
    return [image for image in images if image_name(image) not in refused] if refused else images


def shown_images(
    messages: Sequence[Message], endpoint: Endpoint, refused: Collection[str]
) -> Mapping[int, Sequence[Image]]:
    """Positions of messages whose images are sent: the newest, as many as a request may have."""
    shown: dict[int, Sequence[Image]] = {}
    if not endpoint.supports_images or EVERY_IMAGE in refused:
        return shown
    some = any(is_about_images(name) for name in refused)
    room = MAX_TOTAL
    for position in range(len(messages) - 1, -1, -1):
        message = messages[position]
        if isinstance(message, AssistantMessage) or not message.images:
            continue
        images = images_left(message.images, refused) if some else message.images
        room -= sum(image.size for image in images)
        if room < 0:
            break
        if images:
            shown[position] = images
    return shown


def newest_images(
    messages: Sequence[Message], endpoint: Endpoint, refused: Collection[str], count: int
) -> frozenset[str]:
    """The images of the newest `count` messages whose images are sent, as they stand in `refused`."""
    shown = shown_images(messages, endpoint, refused)
    return frozenset(image_name(each) for at in sorted(shown)[-count:] for each in shown[at])


def left_out(
    images: Sequence[Image], taken: Sequence[Image], endpoint: Endpoint, refused: Collection[str]
) -> str:
    """What is said in the place of images that are not sent; empty when all of them are."""
    missing = len(images) - len(taken)
    if not missing:
        return ""
    if not endpoint.supports_images:
        why = "this model takes none (roo.model.supportsImages is off)"
    elif EVERY_IMAGE in refused:
        why = "the endpoint says that this model takes none"
    elif any(image_name(image) in refused for image in images):
        why = "the endpoint refused it"
    else:
        why = f"newer ones take the {MAX_TOTAL >> 20} MB that a request may have of them"
    return f"[{missing} image(s) left out: {why}]"
