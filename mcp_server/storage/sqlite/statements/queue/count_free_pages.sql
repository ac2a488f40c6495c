SELECT freelist_count AS pages, auto_vacuum = 2 AS shrinks
FROM pragma_freelist_count, pragma_auto_vacuum
