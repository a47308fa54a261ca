"""Keys at rest and their check (W A00.FR.204, A00.FR.205, A01)."""

import hashlib
from typing import Any

import pytest

from csmsd.charge_points.passwords import PasswordCheck, generate_password, hash_password

KEY = "0123456789abcdef"


async def verified(check: PasswordCheck, stored: str, password: bytes) -> bool:
    return await check.verify([stored], password, identity="cp1", address="A") == stored


def parts(stored: str) -> tuple[str, bytes, str]:
    method, salt, digest = stored.split("$")
    return method, bytes.fromhex(salt), digest


def test_a_generated_key_is_as_long_as_it_may_be_and_never_the_same() -> None:
    keys = {generate_password() for _ in range(100)}
    assert len(keys) == 100
    assert {len(key) for key in keys} == {20}
    assert all(key.isascii() and key.isalnum() for key in keys)


def test_a_chosen_password_is_hashed_slowly() -> None:
    method, salt, digest = parts(hash_password(KEY, generated=False))
    assert method == "scrypt"
    assert hashlib.scrypt(KEY.encode(), salt=salt, n=16_384, r=8, p=1).hex() == digest


def test_a_generated_key_needs_no_slowness() -> None:
    method, salt, digest = parts(hash_password(KEY, generated=True))
    assert method == "sha256"
    assert hashlib.sha256(salt + KEY.encode()).hexdigest() == digest


@pytest.mark.parametrize("generated", [True, False])
def test_the_same_key_is_never_stored_the_same_way(generated: bool) -> None:
    stored = [hash_password(KEY, generated=generated) for _ in range(3)]
    salts = {parts(one)[1] for one in stored}
    assert (len(set(stored)), len(salts), {len(salt) for salt in salts}) == (3, 3, {16})


@pytest.mark.parametrize("generated", [True, False])
async def test_what_is_wrong_is_wrong_as_often_as_it_is_tried(generated: bool) -> None:
    stored, check = hash_password(KEY, generated=generated), PasswordCheck()
    for wrong in (b"", b"0123456789abcdeF", KEY.encode() + b"x"):
        assert [await verified(check, stored, wrong) for _ in range(3)] == [False] * 3
    assert [await verified(check, stored, KEY.encode()) for _ in range(3)] == [True] * 3
    assert [await verified(check, stored, b"0123456789abcdeF") for _ in range(3)] == [False] * 3


@pytest.mark.parametrize("generated", [True, False])
async def test_what_follows_a_key_counts_even_when_it_is_nul(generated: bool) -> None:
    plain, longer = (hash_password(key, generated=generated) for key in (KEY, KEY + "\0"))
    check = PasswordCheck()
    for given in (KEY, KEY + "\0", KEY + "\0\0"):
        assert await verified(check, plain, given.encode()) is (given == KEY)
        assert await verified(check, longer, given.encode()) is (given == KEY + "\0")


async def test_what_was_right_for_one_is_not_for_another() -> None:
    check = PasswordCheck()
    own, other = (hash_password(key, generated=True) for key in (KEY, KEY[::-1]))
    assert await verified(check, own, KEY.encode())
    assert not await verified(check, other, KEY.encode())
    assert not await verified(check, own, KEY[::-1].encode())


async def test_a_changed_key_makes_the_old_one_wrong() -> None:
    check = PasswordCheck()
    before, after = hash_password(KEY, generated=True), hash_password(KEY[::-1], generated=True)
    assert await verified(check, before, KEY.encode())
    assert not await verified(check, after, KEY.encode())


@pytest.mark.parametrize(("wrong", "forms"), [(b"wrong", 1), (b"f" * 40, 2), (b"\xff" * 20, 3), (b"", 1)])
@pytest.mark.parametrize("generated", [True, False])
async def test_whatever_is_wrong_takes_as_many_slow_hashes_for_everybody(
    generated: bool, wrong: bytes, forms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one that has another form both are looked at, of those who are nobody as well."""
    stored, check = hash_password(KEY, generated=generated), PasswordCheck()
    slow: list[bytes] = []
    real = hashlib.scrypt

    def scrypt(password: bytes, **how: Any) -> bytes:
        slow.append(password)
        return real(password, **how)

    monkeypatch.setattr(hashlib, "scrypt", scrypt)
    assert not await verified(check, stored, wrong)
    assert len(set(slow)) == len(slow) == forms
    await check.refuse(wrong, identity="nobody", address="A")
    assert slow == slow[:forms] * 2
    slow.clear()
    assert [await verified(check, stored, KEY.encode()) for _ in range(3)] == [True] * 3
    assert len(slow) == (0 if generated else 1), "what was right is remembered"
