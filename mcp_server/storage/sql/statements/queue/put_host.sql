INSERT INTO hosts (id, role, pid, version, abilities, details, seen_at)
VALUES (:id, :role, :pid, :version, :abilities, :details, :now)
ON CONFLICT (id) DO UPDATE SET
    abilities = excluded.abilities, details = excluded.details, seen_at = excluded.seen_at
RETURNING *
