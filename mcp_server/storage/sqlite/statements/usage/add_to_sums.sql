INSERT INTO usage_sums (
    scope, name, requests, unpriced, reserved, spent, input_tokens, output_tokens
) VALUES (
    :scope, :name, :requests, :unpriced, :reserved, :spent, :input_tokens, :output_tokens
)
ON CONFLICT (scope, name) DO UPDATE SET
    requests = requests + excluded.requests,
    unpriced = unpriced + excluded.unpriced,
    reserved = reserved + excluded.reserved,
    spent = spent + excluded.spent,
    input_tokens = input_tokens + excluded.input_tokens,
    output_tokens = output_tokens + excluded.output_tokens
