"""Secrets are masked before they are stored, logged or shown, and are nowhere on disk."""

import asyncio

from tests.support.site import Site

SECRET = "Wohlgeheim-4711-XYZ"
CREDENTIALS = "ftpuser:ftp-Wohlgeheim-0815"


def files_with(site: Site, text: str) -> list[str]:
    """The files of the site, write-ahead logs and csmsd's own words included, in which the text stands."""
    return [
        str(path.relative_to(site.directory))
        for path in site.directory.rglob("*")
        if path.is_file() and text.encode() in path.read_bytes()
    ]


async def test_no_secret_is_shown_or_stored(site: Site) -> None:
    await site.register("CP1", password=SECRET)
    charge_point = await site.raw("CP1", register=False, password=SECRET)
    printed = []

    changing = asyncio.create_task(
        site.csmsctl("--json", "-v", "change-configuration", "CP1", "--set", f"WifiPassword={SECRET}")
    )
    request = await charge_point.asked("ChangeConfiguration")
    assert request[3] == {"key": "WifiPassword", "value": SECRET}  # the charge point does get it
    await charge_point.answer(request, {"status": "Accepted"})
    printed.append(await changing)

    alone = await site.csmsctl("change-configuration", "CP1", "--set", f"AuthorizationKey={SECRET}", "--force")
    assert (alone.code, "rotate-key CP1" in " ".join(alone.out.split())) == (2, True), (
        "csmsd would ask for the one of before"
    )
    assert SECRET not in alone.out + alone.err

    reading = asyncio.create_task(site.csmsctl("--json", "get-configuration", "CP1"))
    await charge_point.answer(
        await charge_point.asked("GetConfiguration"),
        {"configurationKey": [{"key": "authorizationkey", "readonly": False, "value": SECRET}]},
    )
    printed.append(await reading)

    fetching = asyncio.create_task(
        site.csmsctl(
            "--json", "call", "CP1", "GetDiagnostics", f'{{"location":"ftp://{CREDENTIALS}@example.com/"}}', "--force"
        )
    )
    request = await charge_point.asked("GetDiagnostics")
    assert CREDENTIALS in request[3]["location"]
    await charge_point.frame(4, request[1], "NotSupported", "", {})
    printed.append(await fetching)

    escaped = SECRET.replace("W", "\\u0057")
    await charge_point.send(f'[2,"x","DataTransfer",{{"vendorId":"v","data":"d","authorization_key":"{escaped}"}}]')
    await charge_point.answer_to("x")

    for arguments in (
        ["log"],
        ["task", "list"],
        ["task", "show", "1"],
        ["task", "show", "2"],
        ["task", "show", "3"],
        ["cp", "show", "CP1"],
        ["events"],
        ["status"],
    ):
        for form in ([], ["--json"]):
            printed.append(await site.csmsctl(*form, *arguments))
    assert all(ended.code in (0, 7) for ended in printed)
    for ended in printed:
        assert SECRET not in ended.out + ended.err
        assert CREDENTIALS not in ended.out + ended.err
    assert any("******" in ended.out for ended in printed)

    for secret in (SECRET, CREDENTIALS.partition(":")[2]):
        assert files_with(site, secret) == []
    assert await site.stop() == 0
    for secret in (SECRET, CREDENTIALS.partition(":")[2]):
        assert files_with(site, secret) == []


async def test_the_files_are_for_their_owner_only(site: Site) -> None:
    await site.raw("CP1")
    assert (site.state.stat().st_mode & 0o777) == 0o700
    modes = {path: path.stat().st_mode & 0o777 for path in site.state.rglob("*")}
    assert modes == {path: 0o700 if path.is_dir() else 0o600 for path in modes}
