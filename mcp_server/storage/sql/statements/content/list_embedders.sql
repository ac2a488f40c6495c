SELECT embedder FROM meanings WHERE embedder IS NOT NULL GROUP BY embedder ORDER BY max(id) DESC
