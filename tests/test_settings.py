"""Settings: one bad key falls alone, and the editor's channel only tightens."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from roo_lsp.app import current_settings
from roo_lsp.settings import Profile, Settings, cleaned
from roo_lsp.settings_sources import COMMAND_LINE, Source, effective


def lsp(**raw: Any) -> Source:
    return Source("workspace/configuration", raw, trusted=False)


def user(**raw: Any) -> Source:
    return Source("settings.json", raw)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (
            {"provider": {"timeouts": {"idle": "fast"}}},
            'roo.provider.timeouts.idle: expected a number of seconds ≥ 0, got "fast"',
        ),
        ({"mode": 3}, "roo.mode: expected a string, got 3"),
        (
            {"provider": {"streaming": "yes"}},
            'roo.provider.streaming: expected true or false, got "yes"',
        ),
        (
            {"provider": {"toolChoice": "none"}},
            'roo.provider.toolChoice: expected one of "auto", "required", got "none"',
        ),
        ({"limits": {"requests": -1}}, "roo.limits.requests: expected a whole number ≥ 0, got -1"),
        ({"provider": "x"}, 'roo.provider: expected an object, got "x"'),
        (
            {"allowedCommands": ["a", 1]},
            'roo.allowedCommands: expected a list of strings, got ["a", 1]',
        ),
        (
            {"profiles": {"fast": {"model": {"contextWindow": 0}}}},
            "roo.profiles.fast.model.contextWindow: expected a whole number > 0, got 0",
        ),
        ({"provider": {"headers": {"X": 1}}}, "roo.provider.headers.X: expected an object, got 1"),
    ],
)
def test_a_bad_key_is_reported_with_its_path_and_falls_back_alone(
    raw: dict[str, Any], problem: str
) -> None:
    found = effective([user(**raw, customInstructions="kept")])
    assert [str(each) for each in found.problems] == [problem]
    rest = Settings.model_validate({"customInstructions": "kept"} | _rest(raw))
    assert found.settings == rest


def _rest(raw: dict[str, Any]) -> dict[str, Any]:
    return {"profiles": {"fast": {"model": {}}}} if "profiles" in raw else {}


def test_an_unknown_key_is_reported_with_the_known_ones() -> None:
    found = effective([lsp(limits={"request": 3, "cost": 2})])
    assert str(found.problems[0]) == (
        "roo.limits.request: unknown key; known here: requests, cost, mistakes, steps"
    )
    assert found.settings.limits.cost == 2


def test_null_means_not_set() -> None:
    found = effective([lsp(mode=None, provider={"temperature": None, "baseUrl": None})])
    assert (found.settings, found.problems) == (Settings(), ())


@pytest.mark.parametrize("raw", [[], "x", 3, True])
def test_a_section_that_is_no_object_is_reported(raw: object) -> None:
    assert "expected an object" in str(cleaned(raw)[1][0])


def test_stronger_sources_win_key_by_key_and_origins_say_which() -> None:
    found = effective(
        [
            user(provider={"baseUrl": "http://a", "modelId": "m"}),
            lsp(provider={"modelId": "n"}),
            Source("command line", {"mode": "ask"}),
        ]
    )
    assert found.settings.provider.base_url == "http://a"
    assert found.settings.provider.model_id == "n"
    assert found.origins == {
        "provider.baseUrl": "settings.json",
        "provider.modelId": "workspace/configuration",
        "mode": "command line",
    }


WIDENINGS: list[dict[str, Any]] = [
    *({"autoApprove": {key: True}} for key in ("edit", "readOutside", "execute", "mcp", "fetch")),
    {"limits": {"mistakes": 0}},
    {"limits": {"mistakes": 10}},
    {"allowedCommands": ["rm"]},
    {"commands": {"shell": "/tmp/sh"}},
    {"commands": {"env": {"LD_PRELOAD": "x"}}},
    {"commands": {"sandbox": "off"}},
    {"commands": {"visible": ["~/.ssh"]}},
    {"mcpServers": {"x": {"command": "sh"}}},
    {"customModes": [{"slug": "x"}]},
    {"customInstructions": "Say aye."},
    {"provider": {"apiKey": "theirs"}},
    {"provider": {"proxy": "http://evil"}},
    {"provider": {"apiKeyEnv": "AWS_SECRET_ACCESS_KEY"}},
    {"provider": {"apiKeyCommand": ["sh", "-c", "evil"]}},
    {"provider": {"tls": {"verify": False}}},
    {"profiles": {"p": {"provider": {"apiKeyEnv": "X"}}}},
]


@pytest.mark.parametrize("raw", WIDENINGS, ids=json.dumps)
def test_what_would_widen_is_held_until_it_is_trusted(raw: dict[str, Any]) -> None:
    found = effective([lsp(**raw)])
    assert len(found.held) == 1
    kept: dict[str, Any] = {"allowedCommands": ()} if "allowedCommands" in raw else {}
    assert found.settings.model_copy(update={"profiles": {}}) == Settings(**kept)
    assert found.held[0].path.startswith("roo.")
    trusted = effective([lsp(**raw)], trusted=True)
    plain = json.loads(trusted.settings.model_dump_json(by_alias=True))
    assert json.dumps(raw) in json.dumps(_only(plain, raw))


def _only(plain: Any, like: Any) -> Any:
    if isinstance(like, dict):
        return {key: _only(plain[key], value) for key, value in like.items()}
    return plain


TIGHTENINGS: list[dict[str, Any]] = [
    {"autoApprove": {"read": False}},
    {"limits": {"mistakes": 1, "requests": 5, "cost": 0.5}},
    {"allowedCommands": ["git log"]},
    {"deniedCommands": ["rm"]},
    {"commands": {"sandbox": "required", "timeout": 3}},
    {"commands": {"limits": {"processes": 100, "memory": 2000, "fileSize": 10}}},
    {"provider": {"baseUrl": "http://127.0.0.1:1", "modelId": "x"}},
]


@pytest.mark.parametrize("raw", TIGHTENINGS, ids=json.dumps)
def test_what_tightens_applies_at_once(raw: dict[str, Any]) -> None:
    found = effective([lsp(**raw)])
    assert found.held == ()
    plain = json.loads(found.settings.model_dump_json(by_alias=True))
    assert _only(plain, raw) == raw


def _fields(model: type[BaseModel], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key of the settings, by the names Python has for them."""
    for name, info in model.model_fields.items():
        yield (*prefix, name)
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _fields(kind, (*prefix, name))


FIELDS = [*_fields(Settings), *(("profiles", "p", *each) for each in _fields(Profile))]
SPELLINGS: dict[str, Callable[[str], str]] = {
    "snake_case": lambda name: name,
    "kebab-case": lambda name: name.replace("_", "-"),
    "PascalCase": lambda name: "".join(map(str.capitalize, name.split("_"))),
    "lowercase": lambda name: name.replace("_", ""),
    "UPPER_CASE": str.upper,
    "camelCase": to_camel,
}
WIDE: list[object] = [True, 1, "x", ["*"], {"x": "y"}, {}, [], "off", 0]


@given(
    st.sampled_from(FIELDS),
    st.lists(st.sampled_from([*SPELLINGS.values()]), min_size=5, max_size=5),
    st.sampled_from(WIDE),
)
@settings(max_examples=1500)
def test_no_spelling_of_a_key_is_taken_but_its_own_one(
    steps: tuple[str, ...], spellings: list[Callable[[str], str]], value: object
) -> None:
    """Also below a key that is spelled well, and in every source."""
    own = [to_camel(step) for step in steps]
    names = [spell(step) for spell, step in zip(spellings, steps, strict=False)]
    if steps[0] == "profiles":
        names[1:2] = own[1:2]  # the user's own word
    if names == own:
        return
    raw: dict[str, Any] = {}
    node = raw
    for name in names[:-1]:
        node = node.setdefault(name, {})
    node[names[-1]] = value
    for source in (lsp(**raw), user(**raw)):
        found = effective([source])
        below = found.settings.model_copy(update={"profiles": {}})
        assert below == Settings()
        assert found.held == ()
        for profile in found.settings.profiles:
            assert found.for_profile(profile).model_copy(update={"profiles": {}}) == Settings()
        assert found.problems, "it is said"


def test_a_key_in_another_spelling_is_told_the_right_one() -> None:
    found = effective([lsp(auto_approve={"execute": True}, autoApprove={"edit_protected": True})])
    assert sorted(map(str, found.problems), reverse=True) == [
        "roo.auto_approve: unknown key; it is spelled autoApprove",
        "roo.autoApprove.edit_protected: unknown key; it is spelled editProtected",
    ]
    assert found.settings == Settings()


CHANNEL_KEY = {"baseUrl": "http://theirs", "apiKey": "theirs"}
OF_AN_ACCOUNT: list[dict[str, Any]] = [
    {"headers": {"Authorization": "Bearer theirs"}},
    {"headers": {"OpenAI-Organization": "theirs"}},
    {"query": {"api-version": "1"}},
    {"extraBody": {"store": True}},
]
KEYS_OF_THE_USER: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"apiKey": "mine"}, {}),
    ({"apiKeyCommand": ["pass"]}, {}),
    ({"headers": {"X-Key": "mine"}}, {}),
    ({"query": {"key": "mine"}}, {}),
    ({}, {"OPENAI_API_KEY": "mine"}),
    ({"apiKeyEnv": "MINE"}, {"MINE": "mine"}),
    ({}, {"ROO_ORIGIN_KEYS": "https://a.example=A"}),
    ({"baseUrl": "https://mine", "apiKey": "mine"}, {}),
]


@pytest.mark.parametrize("raw", OF_AN_ACCOUNT, ids=json.dumps)
@pytest.mark.parametrize(("own", "environ"), KEYS_OF_THE_USER, ids=json.dumps)
def test_with_a_key_of_the_users_the_channel_says_nothing_of_how_it_is_used(
    own: dict[str, Any], environ: dict[str, str], raw: dict[str, Any]
) -> None:
    """Below `provider` and in a profile."""
    mine = user(provider=own)
    found = effective([mine, lsp(provider=raw)], environ=environ)
    assert [each.path for each in found.held] == [f"roo.provider.{next(iter(raw))}"]
    assert found.settings == effective([mine], environ=environ).settings
    found = effective([mine, lsp(profiles={"p": {"provider": raw}})], environ=environ)
    assert [each.path for each in found.held] == [f"roo.profiles.p.provider.{next(iter(raw))}"]
    assert found.for_profile("p").provider == effective([mine], environ=environ).settings.provider


@pytest.mark.parametrize("raw", OF_AN_ACCOUNT, ids=json.dumps)
def test_what_is_held_is_shown_without_what_may_be_a_key(raw: dict[str, Any]) -> None:
    for provider in (raw, {"apiKey": "theirs-and-secret"}):
        found = effective([user(provider={"apiKey": "mine"}), lsp(provider=provider)])
        shown = str(found.held[0])
        assert "theirs" not in shown
        assert ("***" in shown) == (next(iter(provider)) != "extraBody")


@pytest.mark.parametrize("raw", OF_AN_ACCOUNT, ids=json.dumps)
def test_without_a_key_of_the_users_the_channel_may_say_it(raw: dict[str, Any]) -> None:
    for said in (raw, CHANNEL_KEY | raw):
        found = effective([lsp(provider={"baseUrl": "http://theirs"} | said)], environ={})
        assert found.held == ()
        assert _only(json.loads(found.settings.model_dump_json(by_alias=True))["provider"], said)
    brings_all = effective([lsp(provider=CHANNEL_KEY | raw)], environ={"OPENAI_API_KEY": "mine"})
    assert brings_all.held == (), "its own key at its own address"


def test_a_key_of_the_channel_does_not_stand_in_for_the_users() -> None:
    """The user's prompts would go into somebody else's account."""
    mine = user(provider={"baseUrl": "https://mine"})
    for over in ({"apiKey": "theirs"}, CHANNEL_KEY):
        found = effective([mine, lsp(provider=over)], environ={})
        assert "roo.provider.apiKey" in [each.path for each in found.held]
        assert found.settings.provider.api_key is None


UNSAID: list[dict[str, Any]] = [
    {"provider": {"baseUrl": "", "modelId": "", "apiKeyEnv": "", "apiKey": None}},
    {"provider": [], "limits": [], "mcpServers": [], "profiles": [], "ui": ""},
    {"provider": {"headers": [], "tls": [], "extraBody": []}},
    {"profiles": {"p": []}},
    {"profiles": {"p": {"provider": {"baseUrl": ""}, "model": []}}},
    {"mode": "", "customInstructions": ""},
]


@pytest.mark.parametrize("raw", UNSAID, ids=json.dumps)
def test_what_an_editor_sends_empty_is_not_said(raw: dict[str, Any]) -> None:
    mine = user(
        provider={"baseUrl": "http://mine", "modelId": "m", "headers": {"X": "y"}},
        profiles={"p": {"provider": {"baseUrl": "http://p"}}},
        mode="ask",
    )
    found = effective([mine, lsp(**raw)])
    assert (found.settings, found.problems, found.held) == (effective([mine]).settings, (), ())


def test_a_section_that_lua_writes_as_an_empty_list_is_not_said() -> None:
    found = effective([Source("workspace/configuration", [], trusted=False)])
    assert (found.settings, found.problems) == (Settings(), ())


@pytest.mark.parametrize("name", ["Host", "host", "Transfer-Encoding", "Connection", " TE "])
def test_a_header_of_the_connection_is_never_taken(name: str) -> None:
    headers = {name: "x", "X-Mine": "y"}
    for raw in (
        {"provider": {"headers": headers}},
        {"profiles": {"p": {"provider": {"headers": headers}}}},
    ):
        found = effective([user(**raw)])
        assert found.for_profile("p").provider.headers == {"X-Mine": "y"}
        assert f"provider.headers.{name}: the connection sets this header" in str(found.problems[0])


@pytest.mark.parametrize("name", ["model", "messages", "tools", "stream"])
def test_a_request_s_own_fields_are_never_replaced(name: str) -> None:
    found = effective([user(provider={"extraBody": {name: [], "store": False}})])
    assert found.settings.provider.extra_body == {"store": False}
    assert "cannot be replaced" in str(found.problems[0])


@pytest.mark.parametrize("value", [0, 200])
def test_a_limit_of_commands_cannot_be_loosened(value: int) -> None:
    own = user(commands={"limits": {"processes": 100}})
    found = effective([own, lsp(commands={"limits": {"processes": value}})])
    assert found.settings.commands.limits.processes == 100
    assert [each.path for each in found.held] == ["roo.commands.limits.processes"]


def test_a_denied_command_of_the_user_cannot_be_taken_away() -> None:
    found = effective([user(deniedCommands=["rm"]), lsp(deniedCommands=["git push"])])
    assert found.settings.denied_commands == ("git push", "rm")
    assert found.held[0].path == "roo.deniedCommands"


def test_the_users_own_file_may_widen() -> None:
    found = effective([user(autoApprove={"edit": True}), lsp(autoApprove={"edit": True})])
    assert found.settings.auto_approve.edit
    assert found.held == ()


def test_a_profile_lays_what_it_sets_over_the_rest() -> None:
    found = effective(
        [
            user(
                provider={"baseUrl": "http://a", "modelId": "m"},
                profiles={"big": {"provider": {"modelId": "n"}, "model": {"contextWindow": 9}}},
            )
        ]
    )
    big = found.for_profile("big")
    assert (big.provider.base_url, big.provider.model_id) == ("http://a", "n")
    assert big.model.context_window == 9
    assert found.for_profile("nope") is found.settings


def test_no_profile_changes_what_the_command_line_sets() -> None:
    overlay = {"modelId": "n", "headers": {"X-A.b": "theirs", "X-C": "c"}}
    line = Source(COMMAND_LINE, {"provider": {"modelId": "m", "headers": {"X-A.b": "ours"}}})
    found = effective([user(profiles={"p": {"provider": overlay}}), line])
    overlaid = found.for_profile("p")
    assert overlaid.provider.model_id == "m"
    assert overlaid.provider.headers == {"X-A.b": "ours", "X-C": "c"}


def test_a_profile_that_is_none_is_a_problem_with_the_names_there_are() -> None:
    named = {"profile": "x", "modeProfiles": {"ask": "y", "code": "b"}}
    found = effective([user(profiles={"b": {}, "a": {}}), lsp(**named)])
    assert [str(each) for each in found.problems] == [
        "roo.profile: there is no profile 'x'; there are: a, b",
        "roo.modeProfiles.ask: there is no profile 'y'; there are: a, b",
    ]
    assert found.settings.profile == "x", "it stays, so that nothing is sent elsewhere instead"
    assert effective([user(**named, profiles={"x": {}, "y": {}, "b": {}})]).problems == ()


def test_what_is_accepted_but_not_there_yet_is_listed() -> None:
    found = effective([user(autoApprove={"fetch": True}, mode="ask")])
    assert found.not_yet_effective == ["autoApprove.fetch"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
keys = st.sampled_from(
    [info.alias or name for name, info in Settings.model_fields.items()] + ["nonsense"]
)


@given(
    st.dictionaries(
        keys,
        json_values
        | st.dictionaries(st.sampled_from(["edit", "idle", "verify", "baseUrl"]), json_values),
        max_size=3,
    )
)
def test_any_json_gives_usable_settings(raw: dict[str, Any]) -> None:
    found = effective([lsp(**raw)])
    assert isinstance(found.settings, Settings)
    auto = found.settings.auto_approve
    assert not auto.edit
    assert not auto.execute


def test_the_schema_describes_every_key() -> None:
    schema = Settings.model_json_schema(by_alias=True)

    def undescribed(node: dict[str, Any], path: str) -> list[str]:
        missing = []
        for name, field in node.get("properties", {}).items():
            if "description" not in field and "$ref" not in field:
                missing.append(f"{path}.{name}")
        return missing

    nodes = [("roo", schema), *schema["$defs"].items()]
    assert [each for path, node in nodes for each in undescribed(node, path)] == []


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [('{"mode": ', 0o600, "it cannot be read"), ("{}", 0o622, "other users can write it")],
)
def test_a_file_of_the_users_that_cannot_be_used_is_told_by_name(
    content: str, mode: int, says: str
) -> None:
    file = Path(os.environ["ROO_CONFIG_DIR"]) / "settings.json"
    file.parent.mkdir(parents=True)
    file.write_text(content, "utf-8")
    file.chmod(mode)
    problem = str(current_settings().problems[0])
    assert problem.startswith(str(file))
    assert says in problem


def test_computer_use_is_refused_in_words_and_changes_nothing() -> None:
    on = {"model": {"supportsComputerUse": True, "contextWindow": 9000}}
    found = effective([user(**on, profiles={"p": on, "q": {}})])
    assert [each.path for each in found.problems] == [
        "roo.model.supportsComputerUse",
        "roo.profiles.p.model.supportsComputerUse",
    ]
    assert all("no tool to use a computer with" in each.text for each in found.problems)
    assert found.settings.model.context_window == 9000
    assert effective([user(model={"supportsComputerUse": False})]).problems == ()


def test_prompt_caching_and_images_have_an_effect() -> None:
    on = {"model": {"supportsPromptCache": True, "supportsImages": True}}
    assert effective([user(**on)]).not_yet_effective == []


def test_how_full_the_context_may_get_is_a_profiles_own_matter():
    small = {"context": {"condensePercent": 50}}
    raw = {"context": {"condense": False}, "profiles": {"small": small}}
    found = effective([Source("file", raw)])
    assert not found.problems
    of_small = found.for_profile("small").context
    assert (of_small.condense, of_small.condense_percent) == (False, 50)
    assert found.settings.context.condense_percent == 80
