"""Entities with odd values in every field, for hypothesis; what they refer to is anybody's."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from hypothesis import strategies as st

from orbiter.adapters.system.ids import new_id
from orbiter.domain.agents import (
    Agent,
    AgentSettings,
    AgentStatus,
    AgentVersion,
    Guardrails,
    Memory,
    MemoryType,
    Personal,
)
from orbiter.domain.api_keys import ApiKey
from orbiter.domain.audit_log import AuditEntry
from orbiter.domain.hooks import Hook
from orbiter.domain.identity import Role, Scope
from orbiter.domain.notifications import Notification, NotificationKind
from orbiter.domain.password_resets import PasswordReset
from orbiter.domain.projects import Project
from orbiter.domain.providers import Provider, ProviderStatus, ProviderType
from orbiter.domain.runs import (
    Run,
    RunError,
    RunKind,
    RunStatus,
    Step,
    StepError,
    StepKind,
    StepStatus,
    Trigger,
    Usage,
)
from orbiter.domain.schedules import Schedule
from orbiter.domain.secrets import Secret
from orbiter.domain.sessions import Session
from orbiter.domain.tools import Tool, ToolKind
from orbiter.domain.users import User, UserStatus
from orbiter.domain.workflows import (
    Canvas,
    Edge,
    Issue,
    Node,
    OnError,
    Position,
    Retry,
    Viewport,
    Workflow,
    WorkflowStatus,
    WorkflowVersion,
)
from support.builders import a_hash

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_9999_MS: Final = 253_402_300_799_999

# Whatever Python calls text, NUL and halves of surrogate pairs included; and what domains let by.
any_text: Final = st.text(st.characters(exclude_categories=()), max_size=20)
plain_text: Final = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=255)
names: Final = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=255
)
moments: Final = st.integers(0, _YEAR_9999_MS).map(lambda ms: _EPOCH + timedelta(milliseconds=ms))
ids: Final = st.builds(new_id)
_letters: Final = st.characters(
    codec="utf-8",
    exclude_characters='.@<>()[],;:\\"',
    exclude_categories=("Cc", "Zs", "Zl", "Zp"),
)
addresses: Final = st.text(_letters, max_size=7).map(lambda text: f"{text}{new_id()}@Example.org")
hashes: Final = st.builds(a_hash)
numbers: Final = st.integers() | st.integers(-(10**300), 10**300)
floats: Final = st.floats(allow_nan=False)
counts: Final = st.integers(0, 2**31 - 1)
costs: Final = st.integers(0, 9 * 10**18).map(lambda nano: Decimal(nano).scaleb(-9))
usages: Final = st.builds(
    Usage, input_tokens=st.integers(0, 2**62), output_tokens=st.integers(0, 2**62)
)
json_values: Final = st.recursive(
    st.none() | st.booleans() | numbers | floats | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=10,
)
json_objects: Final = st.dictionaries(any_text, json_values, max_size=4)


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


_issues: Final = st.builds(Issue, node_id=_maybe(any_text), code=any_text, message=any_text)
_places: Final = st.integers(-1000, 1000) | floats
_nodes: Final = st.builds(
    Node,
    id=any_text,
    type=any_text,
    position=st.builds(Position, x=_places, y=_places),
    config=json_objects,
    label=_maybe(any_text),
    parent_id=_maybe(any_text),
    retry=st.builds(Retry, max_attempts=counts, backoff_seconds=_places, multiplier=_places),
    timeout_seconds=_maybe(_places),
    on_error=st.sampled_from(OnError),
    fallback=json_values,
)
_edges: Final = st.builds(
    Edge,
    id=any_text,
    source=any_text,
    target=any_text,
    source_handle=_maybe(any_text),
    target_handle=_maybe(any_text),
)
canvases: Final = st.builds(
    Canvas,
    nodes=st.lists(_nodes, max_size=3).map(tuple),
    edges=st.lists(_edges, max_size=3).map(tuple),
    viewport=st.builds(Viewport, x=_places, y=_places, zoom=_places),
)

projects: Final = st.builds(
    Project,
    id=ids,
    name=names,
    description=_maybe(plain_text),
    default_model=_maybe(plain_text),
    created_by=ids,
    created_at=moments,
    updated_at=moments,
    workspace_id=ids,
)

workflows: Final = st.builds(
    Workflow,
    id=ids,
    name=names,
    description=_maybe(plain_text),
    status=st.sampled_from(WorkflowStatus),
    valid=st.booleans(),
    issues=st.lists(_issues, max_size=3).map(tuple),
    version=st.integers(1, 2**62),
    revision=st.integers(1, 2**62),
    last_run_at=st.none(),
    created_by=ids,
    created_at=moments,
    updated_at=moments,
    workspace_id=ids,
    project_id=ids,
)

versions: Final = st.builds(
    WorkflowVersion,
    version=st.integers(1, 2**62),
    canvas=canvases,
    variables=json_objects,
    issues=st.lists(_issues, max_size=3).map(tuple),
    created_by=ids,
    created_at=moments,
    workflow_id=ids,
)

notifications: Final = st.builds(
    Notification,
    id=ids,
    kind=st.sampled_from(NotificationKind),
    title=names,
    message=plain_text,
    run_id=st.none(),
    workflow_id=_maybe(ids),
    step_id=_maybe(ids),
    read=st.booleans(),
    created_at=moments,
    user_id=ids,
    workspace_id=ids,
)

runs: Final = st.builds(
    Run,
    id=ids,
    kind=st.sampled_from(RunKind),
    workflow_id=_maybe(ids),
    agent_id=_maybe(ids),
    version=counts,
    status=st.sampled_from(RunStatus),
    trigger=st.sampled_from(Trigger),
    inputs=json_objects,
    output=json_values,
    error=_maybe(st.builds(RunError, code=any_text, message=any_text, node_id=_maybe(any_text))),
    usage=usages,
    cost_usd=costs,
    parent_run_id=_maybe(ids),
    source_run_id=_maybe(ids),
    conversation_id=_maybe(ids),
    deployment_id=_maybe(ids),
    queued_at=moments,
    started_at=_maybe(moments),
    finished_at=_maybe(moments),
    created_by=_maybe(ids),
    workspace_id=ids,
    project_id=ids,
)

steps: Final = st.builds(
    Step,
    id=ids,
    sequence=st.integers(0, 2**62),
    parent_step_id=_maybe(ids),
    node_id=_maybe(any_text),
    kind=st.sampled_from(StepKind),
    name=any_text,
    iteration=_maybe(counts),
    attempt=counts,
    status=st.sampled_from(StepStatus),
    input=json_values,
    output=json_values,
    error=_maybe(st.builds(StepError, code=any_text, message=any_text)),
    usage=usages,
    cost_usd=costs,
    model=_maybe(plain_text),
    logs=st.lists(any_text, max_size=3).map(tuple),
    reused=st.booleans(),
    started_at=_maybe(moments),
    finished_at=_maybe(moments),
    run_id=ids,
)

users: Final = st.builds(
    User,
    id=ids,
    email=addresses,
    name=_maybe(names),
    role=st.sampled_from(Role),
    status=st.sampled_from(UserStatus),
    password_hash=_maybe(plain_text),
    invite_token_hash=_maybe(hashes),
    invite_expires_at=_maybe(moments),
    created_at=moments,
    updated_at=moments,
    workspace_id=ids,
)

sessions: Final = st.builds(
    Session,
    id=ids,
    token_hash=hashes,
    address=_maybe(plain_text),
    user_agent=_maybe(plain_text),
    created_at=moments,
    last_used_at=moments,
    expires_at=moments,
    workspace_id=ids,
    user_id=ids,
)

api_keys: Final = st.builds(
    ApiKey,
    id=ids,
    name=names,
    prefix=st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=12),
    key_hash=hashes,
    scopes=st.lists(st.sampled_from(Scope), min_size=1, unique=True).map(tuple),
    expires_at=_maybe(moments),
    last_used_at=_maybe(moments),
    created_at=st.just(_EPOCH - timedelta(days=1)),
    workspace_id=ids,
    created_by=ids,
)

entries: Final = st.builds(
    AuditEntry,
    id=ids,
    actor_id=_maybe(ids),
    actor_email=_maybe(plain_text),
    api_key_id=_maybe(ids),
    action=plain_text,
    entity_type=plain_text,
    entity_id=_maybe(ids),
    address=_maybe(plain_text),
    created_at=moments,
    workspace_id=ids,
)

resets: Final = st.builds(PasswordReset, id=ids, token_hash=hashes, expires_at=moments, user_id=ids)

schedules: Final = st.builds(
    Schedule,
    id=ids,
    workspace_id=ids,
    workflow_id=ids,
    name=_maybe(names),
    cron=names.map(lambda text: text[:100]),
    timezone=names.map(lambda text: text[:64]),
    inputs=json_objects,
    enabled=st.booleans(),
    next_run_at=_maybe(moments),
    last_run_at=_maybe(moments),
    last_error=_maybe(any_text),
    created_by=ids,
    created_at=moments,
    updated_at=moments,
)
hooks: Final = st.builds(
    Hook,
    id=ids,
    workspace_id=ids,
    workflow_id=ids,
    name=names,
    token_hash=hashes,
    sealed_secret=_maybe(st.binary(max_size=50)),
    created_by=ids,
    created_at=moments,
    last_called_at=_maybe(moments),
)
secrets: Final = st.builds(
    Secret,
    id=ids,
    workspace_id=ids,
    project_id=ids,
    name=st.from_regex("[A-Z][A-Z0-9_]{0,63}", fullmatch=True),
    sealed_value=st.binary(max_size=50),
    created_by=ids,
    created_at=moments,
    updated_at=moments,
)
tools: Final = st.builds(
    Tool,
    id=ids,
    workspace_id=ids,
    project_id=ids,
    name=st.from_regex("[a-zA-Z0-9_-]{1,64}", fullmatch=True),
    description=plain_text,
    kind=st.sampled_from([kind for kind in ToolKind if kind is not ToolKind.MCP]),
    parameters=json_objects,
    config=json_objects,
    enabled=st.booleans(),
    usage_count=st.integers(0, 2**62),
    created_by=_maybe(ids),
    created_at=moments,
    updated_at=moments,
)
providers: Final = st.builds(
    Provider,
    id=ids,
    workspace_id=ids,
    name=ids,
    provider_type=st.sampled_from(ProviderType),
    base_url=st.sampled_from(["https://models.example.org/v1", "http://[::1]:8080"]),
    default_model=_maybe(names),
    models=st.lists(any_text.map(lambda text: text.replace("\0", "0") or "m"), max_size=3).map(
        tuple
    ),
    max_retries=st.integers(0, 10),
    timeout_seconds=st.floats(0.001, 600) | st.integers(1, 600),
    priority=st.integers(-1_000_000, 1_000_000),
    enabled=st.booleans(),
    sealed_key=_maybe(st.binary(max_size=50)),
    api_key_hint=_maybe(plain_text),
    status=st.sampled_from(ProviderStatus),
    last_tested_at=_maybe(moments),
    last_error=_maybe(any_text),
    created_by=ids,
    created_at=moments,
    updated_at=moments,
)
settings: Final = st.builds(
    AgentSettings,
    instructions=_maybe(any_text),
    model=_maybe(plain_text),
    temperature=_maybe(floats),
    top_p=_maybe(floats),
    max_tokens=_maybe(counts),
    max_turns=counts,
    parallel_tool_calls=st.booleans(),
    tool_choice=st.sampled_from(["auto", "none", "required"]) | st.builds(dict, name=any_text),
    tools=st.lists(any_text, max_size=3).map(tuple),
    knowledge_bases=st.lists(ids, max_size=3).map(tuple),
    sub_agents=st.lists(ids, max_size=3).map(tuple),
    handoffs=st.lists(ids, max_size=3).map(tuple),
    memory=st.builds(Memory, type=st.sampled_from(MemoryType), window=counts),
    output_schema=_maybe(json_objects),
    guardrails=st.builds(
        Guardrails,
        max_input_chars=_maybe(counts),
        max_output_chars=_maybe(counts),
        blocked_patterns=st.lists(any_text, max_size=3).map(tuple),
        redact_pii=st.lists(st.sampled_from(Personal), max_size=3).map(tuple),
    ),
)
agents: Final = st.builds(
    Agent,
    id=ids,
    workspace_id=ids,
    project_id=ids,
    name=names,
    description=_maybe(plain_text),
    settings=settings,
    status=st.sampled_from(AgentStatus),
    version=st.integers(1, 2**62),
    revision=st.integers(1, 2**62),
    created_by=ids,
    created_at=moments,
    updated_at=moments,
)
agent_versions: Final = st.builds(
    AgentVersion,
    agent_id=ids,
    version=st.integers(1, 2**62),
    name=names,
    description=_maybe(plain_text),
    settings=settings,
    created_by=ids,
    created_at=moments,
)
