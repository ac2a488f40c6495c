SELECT * FROM usage_sums WHERE scope = 'model' ORDER BY name
