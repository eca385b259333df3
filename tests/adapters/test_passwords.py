"""Argon2id, cheaper than in production."""

import asyncio
from collections.abc import Iterator

import pytest

from orbiter.adapters.security.passwords import Argon2PasswordHasher


@pytest.fixture
def passwords() -> Iterator[Argon2PasswordHasher]:
    hasher = Argon2PasswordHasher(memory_kib=64, passes=1)
    yield hasher
    hasher.close()


async def test_only_the_right_password_fits(passwords: Argon2PasswordHasher) -> None:
    kept = await passwords.hash("correct-horse-battery")
    assert await passwords.verify("correct-horse-battery", kept)
    assert not await passwords.verify("correct-horse-batterY", kept)


async def test_one_password_gives_two_hashes(passwords: Argon2PasswordHasher) -> None:
    assert await passwords.hash("twice") != await passwords.hash("twice")


async def test_nothing_fits_where_nothing_is_kept(passwords: Argon2PasswordHasher) -> None:
    assert not await passwords.verify("", None)


@pytest.mark.parametrize("kept", ["no hash at all", "$argon2id$v=19$m=64"])
async def test_a_broken_hash_fits_nothing(passwords: Argon2PasswordHasher, kept: str) -> None:
    assert not await passwords.verify("secret", kept)


async def test_by_default_a_hash_costs_what_owasp_asks() -> None:
    hasher = Argon2PasswordHasher()
    assert (await hasher.hash("secret")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    hasher.close()


async def test_the_event_loop_goes_on_while_passwords_are_checked() -> None:
    hasher = Argon2PasswordHasher()
    checks = [asyncio.create_task(hasher.verify("guess", None)) for _ in range(8)]
    turns = 0
    while not checks[0].done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 10
    assert not any(await asyncio.gather(*checks))
    hasher.close()


async def test_a_password_fits_from_whichever_keyboard(passwords: Argon2PasswordHasher) -> None:
    kept = await passwords.hash("k\u00e4the-and-friends")
    assert await passwords.verify("ka\u0308the-and-friends", kept)
