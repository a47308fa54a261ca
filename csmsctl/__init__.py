"""csmsctl: the console of csms, for people, scripts and cron jobs."""
