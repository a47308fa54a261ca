"""The site on which the examples of README, manual and help run: what they name is there.

An example that leaves the site different, or needs it so, stands in `ALONE` with what comes before and after it; one
that goes on until it is interrupted in `ENDLESS`; one that cannot be run in a test in `NOT_RUN`, with the reason.
Each begins as the example begins.
"""

import subprocess
import tempfile
from base64 import b64encode
from pathlib import Path

SETTINGS = {
    "ocpp": {"hold_after_reconnect": 0},
    "files": {"http_listen": "127.0.0.1:0"},
}


def _signed(name: str, content: str) -> dict[str, str]:
    """A signing certificate, the signature of an image in base64, named after it, and two root certificates."""
    with tempfile.TemporaryDirectory() as directory:

        def openssl(*words: str) -> bytes:
            return subprocess.run(["openssl", *words], cwd=directory, capture_output=True, check=True).stdout

        made = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=ACME", "-days", "30")
        openssl("req", "-x509", *made, "-keyout", "key.pem", "-out", "signing.pem")
        (Path(directory) / name).write_text(content)
        signature = b64encode(openssl("dgst", "-sha256", "-sign", "key.pem", name)).decode()
        found = {f"{Path(name).stem}.sig": signature}
        root = ("-newkey", "rsa:2048", "-nodes", "-addext", "keyUsage=critical,keyCertSign", "-days", "30")
        for file in ("root.pem", "old-root.pem"):
            openssl("req", "-x509", *root, "-subj", f"/CN={file}", "-keyout", "root.key", "-out", file)
        for file in ("signing.pem", "root.pem", "old-root.pem"):
            found[file] = (Path(directory) / file).read_text()
        return found


# In the directory of each example.
FILES = {
    "acme-2.1.bin": "firmware",
    "firmware-2.1.bin": "other firmware",
    **_signed("acme-2.1.bin", "firmware"),
    "tags.csv": "id,note\nD4E5F6,imported\n",
    "cards.csv": "id,note\nB2C3D4,imported\n",
    "commands.txt": "status\ntx list\n",
    "cp1.csr": """-----BEGIN CERTIFICATE REQUEST-----
MIHaMIGBAgEAMB8xDzANBgNVBAoMBk15IENQTzEMMAoGA1UEAwwDQ1AxMFkwEwYH
KoZIzj0CAQYIKoZIzj0DAQcDQgAEOUgaA3NVKNjPlnzOd1vSUk6YOCm2e7n73STG
rt9Xf7qrVYISoMulDw003au7mkRMpWaAFH8TApFImvkW4wO7N6AAMAoGCCqGSM49
BAMCA0gAMEUCIQDe1cuKi7ebNsY7atUeW8/NbWryjGPmghq0XFymacxpQwIgTDnC
Yjp0h3PrvTtXsDO5Yiuz912H6878cHlejIo60zA=
-----END CERTIFICATE REQUEST-----
""",
    "circuits.toml": '[circuits.main]\nlimit = "63A"\n',
    "tariff.toml": 'currency = "EUR"\n[[tariffs]]\nper_kwh = "0.40"\n',
}

CHARGE_POINTS = ("CP1", "north-1", "north-2", "depot-1")

# Before the charge points come.
REGISTER = """
csmsctl cp add CP1 --label north --label garage
csmsctl cp add north-1 --label north
csmsctl cp add north-2 --label north
csmsctl cp add depot-1
csmsctl tag add A1B2C3
csmsctl tag add DEPOT
csmsctl profile add night --limit 6A --purpose TxDefaultProfile
csmsctl firmware add acme-2.1.bin
csmsctl firmware add firmware-2.1.bin
csmsctl cert init --name csms.local --name 192.168.1.10 --organization 'My CPO'
csmsctl cert sign CP1 --csr cp1.csr --output cp1.pem
csmsctl circuit add main --limit 63A
"""

# When they are there. Transaction 1 runs on depot-1, for which rollout 1 waits; diagnostics 1 are of CP1, and so is
# reservation 1; a transaction runs on CP1.
PREPARE = """
csmsctl get-diagnostics CP1 --wait
csmsctl remote-start depot-1 --tag DEPOT --connector 1
until_ running depot-1
csmsctl firmware rollout depot-1 --file acme-2.1.bin --only-idle
csmsctl reserve-now CP1 --connector 2 --tag A1B2C3 --expires +1h
csmsctl set-charging-profile CP1 --connector 1 --profile night
csmsctl remote-start CP1 --tag A1B2C3 --connector 1
until_ running CP1
"""

# What the lines here may use.
FUNCTIONS = r"""
running() { csmsctl tx list --state active --charge-point "$1" --csv --no-headers | grep -q .; }
free() { csmsctl status CP1 --csv | grep -Eqi "^CP1,true,[^,]*,[^,]*,1,(Available|Reserved),"; }
until_() { until "$@"; do sleep 0.1; done; }
idle() { until free; do ! running CP1 || csmsctl remote-stop CP1; sleep 0.1; done; }
charging() { running CP1 || { until_ free; csmsctl remote-start CP1 --tag A1B2C3 --connector 1; }; until_ running CP1; }
times() { csmsctl events --type "charge_point.$1" --csv --no-headers --limit 1000 | grep -c CP1; }
before() { times "$1" >before; }
after() { until [ "$(times "$1")" -gt "$(cat before)" ]; do sleep 0.1; done; until_ free; }
no_rollouts() { csmsctl rollout list --csv --no-headers | cut -d, -f1 | xargs -rn1 csmsctl rollout cancel --yes; }
"""

# One after the other in this order, when all others have been run: (example, before, after).
ALONE = [
    ("csmsctl backup verify", "csmsctl backup create csms-backup.db", "rm csms-backup.db"),
    ("csmsctl rollout pause 1", "", ""),
    ("csmsctl rollout resume 1", "", ""),
    ("csmsctl rollout cancel 1", "", ""),
    ("csmsctl cp set CP1 --label", "", "csmsctl cp set CP1 --label north --label garage"),
    ("csmsctl config", "csmsctl config export --all > site.toml", ""),
    ("csmsctl send-local-list", "", ""),
    ("csmsctl local-list sync", "", ""),
    ("csmsctl tag block", "", "csmsctl tag unblock A1B2C3"),
    ("csmsctl circuit add garage", "", "csmsctl circuit remove garage"),
    ("csmsctl circuit remove garage", "csmsctl circuit add garage --limit 32A", ""),
    (
        "csmsctl load explain",
        "csmsctl circuit member add main north-1",
        "csmsctl circuit member remove main north-1",
    ),
    ("csmsctl circuit member add main north-1", "", "csmsctl circuit member remove main north-1"),
    ("csmsctl load pause", "", "csmsctl load resume"),
    ("csmsctl profile remove night", "", "csmsctl profile add night --limit 6A --purpose TxDefaultProfile"),
    ("csmsctl clear-charging-profile", "csmsctl set-charging-profile CP1 --connector 1 --profile night", ""),
    ("csmsctl remote-stop CP1", "charging", ""),
    ("csmsctl remote-start CP1", "idle", "until_ running CP1"),
    ("csmsctl unlock-connector CP1", "idle", ""),
    ("csmsctl cancel-reservation", "", ""),
    ("csmsctl reserve-now CP1", "idle", ""),
    (
        "csmsctl change-availability CP1",
        "idle",
        "csmsctl change-availability CP1 --connector 1 --type operative; until_ free",
    ),
    ("csmsctl reset 'north-*'", "", ""),
    ("csmsctl reset CP1", "idle; before booted", "after booted"),
    ("csmsctl call CP1 Reset", "before booted", "after booted"),
    ("csmsctl cp disconnect CP1", "before connected", "after connected"),
    ("csmsctl firmware remove", "no_rollouts", "csmsctl firmware add acme-2.1.bin"),
    ("csmsctl update-firmware CP1", "no_rollouts; before booted", "after booted"),
    (
        "csmsctl delete-certificate CP1",
        "csmsctl install-certificate CP1 --type central-system --certificate old-root.pem --yes",
        "",
    ),
    ("csmsctl signed-update-firmware CP1", "no_rollouts; before booted", "after booted"),
    ("csmsctl firmware rollout", "no_rollouts", ""),
    ("csmsctl diagnostics remove 1", "", ""),
    ("csmsctl tx close 1", "", ""),
    ("csmsctl tx settle 1", "", ""),
    ("csmsctl cert revoke", "", ""),
    ("csmsctl tag remove", "", ""),
    ("csmsctl cp remove", "", ""),
]

ENDLESS = ("csmsctl watch", "csmsctl log CP1 -f", "csmsctl events -f")

NOT_RUN = {
    "csmsctl delete-certificate north-1": "wants a certificate with that serial number",
    "csmsctl cp rotate-key": "wants charge points with keys; tests/csmsd/operations/test_securing.py has some",
    "csmsctl cp secure @garage": "wants TLS, which this site has not",
    "csmsctl tx dismiss": "wants a message that could not be booked; that of its method has one",
    "make": "builds, or never ends; the demo and the tests have their own",
    "sudo": "changes this machine",
    "csmsd --listen": "listens on a port and on paths that others may have",
    "csmsctl simulate": "speaks to port 9000 of this machine; it is what runs the charge points of this site",
    "csmsctl cert sign north-1": "wants a request that waits; tests/csmsd/pki/test_request_signing.py has some",
    "csmsctl tls check csms.example.com:443": "wants a server elsewhere; that of its method has one",
    "csmsctl shell": "wants a terminal; tests/csmsctl has its own for it",
    "csmsctl check": "its exit code is the state of the site; tests/csmsctl/commands/test_check.py has many",
    "csmsctl conformance": "takes minutes; tests/csmsctl/conformance runs it",
}
