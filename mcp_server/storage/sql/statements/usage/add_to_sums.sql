INSERT INTO usage_sums (
    scope, name, requests, unpriced, reserved, spent, input_tokens, output_tokens
) VALUES (
    :scope, :name, :requests, :unpriced, :reserved, :spent, :input_tokens, :output_tokens
)
ON CONFLICT (scope, name) DO UPDATE SET
    requests = usage_sums.requests + excluded.requests,
    unpriced = usage_sums.unpriced + excluded.unpriced,
    reserved = usage_sums.reserved + excluded.reserved,
    spent = usage_sums.spent + excluded.spent,
    input_tokens = usage_sums.input_tokens + excluded.input_tokens,
    output_tokens = usage_sums.output_tokens + excluded.output_tokens
