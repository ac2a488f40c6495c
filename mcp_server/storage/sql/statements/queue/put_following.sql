INSERT INTO following (batch, what, until, said_at, reason, requires, leave_out)
VALUES (
    :batch, :what, (SELECT coalesce(max(id), 0) FROM jobs WHERE batch = :batch), :now, :reason,
    :requires, :leave_out
)
