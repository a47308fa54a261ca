-- Commands for charge points that are not connected wait under the number of their task.
ALTER TABLE task ADD COLUMN expires_at INTEGER;
ALTER TABLE task ADD COLUMN part_of INTEGER;

CREATE TABLE queued_command (
    task INTEGER PRIMARY KEY REFERENCES task(id) DEFERRABLE INITIALLY DEFERRED,
    charge_point TEXT NOT NULL COLLATE NOCASE,
    command TEXT NOT NULL,
    parameters TEXT NOT NULL,
    force INTEGER NOT NULL,
    idle_connector INTEGER,
    timeout REAL NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX task_part_of ON task (part_of) WHERE part_of IS NOT NULL;
DROP INDEX task_under_way;
CREATE INDEX task_under_way ON task (id) WHERE state IN ('recorded', 'sent');
