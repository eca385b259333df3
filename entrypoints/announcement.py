"""What an operator is told once Orbiter listens."""

import structlog

from orbiter.entrypoints.loading import Loaded

log = structlog.get_logger("orbiter")


def announce(loaded: Loaded) -> None:
    """Tell where Orbiter, its docs and its data are: in lines, or where logs are JSON, as one."""
    settings = loaded.settings
    data = settings.data_dir.absolute()
    facts = {
        "url": settings.local_url,
        "docs": f"{settings.local_url}/docs",
        "data": str(data),
        "database": loaded.shown("ORBITER_DATABASE_URL"),
        "mails": loaded.shown("ORBITER_SMTP_URL") if settings.smtp_url else str(data / "mails"),
    }
    if settings.log.json:
        log.info("listening", **facts)
        return
    lines = [f"  {name:10}{value}" for name, value in facts.items()]
    print("\n".join(["Orbiter is ready (Ctrl+C ends it)", *lines]), flush=True)
