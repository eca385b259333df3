"""/health: whether the process lives, and whether it can serve."""

from litestar import Controller, get
from litestar.di import NamedDependency

from orbiter.adapters.http.access import public
from orbiter.adapters.http.wire import Output
from orbiter.application.facade import Orbiter


class HealthOut(Output):
    """All is well; otherwise the answer is 503."""

    status: str = "ok"


class HealthController(Controller):
    """Probes for whoever keeps the process running."""

    path = "/health"
    tags = ("health",)

    @get("/live", opt=public(), summary="Liveness")
    async def live(self) -> HealthOut:
        """Say that the process answers."""
        return HealthOut()

    @get("/ready", opt=public(), summary="Readiness")
    async def ready(self, core: NamedDependency[Orbiter]) -> HealthOut:
        """Say that storage answers; 503 when it does not."""
        await core.ready()
        return HealthOut()
