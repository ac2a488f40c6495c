INSERT INTO revisions (
    type, page, entity_id, template, fields, markdown, content_hash, base, author_kind, author_name,
    batch_id, job_id, site_hash, inputs_hash, instructions, material, findings, input_tokens,
    output_tokens, cost_usd, effective, created_at, source_page, source_start, source_end, related
) VALUES (
    :type, :page, :entity_id, :template, :fields, :markdown, :content_hash, :base, :author_kind,
    :author_name, :batch_id, :job_id, :site_hash, :inputs_hash, :instructions, :material,
    :findings, :input_tokens, :output_tokens, :cost_usd, :effective, :created_at, :source_page,
    :source_start, :source_end, :related
)
