INSERT INTO batches (
    batch_id, kind, owner, interface, destination, state, terms, details, submit_key, about, total,
    outstanding, created_at, change
) VALUES (
    :batch_id, :kind, :owner, :interface, :destination, 'pending', :terms, :details, :submit_key,
    :about, :total, :outstanding, :now, :change
)
