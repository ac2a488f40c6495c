INSERT INTO usage (
    entry, model, batch_id, job_id, attempt, day, reserved_input, reserved_output, reserved_cost,
    reserved_at
) VALUES (
    :entry, :model, :batch_id, :job_id, :attempt, :day, :input_tokens, :output_tokens, :cost,
    :now
)
