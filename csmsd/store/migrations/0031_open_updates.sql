-- An update whose signature is invalid is over: literally the condition by which a start looks for those that are not.
DROP INDEX firmware_update_open;
CREATE INDEX firmware_update_open ON firmware_update (id) WHERE state NOT IN (
    'cancelled', 'download_failed', 'installation_failed', 'installed', 'invalid_signature', 'not_sent', 'refused',
    'superseded', 'unknown'
);
