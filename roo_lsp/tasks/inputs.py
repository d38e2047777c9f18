"""What the verbs of interface section 4 take: one object each, checked whole."""

from typing import Annotated, Any, Literal

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from roo_lsp.agent.approval import Outcome
from roo_lsp.tasks.refusals import Invalid


class Argument(BaseModel):
    """Base of the commands' arguments."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(alias=to_camel),
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        defer_build=True,
    )


class DocumentRange(Argument):
    uri: str
    range: dict[str, Any] | None = None
    focus: bool = False
    """Where the user is, rather than what they point at."""
    text: str | None = None
    """What stands there, where the front end has it and it is to go along."""

    @property
    def lines(self) -> tuple[int, int] | None:
        """The first and the last line, from 0; None where it is a whole file.

        Raises:
            Invalid: the range is none of LSP's.
        """
        if self.range is None:
            return None
        try:
            first, last = (int(self.range[end]["line"]) for end in ("start", "end"))
            if last > first and self.range["end"].get("character") == 0:
                last -= 1  # whole lines were selected: the end stands before the next one
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Invalid("context.range: not an LSP range") from None
        return first, last

    @property
    def is_cursor(self) -> bool:
        """True where nothing is selected."""
        return self.range is None or self.range.get("start") == self.range.get("end")


class Nothing(Argument):
    pass


class Start(Argument):
    prompt: Annotated[str, Field(min_length=1)]
    mode: str | None = None
    profile: str | None = None
    context: tuple[DocumentRange, ...] = ()
    images: tuple[str, ...] = ()
    wait: bool = False
    work_done_token: str | int | None = None
    """For clients that cannot put it beside the arguments."""


class Send(Argument):
    text: Annotated[str, Field(min_length=1)]
    task_id: str | None = None
    context: tuple[DocumentRange, ...] = ()
    images: tuple[str, ...] = ()
    instead: Annotated[int, Field(ge=0)] | None = None
    """The place of an earlier message that is taken back with all that came of it."""


class OfDocument(Argument):
    uri: str | None = None


class OfTask(Argument):
    task_id: str | None = None


class Open(OfTask):
    context: tuple[DocumentRange, ...] = ()
    """Open no task that there is, but a new document that points at these places."""
    transcript: bool = False
    """The transcript, also where a task document of it is open."""


class OfCheckpoint(Argument):
    task_id: str | None = None
    checkpoint_id: str | None = None


class GoBack(OfCheckpoint):
    conversation: bool = False


class SwitchAuto(OfTask):
    kind: str
    on: bool = True


class Enhance(OfTask):
    text: Annotated[str, Field(min_length=1)]
    profile: str | None = None


class ListPrompts(Argument):
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class ListMentions(Argument):
    text: str = ""
    """What is typed behind the `@`."""
    limit: Annotated[int, Field(ge=1, le=200)] = 30


class ListCommands(Argument):
    mode: str | None = None
    """Taken as editors send it; what there is today is the same in every mode."""


class Cancel(OfTask):
    why: str = ""
    """What the model is told of a call that is being asked for."""


class OfQueued(OfTask):
    message_id: str


class EditQueued(OfQueued):
    text: Annotated[str, Field(min_length=1)]


class Resume(Argument):
    task_id: str | None = None
    text: str = ""


class List(Argument):
    limit: Annotated[int, Field(ge=1)] = 20
    all: bool = False


class Replay(Argument):
    task_id: str | None = None
    since_seq: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=100_000)] = 1000


class Export(Argument):
    task_id: str | None = None
    format: Literal["md", "json"] = "md"


class ListApprovals(Argument):
    request_id: str | None = None
    show: bool = False
    """Open each as a document, too."""


class Respond(Argument):
    decision: Outcome
    request_id: str | None = None
    feedback: str = ""


class AnswerQuestion(Argument):
    answer: str
    request_id: str | None = None


class ListChanges(Argument):
    task_id: str | None = None
    show: bool = False
    """Open all that is left to review as one diff, too."""


class OfChanges(Argument):
    task_id: str | None = None
    uri: str | None = None
    hunk: str | None = None


class Status(Argument):
    mode: str | None = None
    profile: str | None = None
    """What would be asked with these, instead of what the settings say."""


class SetMode(Argument):
    mode: str
    task_id: str | None = None


class SetProfile(Argument):
    profile: str
    task_id: str | None = None


class OfProfile(Argument):
    profile: str | None = None
    wait: bool = False


class ListServers(Argument):
    name: str | None = None
    wait: bool = False


class RestartServer(Argument):
    name: Annotated[str, Field(min_length=1)]
    enabled: bool | None = None
    """Switch it on or off, here and until the server of this editor ends."""
    login: bool = False
    """Log in to it, in the browser."""
    wait: bool = False
