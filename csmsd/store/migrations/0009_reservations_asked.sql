-- The requests without an answer, as JSON: more than one may be under way with one id.
ALTER TABLE reservation RENAME COLUMN replaced TO asked;

UPDATE reservation SET asked = CASE state
    WHEN 'requested' THEN json_array(json_object(
        'terms', json_object(
            'connector', connector, 'id_tag', id_tag, 'parent_id_tag', parent_id_tag, 'expires_at', expires_at
        ),
        'lost', json('true')
    ))
    ELSE '[]'
END;
