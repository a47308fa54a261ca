-- The requests without an answer, as JSON: more than one may be under way with one id.
ALTER TABLE reservation RENAME COLUMN replaced TO asked;

-- What was being replaced holds on until its replacement is accepted: it is the row, and the replacement was asked for.
UPDATE reservation SET
    asked = json_array(json_object(
        'terms', json_object(
            'connector', connector, 'id_tag', id_tag, 'parent_id_tag', parent_id_tag, 'expires_at', expires_at
        ),
        'lost', json('true')
    )),
    state = coalesce(json_extract(asked, '$.state'), state),
    connector = coalesce(json_extract(asked, '$.connector'), connector),
    id_tag = coalesce(json_extract(asked, '$.id_tag'), id_tag),
    parent_id_tag = iif(json_extract(asked, '$.state') IS NULL, parent_id_tag, json_extract(asked, '$.parent_id_tag')),
    expires_at = coalesce(json_extract(asked, '$.expires_at'), expires_at)
WHERE state = 'requested';

UPDATE reservation SET asked = '[]' WHERE asked = '{}';
