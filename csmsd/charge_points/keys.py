"""Passwords of charge points, as operators' commands need them."""

from csmsd.charge_points.passwords import bytes_of_key, generate_password, hash_password, is_password_of


class Keys:
    """How they are made, kept and compared: as where charge points come in."""

    @staticmethod
    def generate() -> str:
        return generate_password()

    @staticmethod
    def hash(password: str, *, generated: bool) -> str:
        return hash_password(password, generated=generated)

    @staticmethod
    def fits(password: str, stored: str) -> bool:
        return is_password_of(password.encode(), stored)

    @staticmethod
    def bytes_of(password: str) -> bytes:
        return bytes_of_key(password)
