-- When an update is to be installed; and what a rollout of signed firmware sends with it.
ALTER TABLE firmware_update ADD COLUMN install_at INTEGER;
ALTER TABLE rollout ADD COLUMN signing_certificate TEXT;
ALTER TABLE rollout ADD COLUMN signature TEXT;
