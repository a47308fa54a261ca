-- How a transaction's energy was judged. What an older version has judged keeps its figure; its register went back.
ALTER TABLE transactions ADD COLUMN at_least_wh INTEGER;
ALTER TABLE transactions ADD COLUMN at_most_wh INTEGER;
ALTER TABLE transactions ADD COLUMN basis TEXT;
ALTER TABLE transactions ADD COLUMN doubts TEXT NOT NULL DEFAULT '[]';
ALTER TABLE transactions ADD COLUMN boots TEXT NOT NULL DEFAULT '[]';
ALTER TABLE transactions ADD COLUMN settled_at INTEGER;
ALTER TABLE transactions ADD COLUMN settled_by TEXT;
ALTER TABLE transactions ADD COLUMN settled_reason TEXT;
ALTER TABLE transactions ADD COLUMN reckoned_wh INTEGER;
UPDATE transactions SET doubts = '["went_back"]' WHERE energy_suspect AND state <> 'active';
UPDATE transactions SET flags = (SELECT json_group_array(value) FROM json_each(flags) WHERE value <> 'energy_suspect')
WHERE flags LIKE '%energy_suspect%';
ALTER TABLE transactions DROP COLUMN energy_suspect;
