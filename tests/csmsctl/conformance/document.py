"""The cases of the public test-case document (2024-04, section 3), by functionality; each is called TC_…_CSMS."""

_NUMBERS = {
    "Core": "001 003 004_1 004_2 005_1 007 061 010 011_1 011_2 012 013 014 017_1 017_2 018_1 019_1 019_2 021 023_1 "
    "023_2 023_3 024 026 028 030 031 032_1 037_1 037_3 039 040_1 040_2 064",
    "Firmware Management": "044_1 044_2 044_3 045_1 045_2",
    "Smart Charging": "056 057 059 066 067",
    "Reservation": "046 047 048_1 048_2 048_3 048_4 049 051 052 053",
    "Local Authorization List Management": "042_1 042_2 043_1 043_3 043_4 043_5",
    "Remote Trigger": "054 055",
    "Security": "073 074 075_1 075_2 076 077 078 079 080 081 085 086 087",
}

# Id → functionality.
DOCUMENT = {f"TC_{number}_CSMS": name for name, numbers in _NUMBERS.items() for number in numbers.split()}
