INSERT INTO batches (
    batch_id, kind, owner, interface, destination, details, about, created_at
) VALUES (
    :batch_id, :kind, :owner, :interface, :destination, :details, :about, :now
)
