-- Which rollout an update is a part of, so that a rollout finds its own again whatever came after it.

ALTER TABLE firmware_update ADD COLUMN rollout INTEGER;

UPDATE firmware_update SET rollout = (
    SELECT max(rollout) FROM rollout_member WHERE rollout_member.update_id = firmware_update.id
);
