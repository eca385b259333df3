"""The core as one object: what HTTP, the CLI and embedding teams all call."""

from dataclasses import dataclass
from typing import Final

from orbiter.application.accounts import AccountHandlers
from orbiter.application.agents import AgentHandlers
from orbiter.application.api_keys import ApiKeyHandlers
from orbiter.application.approvals import ApprovalHandlers
from orbiter.application.audit_log import AuditLogHandlers
from orbiter.application.authentication import Authentication
from orbiter.application.child_runs import StoredChildRuns
from orbiter.application.conversations import ConversationHandlers
from orbiter.application.errands import Errands
from orbiter.application.execution.executor import Executor
from orbiter.application.execution.world import World
from orbiter.application.hooks import HookHandlers
from orbiter.application.import_openapi import ImportOpenApi
from orbiter.application.members import MemberHandlers
from orbiter.application.notifications import NotificationHandlers
from orbiter.application.periodic import Periodic
from orbiter.application.ports.execution import RunEngine, RunEvents
from orbiter.application.ports.identity import Cipher, PasswordHasher, Tokens
from orbiter.application.ports.models import ModelGateway
from orbiter.application.ports.run_events import RunFeed
from orbiter.application.ports.service_descriptions import ServiceDescriptions
from orbiter.application.ports.storage import Storage
from orbiter.application.ports.system import Calendar, Clock, IdFactory, Mailer
from orbiter.application.ports.templating import Schemas
from orbiter.application.presence import Presence
from orbiter.application.prices import PriceHandlers, WorkspacePrices
from orbiter.application.projects import ProjectHandlers
from orbiter.application.providers import ProviderHandlers
from orbiter.application.remote_servers import RemoteServers
from orbiter.application.replays import ReplayHandlers
from orbiter.application.retention import Retention
from orbiter.application.run_agent import RunAgent
from orbiter.application.run_events import Chronicle, RunEventHandlers
from orbiter.application.run_workflow import RunWorkflow
from orbiter.application.runs import RunHandlers
from orbiter.application.schedules import ScheduleHandlers
from orbiter.application.sealing import Seals
from orbiter.application.secrets import SecretHandlers
from orbiter.application.send_message import SendMessage
from orbiter.application.sessions import SessionHandlers
from orbiter.application.starting import Starting
from orbiter.application.ticker import Ticker
from orbiter.application.tool_kinds import ToolKinds
from orbiter.application.tool_uses import ToolUses
from orbiter.application.tools import ToolHandlers
from orbiter.application.try_tool import TryTool
from orbiter.application.vendors import Vendors
from orbiter.application.work import Work
from orbiter.application.workflows import WorkflowHandlers
from orbiter.domain.users import Registration

SWEEP_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Orbiter:
    """Every use case, grouped by resource; `start` before the first, `stop` after the last."""

    authentication: Authentication
    accounts: AccountHandlers
    sessions: SessionHandlers
    members: MemberHandlers
    api_keys: ApiKeyHandlers
    audit_log: AuditLogHandlers
    presence: Presence
    projects: ProjectHandlers
    providers: ProviderHandlers
    agents: AgentHandlers
    tools: ToolHandlers
    remote_servers: RemoteServers
    try_tool: TryTool
    import_openapi: ImportOpenApi
    workflows: WorkflowHandlers
    run_workflow: RunWorkflow
    run_agent: RunAgent
    conversations: ConversationHandlers
    send_message: SendMessage
    runs: RunHandlers
    run_events: RunEventHandlers
    approvals: ApprovalHandlers
    replays: ReplayHandlers
    schedules: ScheduleHandlers
    hooks: HookHandlers
    notifications: NotificationHandlers
    secrets: SecretHandlers
    prices: PriceHandlers
    storage: Storage
    engine: RunEngine
    errands: Errands
    tool_uses: ToolUses
    routines: tuple[Periodic, ...]

    @classmethod
    def assemble(
        cls,
        *,
        storage: Storage,
        engine: RunEngine,
        events: RunEvents,
        feed: RunFeed,
        executor: Executor,
        world: World,
        descriptions: ServiceDescriptions,
        schemas: Schemas,
        passwords: PasswordHasher,
        tokens: Tokens,
        cipher: Cipher,
        prices: WorkspacePrices,
        seals: Seals,
        gateway: ModelGateway,
        tool_uses: ToolUses,
        mailer: Mailer,
        clock: Clock,
        calendar: Calendar,
        new_id: IdFactory,
        registration: Registration,
        public_url: str,
        tick_seconds: float = 1,
        keep_runs_days: int = 0,
    ) -> "Orbiter":
        """Build the handlers over the given ports.

        Schedules are looked at every *tick_seconds*; runs are kept for *keep_runs_days* after their
        end, for ever when that is 0.
        """
        work = Work(storage, clock, new_id)
        errands = Errands()
        chronicle = Chronicle(feed, clock)
        executor.have(StoredChildRuns(storage, engine, executor, chronicle, clock))
        starting = Starting(work, engine, events)
        run_workflow = RunWorkflow(work, starting, executor)
        run_agent = RunAgent(work, starting)
        remote_servers = RemoteServers(
            work, world.remote_tools, world.vault, world.templates, schemas
        )
        ticker = Ticker(storage, run_workflow, calendar, clock)
        retention = Retention(storage, clock, keep_runs_days)
        return cls(
            authentication=Authentication(storage, tokens, clock),
            accounts=AccountHandlers(
                work, tokens, passwords, mailer, registration, public_url, errands
            ),
            sessions=SessionHandlers(work, tokens),
            members=MemberHandlers(work, tokens, mailer, public_url),
            api_keys=ApiKeyHandlers(work, tokens),
            audit_log=AuditLogHandlers(work),
            presence=Presence(work),
            projects=ProjectHandlers(work, engine),
            providers=ProviderHandlers(work, Vendors(gateway, seals)),
            agents=AgentHandlers(work, schemas),
            tools=ToolHandlers(work, ToolKinds(schemas, world.sandbox), remote_servers),
            remote_servers=remote_servers,
            try_tool=TryTool(work, world, run_workflow, run_agent),
            import_openapi=ImportOpenApi(work, descriptions, world.http),
            workflows=WorkflowHandlers(work, schemas),
            run_workflow=run_workflow,
            run_agent=run_agent,
            conversations=ConversationHandlers(work, engine, chronicle),
            send_message=SendMessage(work, starting, run_agent),
            runs=RunHandlers(work, engine, events, chronicle),
            approvals=ApprovalHandlers(work, engine, schemas, chronicle),
            replays=ReplayHandlers(work, starting, run_workflow, run_agent),
            run_events=RunEventHandlers(work, feed),
            storage=storage,
            engine=engine,
            schedules=ScheduleHandlers(work, calendar),
            notifications=NotificationHandlers(work),
            hooks=HookHandlers(work, tokens, cipher, run_workflow, public_url),
            secrets=SecretHandlers(work, seals),
            prices=PriceHandlers(work, prices),
            errands=errands,
            tool_uses=tool_uses,
            routines=(
                Periodic("Looking at schedules", ticker.look, tick_seconds, clock),
                Periodic("Deleting old runs", retention.sweep, SWEEP_SECONDS, clock),
            ),
        )

    async def start(self) -> None:
        """Begin executing runs, ticking schedules, and deleting what is old."""
        await self.engine.start()
        for routine in self.routines:
            routine.start()

    async def ready(self) -> None:
        """Raise Unavailable unless storage answers."""
        await self.storage.ready()

    async def stop(self, seconds: float) -> None:
        """Give runs under way *seconds* to end, finish what was begun aside, close storage."""
        for routine in self.routines:
            await routine.stop()
        await self.engine.stop(seconds)
        await self.tool_uses.close()
        await self.errands.finish()
        await self.storage.close()
