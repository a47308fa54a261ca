-- What an upload is: by GetDiagnostics, or of GetLog one of both logs.
ALTER TABLE diagnostics_upload ADD COLUMN kind TEXT NOT NULL DEFAULT 'diagnostics';
