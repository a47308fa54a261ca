-- What could not be booked may have been confirmed. How much of it is kept is decided before it is confirmed, for each
-- charge point by itself: nothing of one is deleted because another sends much.
DROP TRIGGER quarantine_is_capped;
