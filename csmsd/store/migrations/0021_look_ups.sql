-- What a start loads and what messages look up is found without going through what has long been over.
DROP INDEX transactions_open;
CREATE INDEX transactions_active ON transactions (id) WHERE state = 'active';
CREATE INDEX transactions_awaited ON transactions (charge_point, id)
    WHERE state = 'abandoned' OR (state = 'stopped' AND instr(flags, '"stop:matched_') > 0);
-- What runs is in memory; so a start costs no entry here, and its stop one.
CREATE INDEX transactions_of_start ON transactions (charge_point, start_time) WHERE state <> 'active';

CREATE INDEX quarantine_unsettled ON quarantine (id) WHERE settled_at IS NULL;

CREATE INDEX reservation_active ON reservation (created_at) WHERE state IN ('requested', 'reserved');
CREATE INDEX reservation_of_charge_point ON reservation (charge_point, created_at, id);
CREATE INDEX reservation_of_id ON reservation (id);

CREATE INDEX firmware_update_open ON firmware_update (id) WHERE state NOT IN (
    'cancelled', 'download_failed', 'installation_failed', 'installed', 'not_sent', 'refused', 'superseded', 'unknown'
);
CREATE INDEX firmware_update_of_rollout ON firmware_update (rollout) WHERE rollout IS NOT NULL;
CREATE INDEX diagnostics_upload_open ON diagnostics_upload (id) WHERE state NOT IN (
    'cancelled', 'not_sent', 'nothing', 'refused', 'superseded', 'unknown', 'upload_failed', 'uploaded'
);
CREATE INDEX diagnostics_upload_stored ON diagnostics_upload (id) WHERE stored IS NOT NULL;
