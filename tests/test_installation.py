"""What is installed: the wheel in an environment of its own, and the unit for systemd."""

import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.site import ROOT, environment


def run(*command: str | Path, directory: Path | None = None, **variables: str) -> str:
    """The output of a command that must succeed, and that finds nothing of this directory by itself."""
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        cwd=directory,
        env=environment(PYTHONPATH="", **variables),
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def need(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed here")
    return found


def test_the_unit_leaves_little_exposed() -> None:
    shown = run(need("systemd-analyze"), "security", "--offline=true", "--no-pager", ROOT / "systemd/csmsd.service")
    exposure = re.search(r"Overall exposure level for csmsd.service: ([\d.]+)", shown)
    assert exposure is not None, shown
    assert float(exposure[1]) < 2.0


def test_keys_do_not_stay_behind_in_a_core() -> None:
    assert "LimitCORE=0" in (ROOT / "systemd/csmsd.service").read_text().splitlines()


# --- the wheel


@pytest.fixture(scope="module")
def wheel() -> Iterator[Path]:
    """Built from a copy of what is under version control, or will be."""
    directory = Path(tempfile.mkdtemp(prefix="csms-wheel-"))
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", directory=ROOT)
    for name in listed.splitlines():
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            target = directory / "source" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    run(
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-build-isolation", "--wheel-dir", directory, "."),
        directory=directory / "source",
    )
    [built] = directory.glob("csms-*.whl")
    yield built
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The environment, laid out as pipx does; what csms needs comes from the environment of the tests."""
    place = wheel.parent / "pipx" / "venvs" / "csms"
    run(sys.executable, "-m", "venv", place)
    run(place / "bin/python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
    packages = Path(run(place / "bin/python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (packages / "zz-needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return place


@pytest.fixture(scope="module")
def programs(installed: Path) -> Path:
    """The directory with links to the programs, as pipx makes them."""
    directory = installed.parents[2] / "bin"
    directory.mkdir()
    for name in ("csmsd", "csmsctl"):
        (directory / name).symlink_to(installed / "bin" / name)
    return directory


@pytest.mark.slow
def test_everything_is_in_the_wheel(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = [re.sub(r"^csms-[^/]*\.(data|dist-info)/", r"\1/", name) for name in archive.namelist()]
    migrations = sorted(path.name for path in (ROOT / "csmsd/store/migrations").glob("*.sql"))
    assert sorted(Path(name).name for name in names if "migrations" in name) == migrations
    assert set(names) >= {
        "csmsd/py.typed",
        "csmsctl/py.typed",
        "dist-info/licenses/LICENSE",
        "dist-info/entry_points.txt",
        "data/data/share/man/man1/csmsctl.1",
        "data/data/share/man/man5/csmsd.toml.5",
        "data/data/share/man/man8/csmsd.8",
        "data/data/share/bash-completion/completions/csmsctl.bash",
        "data/data/share/zsh/site-functions/_csmsctl",
        "data/data/share/fish/vendor_completions.d/csmsctl.fish",
        "data/data/lib/systemd/system/csmsd.service",
        "data/data/lib/systemd/system/csmsd-litestream.service",
        "data/data/lib/sysusers.d/csmsd.conf",
        "data/data/lib/tmpfiles.d/csmsd.conf",
    }
    assert [name for name in names if name.startswith("tests/")] == []


@pytest.mark.slow
def test_the_programs_run_from_there(installed: Path, programs: Path) -> None:
    version = run(programs / "csmsctl", "--version")
    assert run(programs / "csmsd", "--version") == version.replace("csmsctl", "csmsd")
    where = run(
        installed / "bin/python",
        "-c",
        "import csmsd, csmsctl; print(csmsd.__file__)",
        directory=installed,
    )
    assert where.startswith(str(installed))

    site = Path(tempfile.mkdtemp(prefix="csms-"))
    socket = site / "s.sock"
    csmsd = subprocess.Popen(
        [programs / "csmsd", "--listen", "127.0.0.1:0", "--state-dir", site / "state", "--socket", socket],
        env=environment(PYTHONPATH=""),
    )
    try:
        run(programs / "csmsctl", "--socket", socket, "daemon", "wait-ready")
        run(programs / "csmsctl", "--socket", socket, "cp", "add", "CP1")
        assert "CP1" in run(programs / "csmsctl", "--socket", socket, "status")
    finally:
        csmsd.terminate()
        assert csmsd.wait(10) == 0
        shutil.rmtree(site)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["csmsctl", "csmsd", "csmsd.toml"])
def test_man_finds_the_pages(installed: Path, page: str) -> None:
    found = run(need("man"), "-w", page, MANPATH=f"{installed}/share/man")
    assert found.startswith(str(installed))


@pytest.mark.slow
def test_bash_finds_the_completion(installed: Path) -> None:
    loader = Path("/usr/share/bash-completion/bash_completion")
    if not loader.exists():
        pytest.skip("bash-completion is not installed here")
    script = f"source {loader}; _completion_loader csmsctl; complete -p csmsctl"
    found = run(need("bash"), "--norc", "-c", script, XDG_DATA_DIRS=f"{installed}/share:/usr/share")
    assert "_csmsctl" in found


@pytest.mark.slow
def test_zsh_finds_the_completion(installed: Path) -> None:
    script = f"fpath=({installed}/share/zsh/site-functions $fpath); autoload -Uz compinit; compinit -u -D; "
    assert run(need("zsh"), "-f", "-c", script + "print $_comps[csmsctl]").strip() == "_csmsctl"


@pytest.mark.slow
def test_fish_finds_the_completion(installed: Path, programs: Path, tmp_path: Path) -> None:
    found = run(
        *(need("fish"), "-c", "complete -C 'csmsctl remote-'"),
        PATH=f"{programs}:/usr/bin:/bin",
        XDG_DATA_DIRS=f"{installed}/share:/usr/share",
        HOME=str(tmp_path),
    )
    assert [line.partition("\t")[0] for line in found.splitlines()] == ["remote-start", "remote-stop"]
