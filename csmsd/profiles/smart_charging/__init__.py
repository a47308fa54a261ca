"""Smart Charging (C 3.13): charging profiles, what they add up to, and what a charge point makes of them."""
