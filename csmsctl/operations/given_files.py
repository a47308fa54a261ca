"""Options that name files: their content is what is sent, and a key is used here and never sent."""

import sys
from base64 import b64decode, b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from csmsctl.failure import NOT_THERE, USAGE, Failure
from csmsctl.invocation import Invocation


def read_given_file(file: str) -> bytes:
    """The content of a file, or of standard input for `-`."""
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Failure(USAGE, f"{file} cannot be read: {error.strerror}.") from error


def given_pem(file: str) -> str:
    """A certificate in PEM, as it stands in a file: what else is in there is left out."""
    text = read_given_file(file).decode("ascii", errors="replace")
    begin, end = text.find("-----BEGIN CERTIFICATE-----"), text.rfind("-----END CERTIFICATE-----")
    if begin < 0 or end < begin:
        raise Failure(USAGE, f"{file} holds no certificate in PEM.", "As DER it is: openssl x509 -inform der -in FILE")
    lines = text[begin:end].splitlines()
    return "\n".join([*(line.strip() for line in lines), "-----END CERTIFICATE-----", ""])


def given_base64(file: str) -> str:
    """Binary content in base64; what is base64 already stays so."""
    content = read_given_file(file)
    text = b"".join(content.split())
    try:
        b64decode(text, validate=True)
    except ValueError:
        return b64encode(content).decode()
    return text.decode()


def given_contents(
    run: Invocation, files: Iterable[tuple[str, str]], values: dict[str, Any], *, force: bool
) -> dict[str, Any]:
    """The values with the content of those that name files; `files` are (option, how it is read)."""
    taken, read = dict(values), dict(files)
    for name, how in read.items():
        if name in taken and how in ("pem", "base64"):
            taken[name] = (given_pem if how == "pem" else given_base64)(str(taken[name]))
    return signed_image(run, taken, force=force) if "key" in read.values() else taken


def signed_image(run: Invocation, values: dict[str, Any], *, force: bool) -> dict[str, Any]:
    """With the signature of an image that csmsd hosts: made with the key of `sign_with`, or the given one, checked."""
    key, padding = values.pop("sign_with", None), values.pop("padding", None)
    if key is not None and values.get("signature") is not None:
        raise Failure(USAGE, "The signature is either given or made: --signature or --sign-with.")
    if padding is not None and key is None:
        raise Failure(USAGE, "--padding says how --sign-with signs, and makes no sense without it.")
    image = values.get("file")
    if key is not None and image is None:
        raise Failure(USAGE, "--sign-with signs an image that csmsd hosts: --file NAME.")
    if image is None or (key is None and values.get("signature") is None):
        return values
    from csmsd.pki.signing import UnusableSignature, signature_of_digest, verified_signature

    digest = _digest_of_image(run, str(image))
    try:
        if key is not None:
            values["signature"] = signature_of_digest(read_given_file(key), digest, padding or "pss")
        if not force and not values.get("bad_signature"):
            verified_signature(values["signing_certificate"].encode(), digest, values["signature"])
    except UnusableSignature as error:
        said = str(error)
        raise Failure(USAGE, f"{said[0].upper()}{said[1:]}.", "Send it all the same with --force.") from error
    return values


def _digest_of_image(run: Invocation, name: str) -> bytes:
    for image in run.call("firmware.list")["firmware"]:
        if image["name"] == name:
            return bytes.fromhex(image["sha256"])
    raise Failure(NOT_THERE, f"No firmware {name}.", "See csmsctl firmware list, or add it: csmsctl firmware add FILE")
