"""Settings: what counts, what is refused and how it is told."""

from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.application.ports.identity import Rate
from orbiter.domain.users import Registration
from orbiter.entrypoints.loading import WrongSettings, load
from orbiter.entrypoints.rates import DEFAULTS, parse_rate_limits
from orbiter.entrypoints.readers import LogStyle
from orbiter.entrypoints.settings import DEFINITIONS, Settings

KEY = "k" * 32
SECRET_URL = "postgresql+asyncpg://ada:s3:c@ret/x@db.example:5432/orbiter?password=s3&ssl=require"
MAIL_URL = "smtp://ada:s3cret@mail.example:587"


def problems(**environment: str) -> tuple[str, ...]:
    with pytest.raises(WrongSettings) as refusal:
        load({f"ORBITER_{name}": value for name, value in environment.items()})
    return refusal.value.problems


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = load({}).settings
    assert settings == Settings()
    assert (settings.host, settings.port, settings.run_concurrency) == ("127.0.0.1", 8000, 32)
    assert settings.data_dir == Path("./.orbiter")
    assert settings.storage_url == f"sqlite+aiosqlite:///{Path.cwd()}/.orbiter/orbiter.db"
    assert settings.registration is Registration.OPEN
    assert settings.rate_limits == DEFAULTS
    assert settings.log == LogStyle(json=False, level="info")
    assert (settings.secret_key, settings.smtp_url, settings.public_url) == (None, None, None)
    assert not settings.egress_allow.openings


def test_every_value_is_read_from_the_environment() -> None:
    settings = load(
        {
            "ORBITER_PORT": " 9000 ",
            "ORBITER_DATABASE_URL": SECRET_URL,
            "ORBITER_REGISTRATION": "Invite",
            "ORBITER_EGRESS_ALLOW": "10.0.0.0/8",
            "ORBITER_TRUSTED_PROXIES": "10.0.0.1, 192.168.1.7/24",
            "ORBITER_CORS_ORIGINS": "https://App.example.org,http://localhost:5173",
            "ORBITER_SMTP_URL": MAIL_URL,
            "ORBITER_MAIL_FROM": "Orbiter <orbiter@example.org>",
            "ORBITER_PUBLIC_URL": "https://orbiter.example.org/app/",
            "ORBITER_LOG": "json:debug",
        }
    ).settings
    assert (settings.port, settings.storage_url) == (9000, SECRET_URL)
    assert settings.registration is Registration.INVITE
    assert settings.egress_allow.allows("x", ip_address("10.1.1.1"), 80)
    assert settings.trusted_proxies == ("10.0.0.1/32", "192.168.1.0/24")
    assert settings.cors_origins == ("https://app.example.org", "http://localhost:5173")
    assert settings.base_url == "https://orbiter.example.org/app"
    assert settings.log == LogStyle(json=True, level="debug")


def test_an_option_wins_over_the_environment_and_each_origin_is_known(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    environment = {"ORBITER_PORT": "1", "ORBITER_SECRET_KEY_FILE": str(tmp_path / "key")}
    loaded = load(environment | {"ORBITER_HOST": "::"}, {"ORBITER_PORT": "9000"})
    assert loaded.settings.port == 9000
    assert loaded.settings.secret_key == KEY
    origins = {name.removeprefix("ORBITER_"): given.origin for name, given in loaded.given.items()}
    assert (origins["PORT"], origins["HOST"]) == ("option", "environment")
    assert (origins["SECRET_KEY"], origins["LOG"]) == ("file", "default")


def test_an_empty_variable_is_none() -> None:
    assert load(dict.fromkeys(DEFINITIONS, " ")) == load({})


def test_everything_wrong_is_told_at_once_by_name() -> None:
    found = problems(PORT="http", REGISTRATION="maybe", LOG="loud", EGRESS_ALLOW="*")
    assert [line.partition(":")[0] for line in found] == [
        "ORBITER_PORT",
        "ORBITER_REGISTRATION",
        "ORBITER_EGRESS_ALLOW",
        "ORBITER_LOG",
    ]
    assert found[1] == "ORBITER_REGISTRATION: 'maybe' is none of open, invite, closed"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOST", "http://127.0.0.1"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "80.5"),
        ("PORT", "١"),
        ("DATA_DIR", "~nobody-of-this-name/data"),
        ("RUN_CONCURRENCY", "0"),
        ("DATABASE_URL", "mysql://h/db"),
        ("DATABASE_URL", "postgresql://h/db"),
        ("DATABASE_URL", "postgresql+asyncpg://h:port/db"),
        ("DATABASE_URL", "sqlite+aiosqlite://"),
        ("DATABASE_URL", "sqlite+aiosqlite:///:memory:"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", f"{KEY},"),
        ("TRUSTED_PROXIES", "proxy.example"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://app.example.org/path"),
        ("CORS_ORIGINS", "app.example.org"),
        ("SMTP_URL", "mail.example:587"),
        ("SMTP_URL", "smtp://"),
        ("MAIL_FROM", "orbiter"),
        ("PUBLIC_URL", "orbiter.example.org"),
        ("PUBLIC_URL", "https://[::1"),
        ("PUBLIC_URL", "https://a:b@orbiter.example.org"),
        ("LOG", "json console"),
        ("LOG", "json:debug:info"),
        ("RATE_LIMITS", "sometimes"),
        ("SHUTDOWN_SECONDS", "-1"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name(name: str, value: str) -> None:
    (line,) = problems(**{name: value})
    assert line.startswith(f"ORBITER_{name}: ")


def test_a_mail_server_needs_a_sender() -> None:
    assert problems(SMTP_URL=MAIL_URL) == (
        "ORBITER_MAIL_FROM: needed where ORBITER_SMTP_URL is set",
    )


def test_a_secret_may_stand_in_a_file_but_not_twice(tmp_path: Path) -> None:
    (line,) = problems(SECRET_KEY_FILE=str(tmp_path / "nothing"))
    assert "can't be read: No such file or directory" in line
    (line,) = problems(SECRET_KEY=KEY, SECRET_KEY_FILE=str(tmp_path / "nothing"))
    assert "ORBITER_SECRET_KEY_FILE" in line


def test_secrets_are_never_shown() -> None:
    loaded = load(
        {
            "ORBITER_SECRET_KEY": KEY,
            "ORBITER_DATABASE_URL": SECRET_URL,
            "ORBITER_SMTP_URL": MAIL_URL,
            "ORBITER_MAIL_FROM": "orbiter@example.org",
        }
    )
    assert loaded.shown("ORBITER_SECRET_KEY") == "***"
    assert loaded.shown("ORBITER_SMTP_URL") == "smtp://ada:***@mail.example:587"
    assert loaded.shown("ORBITER_DATABASE_URL") == (
        "postgresql+asyncpg://ada:***@db.example:5432/orbiter?password=***&ssl=require"
    )
    assert "s3" not in repr(loaded.settings)
    assert KEY not in repr(loaded.settings)


@given(st.sampled_from(["SECRET_KEY", "DATABASE_URL", "SMTP_URL"]), st.text(min_size=1))
def test_a_wrong_secret_is_not_repeated(name: str, rest: str) -> None:
    secret = f"s3cret{rest}"
    try:
        load({f"ORBITER_{name}": secret})
    except WrongSettings as refusal:
        assert "s3cret" not in str(refusal)


@given(st.dictionaries(st.sampled_from(sorted(DEFINITIONS)), st.text(max_size=40)))
def test_any_text_is_read_or_refused_by_name(environment: dict[str, str]) -> None:
    try:
        load(environment)
    except WrongSettings as refusal:
        assert all(line.partition(":")[0] in DEFINITIONS for line in refusal.problems)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("orbiter.example", "http://orbiter.example:8000"),
    ],
)
def test_links_start_with_host_and_port_unless_set(host: str, url: str) -> None:
    assert load({"ORBITER_HOST": host}).settings.base_url == url


def test_names_that_mean_nothing_are_told() -> None:
    environment = {
        "ORBITER_PROT": "1",
        "ORBITER_XYZZY": "1",
        "ORBITER_ALERT_INTERVAL_SECONDS": "30",
        "ORBITER_URL": "http://127.0.0.1:8000",
        "ORBITER_SECRET_KEY_FILE": "",
        "PATH": "/bin",
    }
    assert load(environment).warnings == (
        "ORBITER_ALERT_INTERVAL_SECONDS has no effect yet",
        "ORBITER_PROT is no setting of Orbiter and is ignored; ORBITER_PORT is meant?",
        "ORBITER_XYZZY is no setting of Orbiter and is ignored",
    )


def test_runs_are_left_to_workers_only_where_there_can_be_some() -> None:
    shared = {"ORBITER_DATABASE_URL": "postgresql+asyncpg://db/orbiter"}
    assert not load({"ORBITER_EXECUTE": "off", **shared}).settings.execute
    with pytest.raises(WrongSettings, match="ORBITER_EXECUTE: off needs workers"):
        load({"ORBITER_EXECUTE": "off"})
    with pytest.raises(WrongSettings, match="ORBITER_EXECUTE: must be on or off"):
        load({"ORBITER_EXECUTE": "maybe"})


def test_rate_limits_are_changed_one_by_one() -> None:
    rates = parse_rate_limits("login=5/min, run=1000/h,api=off")
    assert rates is not None
    assert rates["login"] == Rate(amount=5, seconds=60)
    assert rates["run"] == Rate(amount=1000, seconds=3600)
    assert rates["register"] == DEFAULTS["register"]
    assert "api" not in rates


def test_rate_limits_are_switched_as_a_whole() -> None:
    assert parse_rate_limits("OFF") is None
    assert parse_rate_limits("on") == parse_rate_limits("") == DEFAULTS


@pytest.mark.parametrize("text", ["login", "login=", "login=5", "login=0/min", "login=5/week"])
def test_a_rate_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="login=5/min"):
        parse_rate_limits(text)


def test_a_limit_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(ValueError, match="login, login_email, register, register_email, run, api"):
        parse_rate_limits("lgoin=5/min")
